"""Level: properties. What must hold of every exact single-stage design."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.boundary.exact_binomial import certain_n, exact_power, exact_power_curve, rejection_count, smallest_n
from sim.types import InputError

RATES = st.tuples(st.floats(0.05, 0.7), st.floats(0.1, 0.25)).map(lambda t: (t[0], t[0] + t[1]))


@given(n=st.integers(1, 400), p0=st.floats(0.01, 0.99), alpha=st.floats(0.001, 0.3))
@settings(max_examples=200, deadline=None)
def test_level_is_held_and_the_next_smaller_count_breaks_it(n, p0, alpha):
    r = rejection_count(n, p0, alpha)
    assert 1 <= r <= n + 1
    assert exact_power(n, r, p0) <= alpha < exact_power(n, r - 1, p0)


@given(rates=RATES, alpha=st.sampled_from([0.01, 0.025, 0.05, 0.1]), power=st.sampled_from([0.7, 0.8, 0.9, 0.95]))
@settings(max_examples=40, deadline=None)
def test_first_and_stays(rates, alpha, power):
    p0, p1 = rates
    first = smallest_n(p0, p1, alpha, power, rule="first").n
    stays = smallest_n(p0, p1, alpha, power).n
    # ten times the proven n is far beyond every tooth of the saw
    curve = exact_power_curve(np.arange(1, 10 * certain_n(p0, p1, alpha, power)), p0, p1, alpha)
    assert np.flatnonzero(curve >= power)[0] + 1 == first
    assert np.flatnonzero(curve < power)[-1] + 2 == stays
    assert first <= smallest_n(p0, p1, alpha, power, window=10).n <= stays


@given(n=st.integers(1, 200), p0=st.floats(0.05, 0.9))
@settings(max_examples=100, deadline=None)
def test_rejection_count_falls_with_alpha(n, p0):
    counts = [rejection_count(n, p0, a) for a in (0.001, 0.01, 0.025, 0.05, 0.1, 0.3)]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    "arguments", [(0.3, 0.3), (0.5, 0.3), (0.0, 0.3), (0.3, 1.0), (0.3, 0.5, 0.0), (0.3, 0.5, 0.025, 1.0), (0.3, 0.5, 0.025, 0.9, "last")]
)
def test_bad_input_is_named(arguments):
    with pytest.raises(InputError, match="allowed"):
        smallest_n(*arguments)
