"""What the authors of a series would have measured on the model with classes at failure: solved constants, and expectations by quadrature.

Quantities have names in the model's words; which published figure is which quantity is said in data (conf/benchmark/fits).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import optimize
from scipy.special import expit, logit

from sim.calibration import study
from sim.effect import HazardProfile
from sim.population.failure_classes import background, infusion, levers, times
from sim.population.failure_classes.curves import Progression, averages, convolve, cumulated, from_progression, transplanted
from sim.population.failure_classes.parameters import ClassParameters
from sim.types import Array, InputError

DAYS = study.DAYS
NOT_REACHED = 200.0  # months that stand for a median beyond the grid
LATE = 180 / DAYS
LANDMARK = 6.0


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


def median(survival: Array, t: Array) -> float:
    """Return the median, `NOT_REACHED` when the curve stays above one half."""
    return min(study.median(survival, t), NOT_REACHED)


def quantities(view: View) -> dict[str, float]:
    """Return every quantity that a fit may read or a check may print, by name; times in months unless the name says days."""
    first = before(view)
    return first | shares(view, first) | treatment(view, first) | after(view) | by_class(view) | by_time(view)


def before(view: View) -> dict[str, float]:
    """Return what was measured between infusion and progression."""
    p, c, t = view.parameters, view.counts, view.t
    x = infusion.by_bridging(p, view.mix, t)
    old = background.survival(p, t)
    cut = averages(view.follow)
    seen_r, seen_o = np.sum(view.seen, axis=1)
    dying = np.diff(times.death(p, t)) * cut
    aged = -np.diff(old) * cut
    rows = times.fates(p)
    failed = [r * seen_r + o * seen_o + d * dying.sum() + cure * aged.sum() for r, o, d, cure in rows]
    total = p.bridged * rows[0] + (1 - p.bridged) * rows[1]
    given = view.seen / np.sum(view.seen, axis=1)[:, None]
    death = total[2] * dying + total[3] * aged
    chance = np.sum(view.cells.class_[None] * p.treated[:, :, None] * view.started_by_cut[:, :, None], axis=1)
    group = np.array([c.refractory, c.progressed - c.refractory])
    treated = np.sum(group[:, None] * given * chance, axis=0)
    untreated = np.sum(group[:, None] * given * (1 - chance), axis=0) + (c.failures - c.progressed) * death / death.sum()
    to_start = np.sum(view.treated[:, :, None] * started_distribution(view), axis=(0, 1))
    late = [1 - float(np.interp(LATE, t, cumulated(row))) for row in given]
    out = {
        "progressed_refractory": view.progressed[0],
        "progressed_late": view.progressed[1],
        "died": c.infused * float(death.sum()),
        "failed_bridged": failed[0],
        "failed_not": failed[1],
        "time_to_failure_treated_days": DAYS * median(1 - cumulated(treated / treated.sum()), t),
        "time_to_failure_untreated_days": DAYS * median(1 - cumulated(untreated / untreated.sum()), t),
        "time_to_first_line_days": DAYS * median(1 - to_start, t),
        "late": float(view.progressed @ late),
    }
    for name in ("pfs", "os"):
        bridged, other = x[name]
        out |= {
            f"{name}_infusion": median(p.bridged * bridged + (1 - p.bridged) * other, t),
            f"{name}_infusion_bridged": median(bridged, t),
            f"{name}_infusion_not": median(other, t),
        }
    return out


def started_distribution(view: View) -> Array:
    """Return float64[2, K, n], the distribution of the time from infusion to a start seen by the cut, by group and class."""
    waited = averages(1 - view.mix.waiting)
    rows = []
    for mass in view.cells.mass:
        started = np.diff(convolve(mass * view.cells.class_, waited), axis=1) * averages(view.follow)
        rows.append(cumulated(started / np.sum(started, axis=1)[:, None]))
    return np.array(rows)


def shares(view: View, seen: dict[str, float]) -> dict[str, float]:
    """Return shares of the infused and of the failures, in per cent; seen : the quantities of `before`."""
    p, n = view.parameters, view.counts.infused
    progressed = seen["progressed_refractory"] + seen["progressed_late"]
    failed, bridged = progressed + seen["died"], n * p.bridged
    out = {
        "bridged": 100 * p.bridged,
        "failed": 100 * failed / n,
        "ongoing": 100 - 100 * failed / n,
        "progressed": progressed,
        "died_of_infused": 100 * seen["died"] / n,
        "late_of_infused": 100 * seen["late"] / n,
        "late_of_progressed": 100 * seen["late"] / progressed,
        "refractory_of_failures": 100 * seen["progressed_refractory"] / failed,
        "bridged_of_ongoing": 100 * bridged * (1 - seen["failed_bridged"]) / (n - failed),
        "bridged_of_failures": 100 * bridged * seen["failed_bridged"] / failed,
        "followup": median(view.follow, view.t),
    }
    for share, k in zip(p.mix, p.regimens, strict=True):
        out |= {
            f"use_{k.name}": 100 * float(share),
            f"response_{k.name}": 100 * k.response,
            f"complete_{k.name}": 100 * k.complete_response,
        }
    return out


def treatment(view: View, seen: dict[str, float]) -> dict[str, float]:
    """Return shares treated as the authors counted them, in per cent; seen : the quantities of `before`."""
    p = view.parameters
    by_class = view.cohort / np.sum(view.cohort, axis=1)[:, None]
    rate = np.sum(by_class * p.treated * view.started_by_cut, axis=1)
    early, late, died = (seen[k] for k in ("progressed_refractory", "progressed_late", "died"))
    others = late + died if p.denominator == "failures" else late  # who can be treated at all
    treated, failed = early * rate[0] + others * rate[1], early + late + died
    return {
        "treated_refractory": 100 * float(rate[0]),
        "treated_other": 100 * float(others * rate[1] / (late + died)),
        "treated_of_failures": 100 * float(treated / failed),
        "treated_of_progressed": 100 * float(treated / (early + late)),
    }


def _both(view: View) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """OS from progression, and that of the never treated, by day-30 group and class."""
    p, x = view.parameters, view.mix
    os = tuple(x.survival(p.treated[g], p.intended[g])[1] for g in (0, 1))
    alone = tuple(x.untreated(p.treated[g], p.intended[g]) for g in (0, 1))
    return (os[0], os[1]), (alone[0], alone[1])


def after(view: View) -> dict[str, float]:
    """Return what was measured from progression on."""
    p, c, t, x = view.parameters, view.counts, view.t, view.mix
    os, alone = _both(view)
    w, treated = view.cohort, view.treated
    classes = np.sum(treated, axis=0)[:, None]
    one = np.array([[1.0], [0.0]])
    out = {
        "os_progression": median(weighted(w, os), t),
        "os_refractory": median(weighted(w * one, os), t),
        "os_other": median(weighted(w * (1 - one), os), t),
        "os_treated": median(np.sum(classes * x.os_treated, axis=0), t),
        "pfs_treated": median(np.sum(classes * x.pfs_treated, axis=0), t),
        "os_untreated": median(weighted(w * (1 - p.treated), alone), t),
        "allo_from_response": c.treated * float(np.sum(classes[:, 0] * x.first.allo[:, -1])),
        "allo_after_progression": c.treated * float(np.sum(classes[:, 0] * x.first.allo_after[:, -1])),
        "os_12_months": 100 * float(np.interp(12.0, t, weighted(w, os))),
        "survival6_all": 100 * float(np.interp(LANDMARK, t, weighted(w, os))),
        "os_24_months": 100 * float(np.interp(24.0, t, weighted(w, os))),
    }
    early, later = out["allo_from_response"], out["allo_after_progression"]
    out["transplanted_of_treated"] = 100 * (early + later) / c.treated
    out["transplanted_in_response"] = 100 * early / (early + later)
    curves, old = transplanted(p, t), background.survival(p, t)
    for name, pair in (("free", curves.free), ("alive", curves.alive)):
        mixed = (early * pair[0] + later * pair[1]) / (early + later) * old
        out |= {f"transplanted_{name}": median(mixed, t), f"transplanted_{name}_12_months": 100 * float(np.interp(12.0, t, mixed))}
    others = np.array([float(k.name != "chemo") for k in p.regimens]) * p.mix
    out["pfs_without_chemo"] = median(np.sum(classes * view.curves(others / np.sum(others)).pfs_treated, axis=0), t)
    for i, k in enumerate(p.regimens):
        if k.multiplier != 1.0:
            alone_on = view.curves(np.eye(len(p.regimens))[i])
            out[f"pfs_{k.name}"] = median(np.sum(classes * alone_on.pfs_treated, axis=0), t)
    return out


def by_class(view: View) -> dict[str, float]:
    """Return OS and the share treated of each class, best first."""
    os, _ = _both(view)
    out = {}
    for k in range(view.parameters.classes):
        w = view.cohort * (np.arange(view.parameters.classes) == k)
        out[f"os_class_{k + 1}"] = median(weighted(w, os), view.t)
        out[f"treated_class_{k + 1}"] = 100 * float(np.sum(w * view.parameters.treated) / np.sum(w))
    return out


def by_time(view: View) -> dict[str, float]:
    """Return, for each span of the time to failure: its share, OS, survival at 6 months, response and PFS from first line."""
    p, t, x = view.parameters, view.t, view.mix
    os, _ = _both(view)
    ends = (0.0, *times.EDGES, math.inf)
    spans = {f"time_{i + 1}": (ends[i], ends[i + 1]) for i in range(4)} | {"by_3_months": (0.0, 3.0), "after_3_months": (3.0, math.inf)}
    out: dict[str, float] = {}
    for name, (low, high) in spans.items():
        w = view.at_times(low, high)
        classes = np.sum(w * p.treated, axis=0) / np.sum(w * p.treated)
        curve = weighted(w, os)
        out |= {
            f"share_{name}": 100 * float(np.sum(w)),
            f"os_{name}": median(curve, t),
            f"survival6_{name}": 100 * float(np.interp(LANDMARK, t, curve)),
            f"pfs_first_line_{name}": median(np.sum(classes[:, None] * x.first.pfs, axis=0), t),
            f"response_{name}": 100 * float(np.sum(classes[:, None] * p.mix * p.response)),
        }
        for i, k in enumerate(p.regimens):
            if k.name == "bispecific":
                out[f"response_bispecific_{name}"] = 100 * float(np.sum(classes * p.response[:, i]))
    return out
