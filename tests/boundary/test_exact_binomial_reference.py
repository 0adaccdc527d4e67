"""Level: reference. Every published row of the single-stage exact design: n and r to the unit, errors to 1e-12 (both sums are exact to rounding)."""

import pytest

from sim.boundary.exact_binomial import single_stage as design
from sim.validation import single_stage
from tests.reference.read import rows
from tests.validation.holding import hold


@pytest.mark.parametrize("row", rows("single_stage_exact"), ids=lambda row: row.id)
def test_every_row(row):
    checks = single_stage.checks([row])
    hold(checks)
    # counts are equal, probabilities to 1e-12
    assert [c.tolerance for c in checks[:3]] == [0, 1e-12, 1e-12]
    assert {c.tolerance for c in checks} == {0, 1e-12}


def test_design_of_a_given_n():
    row = rows("single_stage_exact")[0]
    assert design(row.n, row.p0, row.p1, row.alpha).r == row.r_reject_at_least
