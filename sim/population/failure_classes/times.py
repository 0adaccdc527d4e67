"""Time from infusion to failure, and the class that it leaves a patient in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.population.failure_classes.background import log_of, log_time
from sim.population.failure_classes.parameters import REFERENCE_TIME, ClassParameters
from sim.types import Array

fill_upper_tail = later("sim.kernels.normal", "fill_upper_tail")

# months: by day 30, to 3 months, to 6 months, later
EDGES = (30.5 / 30.4375, 3.0, 6.0)
TIME_CLASSES = ("within 1 month", "1 to 3 months", "3 to 6 months", "after 6 months")


def below(x: Array) -> Array:
    """Return the standard normal distribution function."""
    x = np.ascontiguousarray(x, dtype=np.float64)
    out = np.empty_like(x)
    fill_upper_tail(-x.reshape(-1), out.reshape(-1))
    return out


def log_normal(t: Array, median: float, sigma: float) -> Array:
    """Return the log-normal distribution function at t months."""
    return below((log_time(t) - log_of(median)) / sigma)


def refractory(p: ClassParameters, t: Array) -> Array:
    """Return the distribution function of the time to progression of the day-30 refractory: progressive, or stable, at day 30."""
    w = p.progressive_at_day30
    out: Array = w * log_normal(t, p.progressive_median, p.progressive_sigma) + (1 - w) * log_normal(t, p.stable_median, p.stable_sigma)
    return out


def late(p: ClassParameters, t: Array) -> Array:
    """Return the distribution function of the time to a later progression."""
    return log_normal(t - p.late_progression_shift, p.late_progression_median, p.late_progression_sigma)


def death(p: ClassParameters, t: Array) -> Array:
    """Return the distribution function of the time to death without progression."""
    return log_normal(t, p.death_without_progression_median, p.death_without_progression_sigma)


def class_given_time(p: ClassParameters, t: Array) -> Array:
    """Return float64[K, n], P(class | failure t months after infusion): an ordered probit in log t."""
    shift = p.time_to_class * (log_time(t) - log_of(REFERENCE_TIME))
    cumulative = [np.zeros_like(t), *(below(c + shift) for c in p.cuts), np.ones_like(t)]
    out: Array = np.diff(np.array(cumulative), axis=0)
    return out


@dataclass(frozen=True, eq=False)
class Cells:
    """Progressions by cell of a grid of times: mass : float64[2, n - 1] by day-30 group; class_ : float64[K, n - 1], P(class | cell)."""

    middle: Array
    mass: Array
    class_: Array


def progressions(p: ClassParameters, t: Array) -> Cells:
    """Return the progressions of each day-30 group on a grid; what lies beyond its end is in the last cell."""
    middle = 0.5 * (t[1:] + t[:-1])
    mass = np.array([np.diff(refractory(p, t)), np.diff(late(p, t))])
    mass[:, -1] += 1.0 - np.sum(mass, axis=1)
    return Cells(middle, mass, class_given_time(p, middle))


def fates(p: ClassParameters) -> Array:
    """Return float64[2, 4]: P(refractory, late, death without progression, cured) of the bridged and of the others."""
    pairs = ((p.refractory_bridged, p.late_bridged), (p.refractory_not, p.late_not))
    d = p.death_without_progression
    return np.array([[r, o, d, 1 - r - o - d] for r, o in pairs])


def eventual(p: ClassParameters, t: Array) -> Array:
    """Return float64[2, 4, K]: shares of eventual progressions by day-30 group, time to failure and class; they add to 1."""
    cells, share = progressions(p, t), fates(p)
    group = p.bridged * share[0, :2] + (1 - p.bridged) * share[1, :2]
    period = np.searchsorted(EDGES, cells.middle)
    out = np.zeros((2, 4, p.classes))
    for g in (0, 1):
        for c in range(4):
            out[g, c] = np.sum(cells.class_ * (cells.mass[g] * (period == c)), axis=1)
    return out * (group / group.sum())[:, None, None]
