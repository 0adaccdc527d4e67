"""A survival curve on a uniform grid: what a population says of itself without any Monte Carlo."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.types import Array, InputError

exp = later("sim.kernels.vectors", "exp")
log = later("sim.kernels.vectors", "log")

LN2 = 0.6931471805599453


def in_months(time: float) -> str:
    """Write a time that a curve may never reach.

    Examples
    --------
    >>> in_months(2.804), in_months(math.inf)
    ('2.80 months', 'not reached')
    """
    return f"{time:.2f} months" if math.isfinite(time) else "not reached"


@dataclass(frozen=True, eq=False)
class Curve:
    """Hold S(t) at t = 0, step, 2 step, …

    Parameters
    ----------
    step : float, months
    survival : float64[k], from 1 downwards; S(0) is `survival[0]`

    Notes
    -----
    Between grid points the cumulative hazard is linear, so S is exponential there; beyond the last
    point the last hazard continues.

    Examples
    --------
    >>> Curve.exponential(median=2.8, step=0.01, end=60.0).median().__round__(6)
    2.8
    """

    step: float
    survival: Array

    def __post_init__(self) -> None:
        s = self.survival
        if not self.step > 0 or s.ndim != 1 or len(s) < 2:
            raise InputError("curve: needs a positive step and at least two points")
        if s[0] > 1 or s[-1] < 0 or np.any(np.diff(s) > 1e-9):
            raise InputError("curve: survival must fall from at most 1 to at least 0")

    @classmethod
    def exponential(cls, median: float, step: float = 0.02, end: float = 120.0) -> Curve:
        """Make the exponential curve with this median (months)."""
        if not (median > 0 and math.isfinite(median)):
            raise InputError(f"curve: median is {median}; allowed: a positive number of months")
        t = np.arange(round(end / step) + 1) * step
        return cls(step, exp(-LN2 / median * t))

    @property
    def times(self) -> Array:
        """float64[k], months"""
        return np.arange(len(self.survival), dtype=np.float64) * self.step

    def cumulative_hazard(self) -> Array:
        """Return -log S on the grid, float64[k]; where S is 0 the last finite hazard continues."""
        floor = 1e-300
        h = -log(np.maximum(self.survival, floor))
        return np.maximum.accumulate(h)

    def at(self, t: float | Array) -> Array:
        """Return S(t), t in months (array or number)."""
        out: Array = exp(-self.cumulative_hazard_at(t))
        return out

    def cumulative_hazard_at(self, t: float | Array) -> Array:
        """Return -log S(t), t in months (array or number)."""
        h = self.cumulative_hazard()
        x = np.asarray(t, dtype=float) / self.step
        i = np.clip(np.floor(x).astype(int), 0, len(h) - 2)
        out: Array = h[i] + (x - i) * (h[i + 1] - h[i])
        return out

    def quantile(self, p: float) -> float:
        """Return the smallest t with S(t) <= 1 - p, or infinity when the grid ends above it."""
        level = -float(log(1 - p))
        h = self.cumulative_hazard()
        if h[-1] < level:
            return math.inf
        i = int(np.searchsorted(h, level))
        if i == 0:
            return 0.0
        return float((i - 1 + (level - h[i - 1]) / (h[i] - h[i - 1])) * self.step)

    def median(self) -> float:
        """Return the median in months; infinity when it is not reached on the grid."""
        return self.quantile(0.5)

    def rmst(self, tau: float) -> float:
        """Return the area under S up to tau (months), trapezoid on the grid."""
        t = np.append(self.times[self.times < tau], tau)
        return float(np.trapezoid(self.at(t), t))
