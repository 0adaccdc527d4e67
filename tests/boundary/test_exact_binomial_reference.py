"""Level: reference. Every published row of the single-stage exact design: n and r to the unit, errors to 1e-12 (both sums are exact to rounding)."""

import pytest

from sim.boundary.exact_binomial import single_stage, smallest_n
from tests.reference.read import rows

DEFINITION = {
    "smallest n with exact power >= 1-beta": {"rule": "first"},
    "smallest n with both error rates met": {"rule": "first"},
    "smallest n whose power stays >= 1-beta for the next 10 n": {"rule": "stays", "window": 10},
}


@pytest.mark.parametrize("row", rows("single_stage_exact"), ids=lambda row: row.id)
def test_every_row(row):
    found = smallest_n(row.p0, row.p1, row.alpha, 1 - row.beta, **DEFINITION[row.definition])
    assert (found.n, found.r) == (row.n, row.r_reject_at_least)
    assert found.type_i_error == pytest.approx(row.type1_exact, abs=1e-12)
    assert found.power == pytest.approx(row.power_exact, abs=1e-12)


def test_design_of_a_given_n():
    row = rows("single_stage_exact")[0]
    assert single_stage(row.n, row.p0, row.p1, row.alpha).r == row.r_reject_at_least
