"""Level: independent. Intervals of a rate against statsmodels, and by what defines each."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from sim.statistic.rate_interval import METHODS, rate_interval
from sim.types import InputError

counts = st.integers(1, 150).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
THEIRS = {"clopper_pearson": "beta", "wilson": "wilson", "jeffreys": "jeffreys"}


@given(counts, st.sampled_from(METHODS), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(max_examples=200, deadline=None)
def test_against_statsmodels(count, method, confidence):
    x, n = count
    low, high = rate_interval(x, n, method, confidence)
    expected = proportion_confint(x, n, 1 - confidence, THEIRS[method])
    # statsmodels leaves Jeffreys' limits inside (0, 1) at x = 0 and x = n; Brown, Cai & DasGupta set them to 0 and 1
    if not (method == "jeffreys" and x in (0, n)):
        assert (low, high) == pytest.approx(expected, abs=1e-9)
    assert 0 <= low <= x / n <= high <= 1
    assert rate_interval(n - x, n, method, confidence) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("p", [0.02, 0.1, 0.23, 0.5, 0.81])
@pytest.mark.parametrize("n", [10, 37, 120])
def test_coverage_by_enumeration(p, n):
    def coverage(method):
        limits = [rate_interval(x, n, method) for x in range(n + 1)]
        return sum(binom.pmf(x, n, p) for x, (low, high) in enumerate(limits) if low <= p <= high)

    assert coverage("clopper_pearson") >= 0.95
    # Brown, Cai & DasGupta (2001): near the nominal level on average, seldom below 0.9 but at rates near 0 or 1
    assert coverage("wilson") > 0.9
    assert coverage("jeffreys") > 0.9


def test_bad_input_is_named():
    for arguments in ((3, 2), (-1, 4), (0, 0), (1, 2, "wald"), (1, 2, "wilson", 1.0)):
        with pytest.raises(InputError, match="allowed"):
            rate_interval(*arguments)
