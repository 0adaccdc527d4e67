"""Power of the test that an estimate, or a difference of two, exceeds its null value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.later import later
from sim.types import InputError

ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

ARMS = ("control", "experimental", "both")


@dataclass(frozen=True)
class Estimate:
    """Hold what an estimator is expected to find, and its variance."""

    value: float
    variance: float


def power_one_sample(estimate: Estimate, null: float, alpha: float = 0.025) -> float:
    """Return the probability that the estimate exceeds a fixed value, larger being better.

    Examples
    --------
    >>> round(power_one_sample(Estimate(0.38, 0.005), 0.23), 3)
    0.564
    """
    return _power(estimate.value - null, estimate.variance, alpha)


def power_two_sample(experimental: Estimate, control: Estimate, alpha: float = 0.025) -> float:
    """Return the probability that the experimental estimate exceeds the control's, larger being better."""
    return _power(experimental.value - control.value, experimental.variance + control.variance, alpha)


def _power(difference: float, variance: float, alpha: float) -> float:
    if not 0 < alpha < 1:
        raise InputError(f"power: alpha is {alpha}; allowed: above 0 and below 1")
    return float(ndtr(difference / math.sqrt(variance) + ndtri(alpha)))
