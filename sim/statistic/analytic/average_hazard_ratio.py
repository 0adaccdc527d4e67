"""Average hazard ratio and the log-rank power that follows from it under non-proportional hazards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.statistic.analytic.expected_events import TwoArmPlan, risk_sets
from sim.types import InputError

ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")


@dataclass(frozen=True)
class AverageHazardRatio:
    """Hold the average hazard ratio at one calendar time.

    ahr : float, experimental / control
    events : float, expected, both arms
    information : float, under the alternative
    information_null : float, events ratio / (1 + ratio)^2
    """

    ahr: float
    events: float
    information: float
    information_null: float


def average_hazard_ratio(plan: TwoArmPlan, calendar: float) -> AverageHazardRatio:
    """Compute the average hazard ratio of a plan whose hazards are positive.

    Notes
    -----
    The geometric mean of the hazard ratios of the intervals between breaks, weighted by their expected events in both arms; information is
    the sum over intervals of 1 / (1 / d_control + 1 / d_experimental). It is not the limit of the Cox estimate
    (`weighted_logrank.cox_hazard_ratio`).

    References
    ----------
    Mukhopadhyay P, et al. Statistical and practical considerations in designing of immuno-oncology trials. J Biopharm Stat 2020;30:1130-1146.

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.5), (0.2475526, 0.1113987))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, late, 1.0, 0.0202027, 0.0202027)
    >>> round(average_hazard_ratio(plan, 22.0).ahr, 4)
    0.6079
    """
    if min(*plan.control.rates, *plan.experimental.rates) <= 0:
        raise InputError("average hazard ratio: a hazard is 0; allowed: positive hazards")
    at = risk_sets(plan, calendar)
    breaks = np.unique(np.concatenate([plan.control.breaks, plan.experimental.breaks]))
    interval = np.searchsorted(breaks, at.time, side="right") - 1
    control = np.bincount(interval, at.events_control, len(breaks))
    experimental = np.bincount(interval, at.events_experimental, len(breaks))
    seen = (control > 0) & (experimental > 0)
    control, experimental, both = control[seen], experimental[seen], (control + experimental)[seen]
    log_hr = np.log(plan.experimental.at(breaks[seen]) / plan.control.at(breaks[seen]))
    events = float(both.sum())
    return AverageHazardRatio(
        math.exp(float(both @ log_hr) / events),
        events,
        float(np.sum(control * experimental / both)),
        events * plan.ratio / (1 + plan.ratio) ** 2,
    )


def power(plan: TwoArmPlan, calendar: float, alpha: float = 0.025, information: str = "both") -> float:
    """Return the power of the log-rank test from the average hazard ratio.

    Parameters
    ----------
    plan : TwoArmPlan
    calendar : float, months
    alpha : float, one-sided
    information : "both" sets the critical value under the null and the spread under the alternative; "alternative" uses it for both

    Notes
    -----
    "both": Phi((theta - z_alpha / sqrt(I0)) sqrt(I)); "alternative": Phi(theta sqrt(I) - z_alpha), theta = -log ahr.
    Where hazards cross or act late `weighted_logrank.power`, which follows the risk sets through time, is the one that simulation confirms.

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.5), (0.2475526, 0.1113987))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, late, 1.0, 0.0202027, 0.0202027)
    >>> round(power(plan, 22.0), 3), round(power(plan, 22.0, information="alternative"), 3)
    (0.808, 0.805)
    """
    if not 0 < alpha < 1:
        raise InputError(f"average hazard ratio: alpha is {alpha}; allowed: above 0 and below 1")
    if information not in ("both", "alternative"):
        raise InputError(f"average hazard ratio: information is {information!r}; allowed: both, alternative")
    found = average_hazard_ratio(plan, calendar)
    null = found.information_null if information == "both" else found.information
    return float(ndtr((-math.log(found.ahr) + float(ndtri(alpha)) / math.sqrt(null)) * math.sqrt(found.information)))
