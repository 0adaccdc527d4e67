"""The exact test of a rate: reject when at most c events are seen in a fixed exposure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.later import later
from sim.types import InputError

poisson = later("scipy.stats", "poisson")


@dataclass(frozen=True)
class ExactPoisson:
    """Hold an exact test of one event rate.

    critical_count : largest number of events that rejects; -1 when none can
    type_i_error : P(X <= critical_count) at the null rate
    power : the same at the alternative rate
    """

    critical_count: int
    type_i_error: float
    power: float


def exact_poisson(exposure: float, rate0: float, rate1: float, alpha: float = 0.025) -> ExactPoisson:
    """Make the level-alpha test that the event rate is below rate0.

    Parameters
    ----------
    exposure : float > 0, patient-months
    rate0, rate1 : floats, events per patient-month under the null and the alternative, 0 < rate1 < rate0
    alpha : float, one-sided

    Examples
    --------
    >>> exact_poisson(75.0, 0.2475526, 0.1386294, 0.025).critical_count
    10
    """
    if not 0 < exposure < math.inf:
        raise InputError(f"exact Poisson: exposure is {exposure}; allowed: a positive number of patient-months")
    if not 0 < rate1 < rate0 < math.inf:
        raise InputError(f"exact Poisson: rates are {rate0} (null) and {rate1}; allowed: 0 < rate1 < rate0")
    if not 0 < alpha < 1:
        raise InputError(f"exact Poisson: alpha is {alpha}; allowed: above 0 and below 1")
    null = exposure * rate0
    count = int(poisson.ppf(alpha, null))
    # ppf returns the first count whose tail reaches alpha, so the tails decide which one still holds it
    while count >= 0 and poisson.cdf(count, null) > alpha:
        count -= 1
    return ExactPoisson(count, float(poisson.cdf(count, null)), float(poisson.cdf(count, exposure * rate1)))
