"""Power of the log-rank and Fleming-Harrington tests under any piecewise hazards, from the expected risk sets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from sim.statistic.analytic.expected_events import RiskSets, TwoArmPlan, risk_sets
from sim.types import Array, InputError


@dataclass(frozen=True)
class Score:
    """Hold the expected score of a weighted log-rank test at one calendar time.

    u : float, expected weighted sum of observed minus expected events of the experimental arm; negative favours it
    v : float, expected variance
    """

    u: float
    v: float

    @property
    def z(self) -> float:
        """E(Z); positive favours the experimental arm"""
        return -self.u / math.sqrt(self.v)


def score(plan: TwoArmPlan, calendar: float, rho: float = 0.0, gamma: float = 0.0) -> Score:
    """Compute the expected score and variance of the Fleming-Harrington(rho, gamma) test; (0, 0) is the log-rank test.

    Notes
    -----
    With n_c, n_e expected at risk and l_c, l_e the hazards at time u, and w = S^rho (1 - S)^gamma:
    U = int w n_c n_e / (n_c + n_e) (l_e - l_c) du, V = int w^2 n_c n_e / (n_c + n_e)^2 (n_c l_c + n_e l_e) du. S is the survival of
    the pooled sample as its Kaplan-Meier sees it: S = S_c p_c + S_e p_e in shares of patients randomised.

    References
    ----------
    Schoenfeld D. Biometrika 1981;68:316-319. Fleming TR, Harrington DP. Counting Processes and Survival Analysis. 1991, chapter 7.
    Yung G, Liu Y. Sample size and power for the weighted log-rank test and Kaplan-Meier based tests. Biometrics 2020;76:939-950.
    """
    at = risk_sets(plan, calendar)
    total = at.control + at.experimental
    w = fleming_harrington(plan, at, rho, gamma)
    product = at.control * at.experimental / np.where(total > 0, total, 1.0)
    u = float(np.sum(w * at.width * product * (at.hazard_experimental - at.hazard_control)))
    per_event = product / np.where(total > 0, total, 1.0)
    v = float(np.sum(w * w * per_event * (at.events_control + at.events_experimental)))
    return Score(u, v)


def power(plan: TwoArmPlan, calendar: float, alpha: float = 0.025, rho: float = 0.0, gamma: float = 0.0) -> float:
    """Return the power at this calendar month, Phi(E(Z) - z_alpha).

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> control, better = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0,), (0.1485315,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, better, 1.0, 0.0202027, 0.0202027)
    >>> round(power(plan, 20.0), 4)
    0.8147
    """
    return float(ndtr(score(plan, calendar, rho, gamma).z + ndtri(alpha)))


def time_for_power(plan: TwoArmPlan, alpha: float, power: float, latest: float) -> float:
    """Return a calendar month at which the log-rank test has just this power.

    Raises
    ------
    InputError : where it is not reached by `latest` months
    """
    reached = _power(plan, latest, alpha)
    if reached < power:
        raise InputError(f"log-rank sizing: power is {power} but {reached:.4f} by month {latest:g}; allowed: less, or more patients")
    return float(brentq(lambda calendar: _power(plan, calendar, alpha) - power, latest * 1e-6, latest, xtol=1e-11, rtol=1e-14))


# `time_for_power` names its target `power`, as every sizing function here does
_power = power


def cox_hazard_ratio(plan: TwoArmPlan, calendar: float, rho: float = 0.0, gamma: float = 0.0) -> tuple[float, float]:
    """Return the limit of the (weighted) Cox estimate of the hazard ratio and the variance of its logarithm.

    Notes
    -----
    The limit solves int w (dN_e - n_e hr / (n_e hr + n_c) dN) = 0. The variance is int w^2 p (1 - p) dN / (int w p (1 - p) dN)^2 with
    p = n_e hr / (n_e hr + n_c).

    References
    ----------
    Lin DY, Wei LJ. The robust inference for the Cox proportional hazards model. JASA 1989;84:1074-1078.
    Lin RS, Leon LF. Estimation of treatment effects in weighted log-rank tests. Contemp Clin Trials Commun 2017;8:147-155.
    """
    at = risk_sets(plan, calendar)
    w = fleming_harrington(plan, at, rho, gamma)
    events = at.events_control + at.events_experimental

    def share(log_hr: float) -> Array:
        theta = math.exp(log_hr)
        # rounding of the nodes at the very end leaves nobody at risk in either arm
        out: Array = at.experimental * theta / np.maximum(at.experimental * theta + at.control, 1e-300)
        return out

    log_hr = float(brentq(lambda b: float(np.sum(w * (at.events_experimental - share(b) * events))), -20.0, 20.0, xtol=1e-13))
    p = share(log_hr)
    slope = float(np.sum(w * p * (1 - p) * events))
    return math.exp(log_hr), float(np.sum(w * w * p * (1 - p) * events)) / slope**2


def fleming_harrington(plan: TwoArmPlan, at: RiskSets, rho: float, gamma: float) -> Array:
    """Return S^rho (1 - S)^gamma at each node, float64[m], S the pooled survival."""
    control = np.exp(-plan.control.integral(at.time))
    experimental = np.exp(-plan.experimental.integral(at.time))
    share = plan.ratio / (1 + plan.ratio)
    pooled = (1 - share) * control + share * experimental
    out: Array = pooled**rho * (1 - pooled) ** gamma
    return out
