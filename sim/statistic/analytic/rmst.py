"""The restricted mean survival time: what its estimate is expected to be, and its variance."""

from __future__ import annotations

import numpy as np

from sim.statistic.analytic.estimate import Estimate
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.statistic.analytic.milestone import arm_risk_set
from sim.types import Array


def rmst(plan: TwoArmPlan, calendar: float, tau: float, arm: str = "both") -> Estimate:
    """Compute the mean survival time up to tau and the large-sample variance of the area under the Kaplan-Meier curve.

    Parameters
    ----------
    plan : TwoArmPlan
    calendar : float, months, the analysis
    tau : float, months since randomisation; somebody must be followed beyond it
    arm : "control", "experimental", or "both" where all have the same hazard (a single-arm trial)

    Notes
    -----
    Var = int_0^tau (int_u^tau S)^2 lambda(u) / n(u) du with expected risk sets n.

    References
    ----------
    Uno H, et al. Moving beyond the hazard ratio in quantifying the between-group difference in survival analysis. J Clin Oncol 2014;32:2380-2385.
    Yung G, Liu Y. Biometrics 2020;76:939-950.

    Examples
    --------
    >>> flat = PiecewiseRate((0.0,), (0.1386294,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (4.0,)), 10.0, flat, flat)
    >>> round(rmst(plan, 16.0, 6.0).value, 4)
    4.0736
    """
    hazard, at, number, rate = arm_risk_set(plan, calendar, tau, arm)
    mean = float(area(hazard, np.array([tau]))[0])
    left = mean - area(hazard, at.time)
    return Estimate(mean, float(at.width @ (left**2 * rate / number)))


def area(hazard: PiecewiseRate, t: Array) -> Array:
    """Return the area under the survival curve from 0 to each t >= 0, float64[k]."""
    total = np.zeros_like(t)
    for start, end, rate in zip(hazard.breaks, (*hazard.breaks[1:], np.inf), hazard.rates, strict=True):
        months = np.clip(t - start, 0.0, end - start)
        survival = float(np.exp(-hazard.integral(np.array([start]))[0]))
        total += survival * (-np.expm1(-rate * months) / rate if rate > 0 else months)
    return total
