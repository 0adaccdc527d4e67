"""Exact curves from infusion: progressions of each time to failure carry their own mix of classes."""

from __future__ import annotations

import numpy as np

from sim.population.failure_classes import background, times
from sim.population.failure_classes.curves import Progression, convolve
from sim.population.failure_classes.parameters import ClassParameters
from sim.types import Array


def after_failure(p: ClassParameters, group: int, curves: Progression, t: Array) -> Array:
    """Return OS from infusion of those of a day-30 group who will progress, float64[n]."""
    distribution = (times.refractory if group == 0 else times.late)(p, t)
    mass = np.diff(distribution) * times.class_given_time(p, 0.5 * (t[1:] + t[:-1]))
    average = curves.average(p.treated[group], p.intended[group])
    out: Array = 1 - distribution + np.sum(convolve(mass, average), axis=0)
    return out


def by_stratum(p: ClassParameters, curves: tuple[Progression, Progression], t: Array) -> dict[str, tuple[Array, ...]]:
    """Return PFS and OS from infusion of the day-30 refractory, and of everybody else; curves : those from progression of each."""
    total = p.bridged * times.fates(p)[0] + (1 - p.bridged) * times.fates(p)[1]
    later, dies, cured = total[1:] / (1 - total[0])
    without = dies * (1 - times.death(p, t)) + cured * background.survival(p, t)
    return {
        "pfs": (1 - times.refractory(p, t), later * (1 - times.late(p, t)) + without),
        "os": (after_failure(p, 0, curves[0], t), later * after_failure(p, 1, curves[1], t) + without),
    }


def by_bridging(p: ClassParameters, curves: Progression, t: Array) -> dict[str, tuple[Array, Array]]:
    """Return PFS and OS from infusion of the bridged, and of the others."""
    free = (1 - times.refractory(p, t), 1 - times.late(p, t))
    alive = tuple(after_failure(p, g, curves, t) for g in (0, 1))
    dying, old = 1 - times.death(p, t), background.survival(p, t)
    rows = times.fates(p)

    def mixed(of: tuple[Array, ...], w: Array) -> Array:
        out: Array = w[0] * of[0] + w[1] * of[1] + w[2] * dying + w[3] * old
        return out

    return {"pfs": (mixed(free, rows[0]), mixed(free, rows[1])), "os": (mixed(alive, rows[0]), mixed(alive, rows[1]))}
