"""Exact curves of the model with classes at failure by quadrature: given the class everything after failure is in closed form.

Arrays carry the class first: float64[K, n] on a grid of n months. Exits of first line are piecewise exponential, so masses in a
cell are exact; convolutions are sums of cell masses against cell averages of the survival that follows (error of order step^2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.curve import LN2
from sim.effect import HazardProfile
from sim.later import later
from sim.population.failure_classes import background
from sim.population.failure_classes.background import log_of, log_time
from sim.population.failure_classes.levers import Levers
from sim.population.failure_classes.parameters import ClassParameters
from sim.population.multi_state import accumulated, weibull_average
from sim.types import Array

convolution = later("sim.kernels.convolution")
exp = later("sim.kernels.vectors", "exp")
relative_exponential = later("sim.kernels.vectors", "relative_exponential")


def averages(survival: Array) -> Array:
    """Return the average over each cell by the trapezoid, along the last axis."""
    out: Array = 0.5 * (survival[..., 1:] + survival[..., :-1])
    return out


def convolve(mass: Array, average: Array) -> Array:
    """Return the integral of S(t - u) dF(u): mass of F in each cell, float64[..., n - 1], average of S over each cell; float64[..., n]."""
    masses, averaged = np.broadcast_arrays(mass, average)
    n = masses.shape[-1]
    out = np.zeros((*masses.shape[:-1], n + 1))
    for row in np.ndindex(masses.shape[:-1]):
        out[(*row, slice(1, None))] = convolution.convolve(masses[row], averaged[row])[:n]
    return out


def cumulated(mass: Array) -> Array:
    """Return the running sum of cell masses on the grid, 0 first."""
    out: Array = np.concatenate([np.zeros((*mass.shape[:-1], 1)), np.cumsum(mass, axis=-1)], axis=-1)
    return out


@dataclass(frozen=True, eq=False)
class Transplant:
    """After a transplant, on the grid: free of relapse, and alive, each for (from response, after progression)."""

    free: tuple[Array, Array]
    alive: tuple[Array, Array]


def transplanted(p: ClassParameters, t: Array) -> Transplant:
    """Return the curves from transplant, deaths of old age aside: the others than the cured relapse and die of it."""
    remission = exp(-p.allo_relapse_rate * t)
    r, n = p.allo_relapse_rate, p.allo_death_rate
    # the difference quotient of exp(-x t) at r and n, written so that r = n is no exception
    relapsed = r * t * remission * relative_exponential((r - n) * t)
    cured = (p.allo_cured_in_response, p.allo_cured_after_progression)
    free = tuple(c + (1 - c) * remission for c in cured)
    alive = tuple(f + (1 - c) * relapsed for c, f in zip(cured, free, strict=True))
    return Transplant((free[0], free[1]), (alive[0], alive[1]))


@dataclass(frozen=True, eq=False)
class FirstLine:
    """Curves from the start of first line, float64[K, n]: PFS, OS, and the probabilities of having progressed (alive), and of transplants."""

    pfs: Array
    os: Array
    progressed: Array
    allo: Array
    allo_after: Array


def post_progression(p: ClassParameters, t: Array, ratio: float, after: Transplant) -> tuple[Array, Array]:
    """Return OS since progression on first line, and the probability of a transplant since then, by class."""
    hazard = exp(p.post_shape * (log_time(t) + log_of(p.post_rate)))
    a = p.allo_after_progression_rate
    alone = exp(-hazard[None, :] * (p.frailty * ratio)[:, None] - a * t)
    mass = a * averages(alone) * (t[1] - t[0])
    return alone + convolve(mass, averages(after.alive[1])), cumulated(mass)


def leaving(p: ClassParameters, x: Levers) -> list[tuple[float, Array, bool]]:
    """Return (multiplier without that of the class, share of patients by class, may be transplanted) of those who do not stay."""
    out: list[tuple[float, Array, bool]] = []
    partial, complete = p.partial_ratio, p.partial_ratio * p.complete_to_partial_ratio
    for multiplier in sorted({k.multiplier for k in p.regimens}):
        w = x.weights * np.array([k.multiplier == multiplier for k in p.regimens])
        if not w.any():
            continue
        rate = p.exit_rate * multiplier
        none, some = w * (1 - x.response), w * (x.response - x.complete) * (1 - x.durable_in_partial)
        full = w * x.complete * (1 - x.durable_in_complete)
        out += [
            (rate, np.sum(none, axis=1), False),
            (rate * partial, np.sum(some, axis=1), True),
            (rate * complete, np.sum(full, axis=1), True),
        ]
    return out


def durable(x: Levers) -> Array:
    """Return float64[K], P(a response that lasts) by class."""
    lasting = x.complete * x.durable_in_complete + (x.response - x.complete) * x.durable_in_partial
    out: Array = np.sum(x.weights * lasting, axis=1)
    return out


@dataclass(frozen=True, eq=False)
class ProgressionFree:
    """The progression-free state from the start of first line, deaths of old age aside.

    none, response : float64[K, n], P(there, without or in a response); exits, arrivals : float64[K, n - 1], P(leaving it in a cell
    by progression or death, or to a transplant)
    """

    none: Array
    response: Array
    exits: Array
    arrivals: Array


def progression_free(p: ClassParameters, x: Levers, profile: HazardProfile, t: Array) -> ProgressionFree:
    """Return the progression-free state, by class."""
    step, reached = t[1] - t[0], accumulated(profile, t)
    rise = np.diff(reached)
    none, response, exits, arrivals = (np.zeros((p.classes, n)) for n in (len(t), len(t), len(t) - 1, len(t) - 1))
    for rate, share, responds in leaving(p, x):
        h, a = rate * p.frailty[:, None], p.allo_from_response_rate if responds else 0.0
        stay = share[:, None] * exp(-h * reached - a * t)
        left = -np.diff(stay, axis=1)
        to_allo = a * step / (h * rise + a * step)
        state = response if responds else none
        state += stay
        arrivals += left * to_allo
        exits += left * (1 - to_allo)
    stay = durable(x)[:, None] * exp(-p.durable_exit_rate * reached)
    response += stay
    exits += -np.diff(stay, axis=1)
    return ProgressionFree(none, response, exits, arrivals)


def first_line(p: ClassParameters, x: Levers, profile: HazardProfile, t: Array) -> FirstLine:
    """Return the curves from the start of first line, by class."""
    state, after = progression_free(p, x, profile, t), transplanted(p, t)
    free, progressed = state.none + state.response, (1 - p.exit_death_share) * state.exits
    os_after, allo_after = post_progression(p, t, x.after_progression, after)
    # old age is independent of the rest, from the start of first line on: it multiplies whatever needs the patient alive
    old = background.survival(p, t)
    alive = averages(old)
    pfs = (free + convolve(state.arrivals, averages(after.free[0]))) * old
    os = (free + convolve(state.arrivals, averages(after.alive[0])) + convolve(progressed, averages(os_after))) * old
    second = np.diff(convolve(progressed, averages(allo_after)), axis=1)
    return FirstLine(pfs, os, cumulated(progressed * alive), cumulated(state.arrivals * alive), cumulated(second * alive))


@dataclass(frozen=True, eq=False)
class Progression:
    """Curves from progression by class, float64[K, n]: of the treated (PFS, OS), of those who wait, and under supportive care."""

    first: FirstLine
    waiting: Array
    pfs_treated: Array
    os_treated: Array
    supportive: Array
    supportive_average: Array

    def survival(self, treated: Array, intended: Array) -> tuple[Array, Array]:
        """Return PFS and OS by class where these shares are treated and intended, float64[K] each."""
        alone = (1 - intended)[:, None] * self.supportive + (intended - treated)[:, None] * self.waiting
        return treated[:, None] * self.pfs_treated + alone, treated[:, None] * self.os_treated + alone

    def untreated(self, treated: Array, intended: Array) -> Array:
        """Return OS of those never treated by class (theirs is PFS, too)."""
        alone = (1 - intended)[:, None] * self.supportive + (intended - treated)[:, None] * self.waiting
        out: Array = alone / (1 - treated)[:, None]
        return out

    def average(self, treated: Array, intended: Array) -> Array:
        """Return the average over each cell of OS by class, float64[K, n - 1]; under supportive care exactly."""
        alone = (1 - intended)[:, None] * self.supportive_average + (intended - treated)[:, None] * averages(self.waiting)
        out: Array = treated[:, None] * averages(self.os_treated) + alone
        return out


def from_progression(p: ClassParameters, x: Levers, profile: HazardProfile, t: Array) -> Progression:
    """Return the curves from progression by class; the treatment acts from the start of first line."""
    first = first_line(p, x, profile, t)
    total = (p.start_rate + p.waiting_death_rate * p.frailty)[:, None]
    waiting = exp(-total * t)
    started = -np.diff(waiting, axis=1)
    both = convolve(started[None], averages(np.array([first.pfs, first.os])))
    return Progression(first, waiting, waiting + both[0], waiting + both[1], *supportive_care(p, t))


def supportive_care(p: ClassParameters, t: Array) -> tuple[Array, Array]:
    """Return survival under supportive care by class, and its exact average over each cell."""
    scale = [p.supportive_median * (LN2 * m) ** (-1 / p.supportive_shape) for m in p.frailty]
    survival = exp(-LN2 * p.frailty[:, None] * exp(p.supportive_shape * (log_time(t) - log_of(p.supportive_median))))
    return survival, np.array([weibull_average(s, p.supportive_shape, t) for s in scale])
