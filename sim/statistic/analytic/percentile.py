"""A percentile of survival, such as the median: what its estimate is expected to be, and its variance."""

from __future__ import annotations

import math

import numpy as np

from sim.later import later
from sim.statistic.analytic.estimate import Estimate
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.statistic.analytic.milestone import arm_risk_set
from sim.types import InputError

brentq = later("scipy.optimize", "brentq")


def percentile(plan: TwoArmPlan, calendar: float, died: float = 0.5, arm: str = "both") -> Estimate:
    """Compute the time by which this share has had the event and the large-sample variance of its Kaplan-Meier estimate.

    Parameters
    ----------
    plan : TwoArmPlan
    calendar : float, months, the analysis; somebody must be followed beyond the percentile
    died : float, share with the event; 0.5 for the median
    arm : "control", "experimental", or "both" where all have the same hazard (a single-arm trial)

    Raises
    ------
    InputError : where the curve never falls so far, or not before the analysis, or its hazard is 0 there

    Notes
    -----
    With t the percentile, Var = int_0^t lambda(u) / n(u) du / lambda(t)^2: Greenwood's variance over the squared slope of the curve. Where
    the hazard changes at t the large-sample law is not normal; the hazard just after t is taken.

    References
    ----------
    Reid N. Estimating the median survival time. Biometrika 1981;68:601-608.
    Yung G, Liu Y. Sample size and power for the weighted log-rank test and Kaplan-Meier based tests. Biometrics 2020;76:939-950.

    Examples
    --------
    >>> flat = PiecewiseRate((0.0,), (0.2475526,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (5.0,)), 12.0, flat, flat)
    >>> round(percentile(plan, 18.0).value, 3)
    2.8
    """
    if not 0 < died < 1:
        raise InputError(f"percentile: the share is {died}; allowed: above 0 and below 1")
    time = time_of(plan.experimental if arm == "experimental" else plan.control, died)
    hazard, at, number, rate = arm_risk_set(plan, calendar, time, arm)
    slope = float(hazard.at(np.array([time]))[0])
    if slope <= 0:
        raise InputError(f"percentile: the hazard is 0 at {time:g} months; allowed: a curve that falls there")
    return Estimate(time, float(at.width @ (rate / number)) / slope**2)


def time_of(hazard: PiecewiseRate, died: float) -> float:
    """Return the months after which this share has had the event.

    Raises
    ------
    InputError : where the curve never falls so far

    Examples
    --------
    >>> round(time_of(PiecewiseRate((0.0, 2.0), (0.1, 0.3)), 0.5), 4)
    3.6438
    """
    target = -math.log1p(-died)
    high = 1.0
    while float(hazard.integral(np.array([high]))[0]) < target:
        high *= 2
        if high > 1e6:
            raise InputError(f"percentile: the curve never falls to {1 - died:g}; allowed: a share that has the event")
    return float(brentq(lambda t: float(hazard.integral(np.array([t]))[0]) - target, 0.0, high, xtol=1e-13, rtol=1e-14))
