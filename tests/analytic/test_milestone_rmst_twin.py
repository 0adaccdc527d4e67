"""Level: twin. Expected milestone and RMST estimates, and their variances, against simulated Kaplan-Meier curves."""

import numpy as np
import pytest

from sim.statistic.analytic.estimate import power_one_sample
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.statistic.analytic.milestone import milestone
from sim.statistic.analytic.rmst import rmst
from sim.types import InputError
from tests.analytic.naive_expected_events import piecewise_time

HAZARD = PiecewiseRate((0.0, 2.0, 5.0), (0.25, 0.12, 0.03))
PLAN = TwoArmPlan(PiecewiseRate((0.0,), (20.0,)), 10.0, HAZARD, HAZARD, 1.0, 0.03, 0.03)
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


def test_bad_input_is_named():
    different = TwoArmPlan(PLAN.accrual, 10.0, HAZARD, PiecewiseRate((0.0,), (0.1,)))
    for call in (
        lambda: milestone(PLAN, END, 14.0),
        lambda: milestone(PLAN, END, 0.0),
        lambda: rmst(different, END, TAU),
        lambda: rmst(PLAN, END, TAU, "first"),
        lambda: power_one_sample(milestone(PLAN, END, TAU), 0.2, 0.0),
    ):
        with pytest.raises(InputError, match="allowed"):
            call()
