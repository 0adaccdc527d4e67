"""Level: reference. Every published group-sequential boundary; tolerances and their reasons stand in sim/validation/gs_bounds.py."""

import pytest

from sim.validation import gs_bounds
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = rows("gs_bounds")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row(row):
    checks = gs_bounds.checks([row])
    hold(checks)
    quantities = {c.quantity for c in checks}
    assert {"efficacy bounds, z", "cumulative alpha"} <= quantities or row.futility != "none"
    assert {"efficacy bounds, z", "futility bounds, z", "cumulative power", "inflation factor"} <= quantities or row.futility == "none"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_tolerances(row):
    asked = 1e-6 if row.futility == "none" and row.package in ("gsDesign", "rpact") else 1e-5
    # counts are asked to be equal
    assert {c.tolerance for c in gs_bounds.checks([row])} - {0.0} == {asked}


def test_every_row_is_read():
    assert len({c.id for c in gs_bounds.checks(ROWS)}) == len(ROWS) >= 125
