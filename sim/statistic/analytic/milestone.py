"""The Kaplan-Meier estimate at a milestone: what it is expected to be, and its variance."""

from __future__ import annotations

import numpy as np

from sim.statistic.analytic.estimate import ARMS, Estimate
from sim.statistic.analytic.expected_events import PiecewiseRate, RiskSets, TwoArmPlan, risk_sets
from sim.types import Array, InputError


def milestone(plan: TwoArmPlan, calendar: float, tau: float, arm: str = "both") -> Estimate:
    """Compute S(tau) and the large-sample variance of its Kaplan-Meier estimate.

    Parameters
    ----------
    plan : TwoArmPlan
    calendar : float, months, the analysis
    tau : float, months since randomisation; somebody must be followed beyond it
    arm : "control", "experimental", or "both" where all have the same hazard (a single-arm trial)

    Notes
    -----
    Greenwood's formula with expected risk sets: Var = S(tau)^2 int_0^tau lambda(u) / n(u) du.

    References
    ----------
    Yung G, Liu Y. Sample size and power for the weighted log-rank test and Kaplan-Meier based tests. Biometrics 2020;76:939-950.

    Examples
    --------
    >>> flat = PiecewiseRate((0.0,), (0.1540327,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (5.0,)), 12.0, flat, flat)
    >>> round(milestone(plan, 18.0, 6.0).value, 4)
    0.3969
    """
    hazard, at, number, rate = arm_risk_set(plan, calendar, tau, arm)
    value = float(np.exp(-hazard.integral(np.array([tau]))[0]))
    return Estimate(value, value**2 * float(at.width @ (rate / number)))


def arm_risk_set(plan: TwoArmPlan, calendar: float, tau: float, arm: str) -> tuple[PiecewiseRate, RiskSets, Array, Array]:
    """Return an arm's hazard, the risk sets up to tau, and its number at risk and hazard at each node."""
    if arm not in ARMS:
        raise InputError(f"plan: arm is {arm!r}; allowed: {', '.join(ARMS)}")
    if arm == "both" and plan.control != plan.experimental:
        raise InputError("plan: arm is 'both' but the arms' hazards differ; allowed: control or experimental")
    if not 0 < tau < calendar:
        raise InputError(f"plan: tau is {tau}; allowed: above 0 and below the analysis at {calendar} months")
    at = risk_sets(plan, calendar, tau)
    if arm == "control":
        return plan.control, at, at.control, at.hazard_control
    if arm == "experimental":
        return plan.experimental, at, at.experimental, at.hazard_experimental
    return plan.control, at, at.control + at.experimental, at.hazard_control
