"""Power of the log-rank test and its weighted forms under any piecewise hazards, from the expected risk sets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from sim.effect.cox_limit import LargeTrial
from sim.later import later
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan, risk_sets
from sim.statistic.analytic.weights import LOGRANK, Weight
from sim.types import InputError

brentq = later("scipy.optimize", "brentq")
ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

INFORMATION = ("alternative", "both")


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


def score(plan: TwoArmPlan, calendar: float, weight: Weight = LOGRANK) -> Score:
    """Compute the expected score and variance of a weighted log-rank test.

    Notes
    -----
    With n_c, n_e expected at risk, l_c, l_e the hazards and w the weight at time u:
    U = int w n_c n_e / (n_c + n_e) (l_e - l_c) du, V = int w^2 n_c n_e / (n_c + n_e)^2 (n_c l_c + n_e l_e) du.

    References
    ----------
    Schoenfeld D. Biometrika 1981;68:316-319. Fleming TR, Harrington DP. Counting Processes and Survival Analysis. 1991, chapter 7.
    Yung G, Liu Y. Sample size and power for the weighted log-rank test and Kaplan-Meier based tests. Biometrics 2020;76:939-950.

    Examples
    --------
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.5), (0.2475526, 0.1113987))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, late, 1.0, 0.0202027, 0.0202027)
    >>> round(score(plan, 22.0).z, 3)
    2.753
    """
    at = risk_sets(plan, calendar, breaks=weight.breaks(plan))
    total = at.control + at.experimental
    w = weight.at(plan, at.time)
    product = at.control * at.experimental / np.where(total > 0, total, 1.0)
    u = float(np.sum(w * at.width * product * (at.hazard_experimental - at.hazard_control)))
    per_event = product / np.where(total > 0, total, 1.0)
    v = float(np.sum(w * w * per_event * (at.events_control + at.events_experimental)))
    return Score(u, v)


def power(plan: TwoArmPlan, calendar: float, alpha: float = 0.025, weight: Weight = LOGRANK, information: str = "alternative") -> float:
    """Return the power of a weighted log-rank test at this calendar month.

    Parameters
    ----------
    plan : TwoArmPlan
    calendar : float, months
    alpha : float, one-sided
    weight : log-rank unless given
    information : "alternative" takes the variance expected under the effect for critical value and spread; "both" sets the critical
        value by the variance that would be expected if both arms had the plan's mean hazard

    Notes
    -----
    "alternative": Phi(E(Z) - z_alpha), E(Z) = -U / sqrt(V). "both": Phi((-U / V - z_alpha / sqrt(V_0)) sqrt(V)), V_0 of a plan whose arms
    both have the hazard p_c l_c + p_e l_e at each time, p the shares randomised. The test divides by the variance of the trial at hand, so
    simulation confirms "alternative"; "both" is what gsDesign2 prints by default, up to 0.05 above it.

    Examples
    --------
    >>> control, better = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0,), (0.1485315,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, better, 1.0, 0.0202027, 0.0202027)
    >>> round(power(plan, 20.0), 4), round(power(plan, 20.0, information="both"), 4)
    (0.8147, 0.8314)
    """
    if not 0 < alpha < 1:
        raise InputError(f"weighted log-rank: alpha is {alpha}; allowed: above 0 and below 1")
    if information not in INFORMATION:
        raise InputError(f"weighted log-rank: information is {information!r}; allowed: {', '.join(INFORMATION)}")
    found = score(plan, calendar, weight)
    null = found.v if information == "alternative" else score(without_effect(plan), calendar, weight).v
    return float(ndtr(found.z + ndtri(alpha) * math.sqrt(found.v / null)))


def without_effect(plan: TwoArmPlan) -> TwoArmPlan:
    """Return the plan with the mean of the arms' hazards, by their shares randomised, in both arms."""
    share = plan.ratio / (1 + plan.ratio)
    breaks = np.unique(np.concatenate([plan.control.breaks, plan.experimental.breaks]))
    mean = (1 - share) * plan.control.at(breaks) + share * plan.experimental.at(breaks)
    both = PiecewiseRate(tuple(breaks.tolist()), tuple(mean.tolist()))
    return replace(plan, control=both, experimental=both)


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


def one_step_hazard_ratio(plan: TwoArmPlan, calendar: float, weight: Weight = LOGRANK) -> float:
    """Return the hazard ratio that the test's own estimate, one step from no effect, is expected to find.

    Notes
    -----
    exp(U / int w n_c n_e / (n_c + n_e)^2 dN), what `LogRank.test` estimates from data.

    Examples
    --------
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.5), (0.2475526, 0.1113987))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, late, 1.0, 0.0202027, 0.0202027)
    >>> round(one_step_hazard_ratio(plan, 22.0), 4)
    0.608
    """
    at = risk_sets(plan, calendar, breaks=weight.breaks(plan))
    per_event = at.control * at.experimental / np.maximum(at.control + at.experimental, 1e-300) ** 2
    information = float(np.sum(weight.at(plan, at.time) * per_event * (at.events_control + at.events_experimental)))
    return math.exp(score(plan, calendar, weight).u / information)


def cox_hazard_ratio(plan: TwoArmPlan, calendar: float, weight: Weight = LOGRANK) -> tuple[float, float]:
    """Return the limit of the (weighted) Cox estimate of the hazard ratio and the variance of its logarithm.

    Notes
    -----
    The limit solves int w (dN_e - n_e hr / (n_e hr + n_c) dN) = 0. The variance is int w^2 p (1 - p) dN / (int w p (1 - p) dN)^2 with
    p = n_e hr / (n_e hr + n_c).

    References
    ----------
    Lin DY, Wei LJ. The robust inference for the Cox proportional hazards model. JASA 1989;84:1074-1078.
    Lin RS, Leon LF. Estimation of treatment effects in weighted log-rank tests. Contemp Clin Trials Commun 2017;8:147-155.

    Examples
    --------
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.5), (0.2475526, 0.1113987))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, late, 1.0, 0.0202027, 0.0202027)
    >>> [round(x, 4) for x in cox_hazard_ratio(plan, 22.0)]
    [0.6119, 0.0324]
    """
    at = risk_sets(plan, calendar, breaks=weight.breaks(plan))
    w = weight.at(plan, at.time)
    events = np.stack([at.events_control, at.events_experimental])[:, None]
    at_risk = np.stack([at.control, at.experimental])[:, None]
    arms, stratum = np.array([0.0, 1.0]), np.zeros(2, dtype=np.int64)
    once = LargeTrial(w * events, at_risk, arms, stratum)
    hr = once.cox()
    log_hr = math.log(hr)
    slope, squared = once.score(log_hr)[1], LargeTrial(w * w * events, at_risk, arms, stratum).score(log_hr)[1]
    return hr, squared / slope**2
