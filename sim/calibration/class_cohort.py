"""The rows of a cohort of patients in classes: the same columns as for day-30 groups, and what the class adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.calibration.cohort_marks import FATES, labelled, uniforms
from sim.effect import Mechanism
from sim.later import later
from sim.population.failure_classes import courses, marks
from sim.population.failure_classes.model import FailureClasses
from sim.population.failure_classes.parameters import ClassParameters
from sim.population.failure_classes.times import EDGES, TIME_CLASSES
from sim.rng import Draws
from sim.types import Array, Flags

log = later("sim.kernels.vectors", "log")

RESPONSES = ("not treated", "none", "partial", "complete")
ALLO = ("none", "from response", "after progression")
AT_FAILURE = {name: f"{name}_at_failure" for name in marks.MARKS}


def patients(model: FailureClasses, draws: Draws, cut: Array) -> pd.DataFrame:
    """Return the courses of the addressed patients (one replicate) from time zero, censored at `cut` months."""
    p, stratum, time_zero = model.parameters, model.sample_strata(draws), model.choices.time_zero
    x, control = model.arms(Mechanism()), np.zeros_like(stratum)
    n = stratum.size
    columns: dict[str, Any] = {"patient": np.arange(1, n + 1), "stratum": labelled(model.strata, stratum[0])}
    everybody, zero = np.ones(n, dtype=bool), np.zeros(n)
    if time_zero == "infusion":
        z = courses.infusion(p, x, draws, stratum, control, os=True)
        progressed, class_, period = z.fate < 2, z.class_, np.searchsorted(EDGES, z.time)
        columns |= {"day30_refractory": (stratum[0] == 0).astype(np.uint8), "bridging": z.bridging, "fate": labelled(FATES, z.fate)}
        columns["time_to_progression"] = np.where(progressed, z.time, np.nan)
        columns |= _after_progression(p, draws, z.progression, z.time, progressed)
        pfs, os = z.time, z.os
    else:
        class_ = np.array(model.sample_classes(draws, stratum))
        group, period = group_and_period(model, draws, stratum[0], class_)
        progressed = everybody
        columns["day30_refractory"] = (group == 0).astype(np.uint8)
        if time_zero == "progression":
            y = courses.progression(p, x, model.intended, draws, stratum, class_, control, os=True)
            columns |= _after_progression(p, draws, y, zero, everybody)
            pfs, os = y.pfs, y.os
        else:
            first = courses.first_line(p, x, draws, stratum, class_, control, os=True)
            columns |= _first_line(p, draws, first, everybody, zero)
            pfs, os = first.pfs, np.asarray(first.os)
    columns["class_at_failure"] = np.where(progressed, class_ + 1, 0).astype(np.uint8)
    columns["failure_within"] = labelled(("no progression", *TIME_CLASSES), np.where(progressed, period + 1, 0))
    for name, column in AT_FAILURE.items():
        level = marks.draw(p, name, model.choices.eligible, class_.reshape(1, -1), draws)[0]
        columns[column] = labelled(("no progression", *marks.mark(p, name).levels), np.where(progressed, level + 1, 0))
    for name, time in (("pfs", pfs), ("os", os)):
        columns[f"{name}_time"] = np.minimum(time, cut)
        columns[f"{name}_event"] = (time <= cut).astype(np.uint8)
    columns["followup"] = cut
    return pd.DataFrame(columns)


def group_and_period(model: FailureClasses, draws: Draws, stratum: Flags, class_: Flags) -> tuple[Flags, NDArray[np.intp]]:
    """Return day-30 group and class of the time to failure given stratum and class, by one word: both are marks of a start after failure."""
    by_group = model.choices.stratify_by == "day30"
    u = uniforms(draws, "failure_time_class")
    # cells of the other trait given stratum and class: time to failure, or day-30 group
    table = np.moveaxis(model.cells, (0, 1, 2), (0, 2, 1)) if by_group else np.moveaxis(model.cells, (0, 1, 2), (2, 0, 1))
    steps = np.cumsum(table, axis=2) / np.maximum(np.sum(table, axis=2), 1e-300)[:, :, None]
    other = np.sum(u[:, None] >= steps[stratum, class_][:, :-1], axis=1)
    return (stratum, other) if by_group else (other.astype(np.uint8), stratum.astype(np.intp))


def _after_progression(
    p: ClassParameters, draws: Draws, y: courses.AfterProgression, since: Array, progressed: NDArray[np.bool_]
) -> dict[str, Any]:
    treated = (y.path == 2) & progressed
    return {
        "intended": ((y.path > 0) & progressed).astype(np.uint8),
        "treated": treated.astype(np.uint8),
        "next_progression": np.where(treated, since + y.wait + y.first_line.pfs, np.nan),
        "time_to_first_line": np.where(treated, since + y.wait, np.nan),
        **_first_line(p, draws, y.first_line, treated, since + y.wait),
    }


def _first_line(p: ClassParameters, draws: Draws, x: courses.Trajectories, treated: NDArray[np.bool_], since: Array) -> dict[str, Any]:
    seen = dict(zip(courses.MARKS, x.marks, strict=True))
    early, later = seen["allo_from_response"] == 1, seen["allo_after_progression"] == 1
    progressed = ~early & (seen["died_at_exit"] == 0) & (seen["died_of_age"] == 0)
    second = progressed & (uniforms(draws, "second_line") < p.second_line_share) & treated
    to_allo = np.where(early, _clock(draws, "allo_from_response", p.allo_from_response_rate), np.nan)
    to_allo = np.where(later, x.pfs + _clock(draws, "allo_after_progression", p.allo_after_progression_rate), to_allo)
    return {
        "regimen": labelled((*(k.name for k in p.regimens), "none"), np.where(treated, seen["regimen"], len(p.regimens))),
        "response": labelled(RESPONSES, treated * (1 + seen["response"])),
        "durable_response": (seen["durable"] * treated).astype(np.uint8),
        "second_line": second.astype(np.uint8),
        "allo": labelled(ALLO, treated * (early + 2 * later)),
        "time_to_allo": np.where(treated, since + to_allo, np.nan),
    }


def _clock(draws: Draws, stream: str, rate: float) -> Array:
    out: Array = -log(uniforms(draws, stream)) / rate if rate > 0 else np.full(draws.n, np.inf)
    return out


def transplants(table: pd.DataFrame, p: ClassParameters, draws: Draws) -> pd.DataFrame:
    """Return months from infusion to transplant, and from transplant to relapse or death and to death; NaN without one.

    table : patients from infusion who are never censored, one replicate
    """
    at = table["time_to_allo"]
    death = table["os_time"] - at
    share = np.where(table["allo"] == "from response", p.allo_cured_in_response, p.allo_cured_after_progression)
    relapse = np.where(uniforms(draws, "allo_cured") < share, np.inf, _clock(draws, "allo_relapse", p.allo_relapse_rate))
    return pd.DataFrame({"transplanted": at, "relapse": np.minimum(pd.Series(relapse, index=table.index), death), "death": death})
