"""Events and power of the log-rank test by Schoenfeld's formula."""

from __future__ import annotations

import math

from sim.later import later
from sim.types import InputError

ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")


def events(hr: float, alpha: float = 0.025, power: float = 0.9, ratio: float = 1.0, hr0: float = 1.0) -> float:
    """Return the number of events needed, not rounded.

    Parameters
    ----------
    hr : float > 0, hazard ratio experimental / control under the alternative
    alpha : float, one-sided
    power : float
    ratio : float > 0, patients experimental / control
    hr0 : float > 0, hazard ratio under the null (above 1 for non-inferiority)

    Notes
    -----
    d = (z_alpha + z_beta)^2 (1 + ratio)^2 / (ratio (log hr - log hr0)^2).

    References
    ----------
    Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions. Biometrika 1981;68:316-319.

    Examples
    --------
    >>> round(events(0.6, 0.025, 0.8), 3)
    120.316
    """
    check(hr, alpha, power, ratio, hr0)
    z = -float(ndtri(alpha)) + float(ndtri(power))
    return (z / math.log(hr / hr0)) ** 2 * (1 + ratio) ** 2 / ratio


def power(events: float, hr: float, alpha: float = 0.025, ratio: float = 1.0, hr0: float = 1.0) -> float:
    """Return the power with this many events; below alpha where hr is above hr0.

    Examples
    --------
    >>> round(power(126, 0.6), 4)
    0.8178
    """
    check(hr, alpha, 0.5, ratio, hr0)
    check_events(events)
    return float(ndtr(math.log(hr0 / hr) * math.sqrt(events * ratio) / (1 + ratio) + ndtri(alpha)))


def check(hr: float, alpha: float, power: float, ratio: float, hr0: float) -> None:
    """Refuse what no event formula can use."""
    for name, value in (("hr", hr), ("hr0", hr0), ("ratio", ratio)):
        if not 0 < value < math.inf:
            raise InputError(f"log-rank sizing: {name} is {value}; allowed: a positive number")
    if hr == hr0:
        raise InputError(f"log-rank sizing: hr is {hr}; allowed: other than the null's {hr0}")
    if not 0 < alpha < 1:
        raise InputError(f"log-rank sizing: alpha is {alpha}; allowed: above 0 and below 1")
    if not alpha < power < 1:
        raise InputError(f"log-rank sizing: power is {power}; allowed: above alpha = {alpha} and below 1")


def check_events(events: float) -> None:
    """Refuse a number of events that gives no power."""
    if not events > 0:
        raise InputError(f"log-rank sizing: events are {events}; allowed: a positive number")
