"""The model with classes at failure seen through a study: its cells, its follow-up, and the constants that its counts solve."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import expit, logit

from sim.calibration import study
from sim.effect import HazardProfile
from sim.later import later
from sim.population.failure_classes import levers, times
from sim.population.failure_classes.curves import Progression, averages, convolve, from_progression
from sim.population.failure_classes.parameters import ClassParameters
from sim.types import Array, InputError

optimize = later("scipy.optimize")


@dataclass(frozen=True, eq=False)
class View:
    """The model seen through a study: its cells, its follow-up, and curves on one grid, each computed once.

    parameters : may lack the constants that `solved` sets
    counts : the study's cells; t : float64[n], months; follow : float64[n], P(administrative cut later than t)
    """

    parameters: ClassParameters
    counts: study.Counts
    t: Array
    follow: Array

    @cached_property
    def cells(self) -> times.Cells:
        """Progressions by cell of time, whether seen or not."""
        p, t = self.parameters, self.t
        middle = 0.5 * (t[1:] + t[:-1])
        mass = np.array([np.diff(times.refractory(p, t)), np.diff(times.late(p, t))])
        return times.Cells(middle, mass, times.class_given_time(p, middle))

    @cached_property
    def seen(self) -> Array:
        """float64[2, n - 1]: P(progression in a cell, and seen by the cut), by day-30 group."""
        out: Array = self.cells.mass * averages(self.follow)
        return out

    @cached_property
    def progressed(self) -> Array:
        """float64[2], progressions expected to be seen, by day-30 group."""
        p = self.parameters
        share = p.bridged * times.fates(p)[0] + (1 - p.bridged) * times.fates(p)[1]
        out: Array = self.counts.infused * share[:2] * np.sum(self.seen, axis=1)
        return out

    @cached_property
    def cohort(self) -> Array:
        """float64[2, K], shares of group and class among those with a course after failure, at the study's cells."""
        by_class = np.array([np.sum(self.cells.class_ * row, axis=1) / np.sum(row) for row in self.seen])
        out: Array = self.counts.weights[:, None] * by_class
        return out

    @cached_property
    def treated(self) -> Array:
        """float64[2, K], the same among the treated."""
        w = self.cohort * self.parameters.treated
        return w / np.sum(w)

    @cached_property
    def started_by_cut(self) -> Array:
        """float64[2, K], P(start seen by the cut | progression seen, and a start sooner or later), by group and class."""
        p = self.parameters
        total = (p.start_rate + p.waiting_death_rate * p.frailty)[:, None]
        average = averages(1 - np.exp(-total * self.t))
        rows = []
        for mass, seen in zip(self.cells.mass, self.seen, strict=True):
            started = np.diff(convolve(mass * self.cells.class_, average), axis=1)
            rows.append(np.sum(started * averages(self.follow), axis=1) / np.maximum(np.sum(seen * self.cells.class_, axis=1), 1e-300))
        return np.array(rows)

    def curves(self, weights: Array) -> Progression:
        """Return the curves from progression under a mix of regimens, without an effect."""
        return from_progression(self.parameters, levers.control(self.parameters, weights, 1), HazardProfile(), self.t)

    @cached_property
    def mix(self) -> Progression:
        """The curves under the published mix."""
        return self.curves(self.parameters.mix)

    def at_times(self, low: float, high: float) -> Array:
        """Return float64[2, K], shares of group and class among failures seen between two times (months), at the study's cells."""
        c = self.counts
        group = np.array([c.refractory, c.progressed - c.refractory]) / c.progressed
        chosen = (self.cells.middle > low) & (self.cells.middle <= high)
        by_class = np.array([np.sum(self.cells.class_ * (row * chosen), axis=1) / np.sum(row) for row in self.seen])
        return group[:, None] * by_class


def weighted(w: Array, both: tuple[Array, Array]) -> Array:
    """Return the curve of a group with shares w, float64[2, K], from curves by day-30 group and class."""
    out: Array = (np.sum(w[0][:, None] * both[0], axis=0) + np.sum(w[1][:, None] * both[1], axis=0)) / np.sum(w)
    return out


def solved(view: View) -> View:
    """Return the view with the constants that follow from the study's counts: cuts of the classes, intent, response at score 0.

    Notes
    -----
    Cuts: the failures seen have `class_shares`. Intent: the shares of each day-30 group seen to start first line. Response: the
    treated have each regimen's rate.

    Raises
    ------
    InputError : when no intent reaches a share
    """
    p, c = view.parameters, view.counts
    cumulative, seen = np.cumsum(p.class_shares)[:-1], view.progressed[:, None] * view.seen / np.sum(view.seen, axis=1)[:, None]
    w, shift = seen.sum(axis=0) / seen.sum(), p.time_to_class * (np.log(view.cells.middle) - math.log(2.5))

    def reached(cut: float, share: float) -> float:
        return float(np.sum(w * times.below(cut + shift))) - share

    cuts = tuple(optimize.brentq(reached, -20.0, 20.0, args=(float(share),), xtol=1e-12) for share in cumulative)
    p = replace(p, cuts=cuts)
    view = View(p, c, view.t, view.follow)
    start = p.started_given_intended * view.started_by_cut
    by_class = view.cohort / np.sum(view.cohort, axis=1)[:, None]
    intents = []
    wanted_of = (("refractory", c.treated_refractory / c.refractory), ("other", c.treated_other / c.other))
    for g, (name, wanted) in enumerate(wanted_of):

        def gap(a: float, g: int = g, wanted: float = wanted) -> float:
            return float(np.sum(by_class[g] * expit(a - p.class_to_intent * p.scores) * start[g])) - wanted

        if gap(40.0) <= 0:
            raise InputError(
                f"fit: treated_{name} is {wanted:.3f}, which no intent probability reaches: too few of the intended live to start"
            )
        intents.append(optimize.brentq(gap, -40.0, 40.0, xtol=1e-12))
    p = replace(p, intent_refractory=intents[0], intent_other=intents[1])
    classes = np.sum(View(p, c, view.t, view.follow).treated, axis=0)
    regimens = []
    for k in p.regimens:

        def off(a: float, rate: float = k.response) -> float:
            return float(np.sum(classes * expit(a - p.class_to_response * p.scores))) - rate

        low = float(logit(k.response))
        reach = abs(p.class_to_response) * float(np.max(np.abs(p.scores))) + 1.0
        regimens.append(replace(k, intercept=optimize.brentq(off, low - reach, low + reach, xtol=1e-12)))
    return View(replace(p, regimens=tuple(regimens)), c, view.t, view.follow)
