"""Level: independent. Against scipy's multivariate normal distribution, and correlations against simulated trials."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.statistic.analytic.maxcombo import USUAL, below, critical_value, joint_score, power
from sim.statistic.analytic.weighted_logrank import power as single_power
from sim.statistic.analytic.weights import FlemingHarrington
from sim.types import InputError
from tests.analytic import naive_expected_events as naive

CONTROL = PiecewiseRate((0.0,), (0.2476,))
NO_EFFECT = TwoArmPlan(PiecewiseRate((0.0,), (25.0,)), 16.0, CONTROL, CONTROL, 1.0, 0.0202, 0.0202)


@pytest.mark.parametrize(
    ("limits", "correlation"),
    [
        ((1.0, 0.5), ((1, 0.7), (0.7, 1))),
        ((1.0, 0.5, 0.8), ((1, 0.7, 0.2), (0.7, 1, 0.4), (0.2, 0.4, 1))),
        ((2.2, 1.9, -0.3), ((1, 0.9, 0.1), (0.9, 1, -0.2), (0.1, -0.2, 1))),
    ],
)
def test_joint_probability(limits, correlation):
    expected = multivariate_normal.cdf(limits, cov=np.array(correlation), abseps=1e-8, maxpts=2_000_000, rng=np.random.default_rng(3))
    # kinks in our integrand and the randomised integrator of three dimensions: 1e-5
    assert below(np.array(limits), np.array(correlation, dtype=float)) == pytest.approx(expected, abs=1e-5)


def test_a_single_weight_is_the_weighted_logrank_test():
    plan = TwoArmPlan(NO_EFFECT.accrual, 16.0, CONTROL, PiecewiseRate((0.0, 1.5), (0.2476, 0.16)), 1.0, 0.0202, 0.0202)
    # the panels reach to 8 standard deviations and nothing has a kink but the limit itself
    assert power(plan, 22.0, 0.025, ((0, 1),)) == pytest.approx(single_power(plan, 22.0, 0.025, FlemingHarrington(0, 1)), abs=1e-9)


def test_critical_values_lie_between_one_test_and_bonferroni():
    joint = joint_score(NO_EFFECT, 22.0)
    assert norm.isf(0.025) < critical_value(joint.correlation, 0.025) < norm.isf(0.025 / 4)
    assert critical_value(np.ones((3, 3)), 0.025) == pytest.approx(norm.isf(0.025), abs=1e-6)
    assert critical_value(np.eye(3), 0.025) == pytest.approx(norm.isf(1 - 0.975 ** (1 / 3)), abs=1e-6)


def test_correlation_in_simulated_trials():
    z = np.array([naive.simulate_scores(NO_EFFECT, 22.0, naive.fleming_harrington(rho, gamma), 1500, seed=4) for rho, gamma in USUAL])
    # the standard error of a correlation is below 1 / sqrt(1500)
    assert joint_score(NO_EFFECT, 22.0).correlation == pytest.approx(np.corrcoef(z), abs=4 / np.sqrt(1500))


def test_bad_input_is_named():
    for call in (
        lambda: joint_score(NO_EFFECT, 22.0, ()),
        lambda: critical_value(np.eye(2), 0.0),
        lambda: below(np.zeros(4), np.eye(4)),
    ):
        with pytest.raises(InputError, match="allowed"):
            call()
