"""Level: reference. Published MaxCombo designs (gsDesign2); their integrator is randomised and leaves 3 to 4 digits.

Three weights are FH(0,0), (0,1), (1,0); four add (1,1).
"""

import numpy as np
import pytest

from sim.statistic.analytic.maxcombo import USUAL, below, joint_score, power
from tests.analytic.plans import of_nph_row
from tests.reference.read import rows

ROWS = [row for row in rows("nph") if str(row.test).startswith("maxcombo")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_power_and_level(row):
    plan, weights = of_nph_row(row), USUAL[: int(row.test[-1])]
    assert power(plan, row.total_time, row.alpha, weights) == pytest.approx(row.power, abs=1e-3)
    joint = joint_score(plan, row.total_time, weights)
    # the published critical value spends alpha within the digits it was searched with
    assert 1 - below(np.full(len(weights), row.bound_z), joint.correlation) == pytest.approx(row.alpha, abs=2e-4)


def test_rows_of_both_kinds():
    assert {row.test for row in ROWS} == {"maxcombo3", "maxcombo4"}
