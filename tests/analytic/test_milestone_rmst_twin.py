"""Level: twin. Expected milestone, RMST and median estimates, and their variances, against simulated Kaplan-Meier curves."""

import numpy as np
import pytest

from sim.statistic.analytic.estimate import power_one_sample
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.statistic.analytic.milestone import milestone
from sim.statistic.analytic.percentile import percentile
from sim.statistic.analytic.rmst import rmst
from sim.types import InputError
from tests.analytic.naive_expected_events import piecewise_time

HAZARD = PiecewiseRate((0.0, 2.0, 5.0), (0.25, 0.12, 0.03))
PLAN = TwoArmPlan(PiecewiseRate((0.0,), (20.0,)), 10.0, HAZARD, HAZARD, 1.0, 0.03, 0.03)
# ln 2 of hazard is used up where the pause begins
PAUSE = PiecewiseRate((0.0, 2.0, 4.0), (float(np.log(2)) / 2, 0.0, 0.1))
PLATEAU = PiecewiseRate((0.0, 2.0), (0.25, 0.0))
TAU, END, REPLICATES = 6.0, 14.0, 4000


@pytest.fixture(scope="module")
def simulated():
    """Kaplan-Meier S(tau) and area to tau of every trial of 200 patients."""
    rng = np.random.default_rng(11)
    out = np.empty((REPLICATES, 2))
    for i in range(REPLICATES):
        n = 200
        event = piecewise_time(rng, HAZARD.breaks, HAZARD.rates, n)
        seen = np.minimum(END - rng.uniform(0, 10.0, n), rng.exponential(1 / 0.03, n))
        time, died = np.minimum(event, seen), event <= seen
        order = np.argsort(time)
        time, died = time[order], died[order]
        early = time <= TAU
        steps = np.cumprod(1 - died / np.arange(n, 0, -1))[early]
        survival = np.concatenate([[1.0], steps])
        out[i] = survival[-1], np.sum(survival * np.diff([0.0, *time[early], TAU]))
    return out


@pytest.mark.parametrize(("functional", "column"), [(milestone, 0), (rmst, 1)])
def test_mean_and_variance(simulated, functional, column):
    estimate, found = functional(PLAN, END, TAU), simulated[:, column]
    assert estimate.value == pytest.approx(found.mean(), abs=4 * found.std() / np.sqrt(REPLICATES))
    # 4 standard errors of a variance, and 2 % for what the large-sample variance leaves out at 200 patients
    assert estimate.variance == pytest.approx(found.var(), rel=4 * np.sqrt(2 / REPLICATES) + 0.02)


def test_the_variance_of_a_median_in_simulated_trials():
    rng = np.random.default_rng(12)
    flat = PiecewiseRate((0.0,), (0.2,))
    plan = TwoArmPlan(PiecewiseRate((0.0,), (40.0,)), 10.0, flat, flat, 1.0, 0.03, 0.03)
    medians = np.empty(REPLICATES)
    for i in range(REPLICATES):
        event = rng.exponential(5.0, 400)
        seen = np.minimum(END - rng.uniform(0, 10.0, 400), rng.exponential(1 / 0.03, 400))
        order = np.argsort(np.minimum(event, seen))
        steps = np.cumprod(1 - (event <= seen)[order] / np.arange(400, 0, -1))
        medians[i] = np.minimum(event, seen)[order][np.argmax(steps <= 0.5)]
    found = percentile(plan, END)
    # the standard error of the mean, and half a jump of the curve at 400 patients: 1 / (2 n f(t)) with f = 0.1
    assert found.value == pytest.approx(medians.mean(), abs=4 * medians.std() / np.sqrt(REPLICATES) + 1 / 80)
    assert found.variance == pytest.approx(medians.var(), rel=4 * np.sqrt(2 / REPLICATES) + 0.03)


def test_bad_input_is_named():
    different = TwoArmPlan(PLAN.accrual, 10.0, HAZARD, PiecewiseRate((0.0,), (0.1,)))
    for call in (
        lambda: milestone(PLAN, END, 14.0),
        lambda: milestone(PLAN, END, 0.0),
        lambda: rmst(different, END, TAU),
        lambda: rmst(PLAN, END, TAU, "first"),
        lambda: percentile(PLAN, END, 1.0),
        lambda: percentile(PLAN, 5.0, 0.6),
        lambda: percentile(TwoArmPlan(PLAN.accrual, 10.0, PLATEAU, PLATEAU), END, 0.9),
        lambda: percentile(TwoArmPlan(PLAN.accrual, 10.0, PAUSE, PAUSE), END, 0.5),
        lambda: power_one_sample(milestone(PLAN, END, TAU), 0.2, 0.0),
    ):
        with pytest.raises(InputError, match="allowed"):
            call()
