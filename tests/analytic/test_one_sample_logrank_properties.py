"""Level: properties. What must hold of the analytic one-sample log-rank test."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.curve import Curve
from sim.statistic.analytic.one_sample_logrank import moments, power, smallest_n
from sim.types import InputError
from tests.analytic.curves import piecewise

NULL = Curve.exponential(median=2.8)
BETTER = Curve.exponential(median=4.6667)


@given(
    accrual=st.floats(0.5, 30),
    followup=st.floats(0, 30),
    dropout=st.floats(0, 0.2),
    hazards=st.lists(st.floats(0.01, 0.6), min_size=3, max_size=3),
)
@settings(max_examples=50, deadline=None)
def test_under_the_null_events_minus_expected_is_a_martingale(accrual, followup, dropout, hazards):
    curve = piecewise((0.0, 2.0, 7.0), hazards, step=0.05)
    m = moments(curve, curve, accrual, followup, dropout)
    assert m.events == pytest.approx(m.expected, abs=1e-12)
    assert m.variance == pytest.approx(m.events, abs=1e-11)
    assert power(80, m, 0.025) == pytest.approx(0.025, abs=1e-9)


@given(scale=st.floats(0.2, 20))
@settings(max_examples=30, deadline=None)
def test_the_unit_of_time_does_not_matter(scale):
    def of(unit):
        curves = Curve(0.02 * unit, NULL.survival), Curve(0.02 * unit, BETTER.survival)
        return power(50, moments(*curves, 12 * unit, 6 * unit, 0.02 / unit))

    assert of(scale) == pytest.approx(of(1.0), abs=1e-9)


@pytest.mark.parametrize("variance", ["mean", "null", "observed"])
@pytest.mark.parametrize("method", ["wu2015", "delta"])
@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.97])
def test_smallest_n_reaches_the_target_and_one_fewer_does_not(variance, method, target):
    m = moments(NULL, BETTER, 12, 6, 0.0202)
    n = smallest_n(m, 0.025, target, variance, method)
    assert power(n, m, 0.025, variance, method) >= target > power(n - 1, m, 0.025, variance, method)


def test_the_observed_variance_rejects_more_and_the_null_variance_less():
    m = moments(NULL, BETTER, 12, 6)
    null, mean, observed = (power(40, m, 0.025, v) for v in ("null", "mean", "observed"))
    assert null < mean < observed


def test_no_effect_has_no_sample_size():
    with pytest.raises(InputError, match="fewer under the alternative"):
        smallest_n(moments(NULL, NULL, 12, 6))


@pytest.mark.parametrize("arguments", [(0, 6, 0), (12, -1, 0), (12, 6, -0.1), (float("inf"), 6, 0)])
def test_bad_input_is_named(arguments):
    with pytest.raises(InputError, match="allowed"):
        moments(NULL, BETTER, *arguments)
