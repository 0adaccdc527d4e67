"""Patients of a two-arm trial by Lachin and Foulkes: the two hypotheses have different variances."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from sim.later import later
from sim.statistic.analytic import freedman, schoenfeld
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan, expected_events, first_month, time_of_events
from sim.types import InputError

ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

METHODS = ("lachin_foulkes", "bernstein_lagakos", "schoenfeld", "freedman")


@dataclass(frozen=True)
class Size:
    """Hold the answer: patients, events and the accrual that brings them.

    patients : float, not rounded
    events : float, expected under the alternative at the analysis
    accrual_factor : float, what the plan's accrual rates are multiplied by
    """

    patients: float
    events: float
    accrual_factor: float


def size(plan: TwoArmPlan, hr: float, followup: float, alpha: float = 0.025, power: float = 0.9, method: str = "lachin_foulkes") -> Size:
    """Find the accrual rate, hence the patients, that gives the power at accrual_duration + followup.

    Parameters
    ----------
    plan : TwoArmPlan; its accrual rates set the shape of accrual and are scaled
    hr : float, the hazard ratio at which the plan's experimental hazards were made
    followup : float >= 0, months after the end of accrual
    alpha : float, one-sided
    power : float
    method : one of METHODS

    Notes
    -----
    With d0, d1 the events per arm expected under the null and the alternative and V = 1 / d_control + 1 / d_experimental, the factor m solves
    sqrt(m) |log hr| = z_alpha sqrt(V0) + z_beta sqrt(V1). Lachin & Foulkes give both arms, under the null, the mean of the two hazards
    weighted by allocation; Bernstein & Lagakos the control's. Schoenfeld and Freedman divide the events of their formula by the events expected.

    References
    ----------
    Lachin JM, Foulkes MA. Evaluation of sample size and power for analyses of survival with allowance for nonuniform patient entry, losses
    to follow-up, noncompliance, and stratification. Biometrics 1986;42:507-519.
    Bernstein D, Lagakos SW. Sample size and power determination for stratified clinical trials. J Stat Comput Simul 1978;8:65-73.

    Examples
    --------
    >>> control, better = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0,), (0.1485315,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (1.0,)), 16.0, control, better, 1.0, 0.0202027, 0.0202027)
    >>> round(size(plan, 0.6, 4.0, 0.025, 0.8).patients, 1)
    151.1
    """
    schoenfeld.check(hr, alpha, power, plan.ratio, 1.0)
    if not 0 <= followup < math.inf:
        raise InputError(f"log-rank sizing: followup is {followup}; allowed: 0 or more months")
    end = plan.accrual_duration + followup
    expected = sum(expected_events(plan, end))
    if method == "schoenfeld":
        factor = schoenfeld.events(hr, alpha, power, plan.ratio) / expected
    elif method == "freedman":
        factor = freedman.events(hr, alpha, power, plan.ratio) / expected
    else:
        v0, v1 = _variance(null_plan(plan, method), end), _variance(plan, end)
        z_alpha, z_beta = -float(ndtri(alpha)), float(ndtri(power))
        factor = ((z_alpha * math.sqrt(v0) + z_beta * math.sqrt(v1)) / math.log(hr)) ** 2
    return Size(factor * plan.enrolled(end), factor * expected, factor)


def power(plan: TwoArmPlan, hr: float, calendar: float, alpha: float = 0.025, method: str = "lachin_foulkes") -> float:
    """Return the power of this plan, analysed at this calendar month, by Lachin & Foulkes or Bernstein & Lagakos."""
    schoenfeld.check(hr, alpha, 0.5, plan.ratio, 1.0)
    v0, v1 = _variance(null_plan(plan, method), calendar), _variance(plan, calendar)
    return float(ndtr((-math.log(hr) + float(ndtri(alpha)) * math.sqrt(v0)) / math.sqrt(v1)))


def followup_for_events(plan: TwoArmPlan, events: float) -> float:
    """Return the months after the end of accrual at which the events are expected.

    Raises
    ------
    InputError : where they come before accrual ends, so that fewer patients would do
    """
    followup = time_of_events(plan, events) - plan.accrual_duration
    if followup < 0:
        raise InputError(
            f"log-rank sizing: {events:g} events are expected {-followup:.2f} months before accrual ends; allowed: more events or a shorter accrual"
        )
    return followup


def accrual_for_events(plan: TwoArmPlan, events: float, followup: float) -> float:
    """Return the accrual duration, at the plan's rates, with which the events are expected `followup` months after accrual ends."""

    def short(duration: float) -> float:
        return sum(expected_events(replace(plan, accrual_duration=duration), duration + followup)) - events

    return first_month(short, plan.accrual_duration, f"log-rank sizing: {events:g} events are never reached at this rate of accrual")


def null_plan(plan: TwoArmPlan, method: str = "lachin_foulkes") -> TwoArmPlan:
    """Return the plan under the null: one hazard for both arms."""
    if method == "bernstein_lagakos":
        return replace(plan, experimental=plan.control)
    if method != "lachin_foulkes":
        raise InputError(f"log-rank sizing: method is {method!r}; allowed: {', '.join(METHODS)}")
    breaks = tuple(sorted({*plan.control.breaks, *plan.experimental.breaks}))
    weight = plan.ratio / (1 + plan.ratio)
    control, experimental = plan.control.at(np.array(breaks)), plan.experimental.at(np.array(breaks))
    pooled = PiecewiseRate(breaks, tuple(((1 - weight) * control + weight * experimental).tolist()))
    return replace(plan, control=pooled, experimental=pooled)


def _variance(plan: TwoArmPlan, calendar: float) -> float:
    """Return 1 / d_control + 1 / d_experimental."""
    control, experimental = expected_events(plan, calendar)
    return 1 / control + 1 / experimental
