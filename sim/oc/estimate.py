"""A number with its Monte Carlo error: probabilities with the interval of Wilson, means with the normal one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.types import Array

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A number with its Monte Carlo standard error and 95 % interval."""

    value: float
    mcse: float
    low: float
    high: float


def proportion(successes: int, n: int) -> Estimate:
    """Estimate a probability: MCSE sqrt(p (1 - p) / n), Wilson 95 % interval (Wilson, JASA 1927;22:209).

    Examples
    --------
    >>> e = proportion(25, 1000); round(e.low, 4), round(e.high, 4)
    (0.017, 0.0366)
    """
    if n == 0:
        return Estimate(math.nan, math.nan, 0.0, 1.0)
    p = successes / n
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
    # at 0 and n the interval touches the end; rounding must not push it past the estimate
    return Estimate(p, math.sqrt(p * (1 - p) / n), min(max(centre - half, 0.0), p), max(min(centre + half, 1.0), p))


def mean(values: Array) -> Estimate:
    """Estimate a mean: MCSE sd / sqrt(n), normal 95 % interval."""
    n = len(values)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, math.nan)
    m = float(np.mean(values))
    se = float(np.std(values, ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return Estimate(m, se, m - Z95 * se, m + Z95 * se)
