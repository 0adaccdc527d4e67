"""Level: reference. Published power and accrual of single-arm milestone and RMST tests, to 1e-9: lrstat uses the same formulas."""

import pytest

from sim.validation import one_sample
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = [row for row in rows("one_sample") if one_sample.kind(row) in ("fixed", "sequential")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row(row):
    checks = one_sample.checks([row])
    hold(checks)
    # lrstat's search for the time of a look stops at 1e-6 or so
    assert checks[0].tolerance == (1e-9 if one_sample.kind(row) == "fixed" else 1e-5)


def test_rows_of_both_kinds():
    assert {one_sample.kind(row) for row in ROWS} == {"fixed", "sequential"}
