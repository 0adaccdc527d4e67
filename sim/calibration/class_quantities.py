"""What the authors of a series would have measured on patients in classes, by quadrature.

Quantities have names in the model's words; which published figure is which quantity is said in data (conf/benchmark/fits).
"""

from __future__ import annotations

import math

import numpy as np

from sim.calibration import study
from sim.calibration.class_study import View, weighted
from sim.population.failure_classes import background, infusion, times
from sim.population.failure_classes.curves import averages, convolve, cumulated, transplanted
from sim.types import Array

DAYS = study.DAYS
NOT_REACHED = 200.0  # months that stand for a median beyond the grid
LATE = 180 / DAYS
LANDMARK = 6.0


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
