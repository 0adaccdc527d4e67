"""Level: independent. Group-sequential MaxCombo against recursive integration, scipy's multivariate normal and simulated trials."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from sim.boundary.recursive_integration import crossing_probabilities, efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.statistic.analytic.maxcombo import USUAL, power
from sim.statistic.analytic.maxcombo_looks import Look, joint_looks, sequential_maxcombo
from sim.statistic.analytic.weighted_logrank import score
from sim.statistic.analytic.weights import FlemingHarrington
from sim.types import InputError
from tests.analytic import naive_expected_events as naive

CONTROL = PiecewiseRate((0.0,), (0.2476,))
LATE = PiecewiseRate((0.0, 1.5), (0.2476, 0.13))
CROSSING = PiecewiseRate((0.0, 2.0), (0.3, 0.1))
PLANS = {
    "delayed": TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, CONTROL, LATE, 1.0, 0.0202, 0.0202),
    "crossing, 2:1": TwoArmPlan(PiecewiseRate((0.0, 4.0), (6.0, 12.0)), 14.0, CONTROL, CROSSING, 2.0, 0.01, 0.03),
    "no effect, 1:2": TwoArmPlan(PiecewiseRate((0.0,), (12.0,)), 12.0, CONTROL, CONTROL, 0.5, 0.0202, 0.0202),
}
LOGRANK, LATER = (0.0, 0.0), (0.0, 1.0)
plans = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


@plans
@pytest.mark.parametrize("weight", [LOGRANK, LATER, (1.0, 0.0)])
@pytest.mark.parametrize("spending", [LanDeMetsOBrienFleming(), LanDeMetsPocock(), HwangShihDeCani(-2.0)], ids=lambda s: s.label)
def test_one_test_at_three_looks_is_a_group_sequential_design(plan, weight, spending):
    looks = [Look(calendar, (weight,)) for calendar in (12.0, 17.0, 24.0)]
    found = sequential_maxcombo(plan, looks, 0.025, spending)
    scores = [score(plan, look.calendar, FlemingHarrington(*weight)) for look in looks]
    information = tuple(s.v / scores[-1].v for s in scores)
    bounds = efficacy_bounds(information, 0.025, spending, tuple(found.fractions))
    # the two-dimensional quadrature errs by 1e-5 in probability, most where a look spends little
    assert np.cumsum(crossing_probabilities(information, found.bounds).upper) == pytest.approx(found.alpha, abs=2e-5)
    assert found.bounds == pytest.approx(bounds, abs=3e-3)
    reached = np.cumsum(crossing_probabilities(information, found.bounds, None, np.array([s.z for s in scores])).upper)
    assert found.power == pytest.approx(reached, abs=2e-5)


@plans
def test_two_tests_at_the_last_look_by_the_multivariate_normal(plan):
    looks = Look(14.0, (LOGRANK,)), Look(22.0, (LOGRANK, LATER))
    found = sequential_maxcombo(plan, looks, 0.025, LanDeMetsOBrienFleming())
    joint, _ = joint_looks(plan, looks)
    limits = found.bounds[[0, 1, 1]]
    rng = np.random.default_rng(3)
    for mean, result in ((0.0, found.alpha), (joint.z, found.power)):
        below = multivariate_normal.cdf(limits - mean, cov=joint.correlation, abseps=1e-7, maxpts=2_000_000, rng=rng)
        assert 1 - below == pytest.approx(result[-1], abs=2e-5)
    assert found.alpha[-1] == pytest.approx(0.025, abs=1e-7)


def test_a_single_look_is_the_maxcombo_test():
    plan = PLANS["delayed"]
    found = sequential_maxcombo(plan, [Look(22.0, USUAL)], 0.025, LanDeMetsOBrienFleming())
    assert found.power[0] == pytest.approx(power(plan, 22.0), abs=1e-6)


def test_correlations_between_looks_in_simulated_trials():
    plan = TwoArmPlan(PiecewiseRate((0.0,), (25.0,)), 16.0, CONTROL, CONTROL, 1.0, 0.0202, 0.0202)
    looks = Look(14.0, (LOGRANK,)), Look(22.0, (LOGRANK, LATER))
    joint, look_of = joint_looks(plan, looks)
    assert look_of.tolist() == [0, 1, 1]
    # the later look of the same patients: the plan's accrual is cut at the first look by hand
    z = naive.simulate_two_looks(plan, (14.0, 22.0), [(0, LOGRANK), (1, LOGRANK), (1, LATER)], 1500, seed=6)
    assert joint.correlation == pytest.approx(np.corrcoef(z), abs=4 / np.sqrt(1500))


def test_bad_input_is_named():
    plan, spending = PLANS["delayed"], LanDeMetsOBrienFleming()
    for looks, alpha in (
        ((), 0.025),
        ((Look(22.0, ()),), 0.025),
        ((Look(22.0, (LOGRANK,)), Look(16.0, (LOGRANK,))), 0.025),
        ((Look(22.0, (LOGRANK,)),), 0.5),
        ((Look(3.0, (LOGRANK,)), Look(22.0, (LOGRANK,))), 0.025),  # hardly anything to spend
        ((Look(16.0, USUAL), Look(22.0, USUAL)), 0.025),  # rank 6
    ):
        with pytest.raises(InputError, match="allowed"):
            sequential_maxcombo(plan, looks, alpha, spending)
