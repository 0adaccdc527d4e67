"""Level: twin. Expected events against a plain sum over steps; the expected score against simulated trials."""

import numpy as np
import pytest

from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan, expected_events
from sim.statistic.analytic.weighted_logrank import score
from sim.statistic.analytic.weights import EarlyZero, FlemingHarrington, ModestlyWeighted
from tests.analytic import naive_expected_events as naive

PLAN = TwoArmPlan(
    PiecewiseRate((0.0, 3.0, 6.0), (4.0, 8.0, 14.0)),
    15.0,
    PiecewiseRate((0.0, 1.0, 5.0), (0.15, 0.33, 0.08)),
    PiecewiseRate((0.0, 2.0), (0.2, 0.05)),
    2.0,
    0.03,
    0.01,
)
DELAYED = TwoArmPlan(
    PiecewiseRate((0.0,), (25.0,)), 16.0, PiecewiseRate((0.0,), (0.2476,)), PiecewiseRate((0.0, 1.5), (0.2476, 0.16)), 1.0, 0.0202, 0.0202
)


@pytest.mark.parametrize("calendar", [2.0, 9.0, 15.0, 24.0])
def test_expected_events(calendar):
    accrual = PLAN.accrual.breaks, PLAN.accrual.rates
    control = naive.expected_events(accrual, 15.0, 1 / 3, (PLAN.control.breaks, PLAN.control.rates), 0.03, calendar)
    experimental = naive.expected_events(accrual, 15.0, 2 / 3, (PLAN.experimental.breaks, PLAN.experimental.rates), 0.01, calendar)
    # the midpoint rule with steps of 0.002 months: relative error about 1e-6
    assert expected_events(PLAN, calendar) == pytest.approx((control, experimental), rel=1e-5)


def modest(time, left):
    """1 / max(S(t-), S(3-))."""
    return 1 / np.maximum(left, np.min(left, where=time <= 3, initial=1.0))


WEIGHTS = {
    **{f"FH({rho},{gamma})": (FlemingHarrington(rho, gamma), naive.fleming_harrington(rho, gamma)) for rho in (0, 1) for gamma in (0, 1)},
    "modest, 3 months": (ModestlyWeighted(3.0), modest),
    "modest, to one half": (ModestlyWeighted(s_star=0.5), lambda time, left: 1 / np.maximum(left, 0.5)),
    "from 2 months": (EarlyZero(2.0), lambda time, left: time >= 2),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_mean_z(name):
    weight, plain = WEIGHTS[name]
    z = naive.simulate_scores(DELAYED, 22.0, plain, 3000, seed=5)
    # 4 Monte Carlo standard errors and what is left of order 1 / sqrt(n) at 400 patients
    assert score(DELAYED, 22.0, weight).z == pytest.approx(z.mean(), abs=4 * z.std() / np.sqrt(len(z)) + 0.03)
