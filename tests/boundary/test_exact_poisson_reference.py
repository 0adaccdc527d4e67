"""Level: reference. The exact test of a rate: counts to the unit, probabilities to 1e-12."""

import pytest
from scipy.stats import poisson

from sim.boundary.exact_poisson import exact_poisson
from sim.types import InputError
from sim.validation import one_sample
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = [row for row in rows("one_sample") if row.function == "powerOneRateExact"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row(row):
    checks = one_sample.checks([row])
    hold(checks)
    assert [c.tolerance for c in checks] == [0, 1e-12, 1e-12]


@pytest.mark.parametrize("exposure", [1.0, 10.0, 14.9, 75.0, 400.0])
def test_the_count_is_the_largest_that_holds_the_level(exposure):
    found = exact_poisson(exposure, 0.25, 0.1, 0.025)
    assert found.type_i_error <= 0.025 < poisson.cdf(found.critical_count + 1, exposure * 0.25)


@pytest.mark.parametrize("arguments", [(0, 0.2, 0.1), (10, 0.1, 0.2), (10, 0.2, 0.1, 1.0)])
def test_bad_input_is_named(arguments):
    with pytest.raises(InputError, match="allowed"):
        exact_poisson(*arguments)
