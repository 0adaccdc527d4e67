"""Level: reference. Every published row of log-rank sizing; tolerances and their reasons stand in sim/validation/logrank_design.py."""

import numpy as np
import pytest

from sim.validation import logrank_design
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = rows("logrank_design")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row(row):
    checks = logrank_design.checks([row])
    hold(checks)
    assert {c.id for c in checks} == {row.id}
    # times 1e-6 months, 1e-4 where rpact searched; power 1e-6; the rest relative
    for c in checks:
        assert c.tolerance <= 1e-3 if "expected patients" in c.quantity else c.tolerance <= max(1e-4, 1e-5 * np.abs(c.expected).max())


@pytest.mark.parametrize("row", [row for row in ROWS if row.followup_needed > 1e6], ids=lambda row: row.id)
def test_a_power_out_of_reach_is_refused(row):
    (refused,) = [c for c in logrank_design.checks([row]) if c.quantity == "refused"]
    assert (refused.got, refused.tolerance) == ((1.0,), 0)


def test_every_block_is_read():
    assert {row.block for row in ROWS} == set(logrank_design.BLOCKS)
