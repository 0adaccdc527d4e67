"""Events and power of the log-rank test by Freedman's formula, and by Hsieh's for unequal allocation."""

from __future__ import annotations

import math

from sim.later import later
from sim.statistic.analytic.schoenfeld import check, check_events
from sim.types import InputError

ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

FORMULAS = ("freedman", "hsieh")


def events(hr: float, alpha: float = 0.025, power: float = 0.9, ratio: float = 1.0, formula: str = "freedman") -> float:
    """Return the number of events needed, not rounded.

    Parameters
    ----------
    hr : float > 0, hazard ratio experimental / control under the alternative
    alpha : float, one-sided
    power : float
    ratio : float > 0, patients experimental / control
    formula : "freedman" or "hsieh"; the same where ratio is 1

    Notes
    -----
    Freedman: d = (z_alpha + z_beta)^2 (1 + ratio hr)^2 / (ratio (1 - hr)^2).
    Hsieh: d = (z_alpha + z_beta)^2 (1 + hr)^2 / (1 - hr)^2 (1 + ratio)^2 / (4 ratio).

    References
    ----------
    Freedman LS. Tables of the number of patients required in clinical trials using the logrank test. Stat Med 1982;1:121-129.
    Hsieh FY. Comparing sample size formulae for trials with unbalanced allocation using the logrank test. Stat Med 1992;11:1091-1098.

    Examples
    --------
    >>> round(events(0.6, 0.025, 0.8), 3)
    125.582
    """
    check(hr, alpha, power, ratio, 1.0)
    z = -float(ndtri(alpha)) + float(ndtri(power))
    return (z / _effect(hr, ratio, formula)) ** 2


def power(events: float, hr: float, alpha: float = 0.025, ratio: float = 1.0, formula: str = "freedman") -> float:
    """Return the power with this many events; below alpha where hr is above 1.

    Examples
    --------
    >>> round(power(125.582, 0.6), 4)
    0.8
    """
    check(hr, alpha, 0.5, ratio, 1.0)
    check_events(events)
    return float(ndtr(_effect(hr, ratio, formula) * math.sqrt(events) + ndtri(alpha)))


def _effect(hr: float, ratio: float, formula: str) -> float:
    """Return the expected z of one event."""
    if formula == "freedman":
        return (1 - hr) * math.sqrt(ratio) / (1 + ratio * hr)
    if formula == "hsieh":
        return (1 - hr) / (1 + hr) * 2 * math.sqrt(ratio) / (1 + ratio)
    raise InputError(f"log-rank sizing: formula is {formula!r}; allowed: {', '.join(FORMULAS)}")
