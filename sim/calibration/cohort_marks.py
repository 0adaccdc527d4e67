"""Marks of a cohort's patients: baseline covariates, response to CAR-T, trial at first line, CD19 after failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.calibration import cart_response, covariates
from sim.later import later
from sim.rng import Draws
from sim.types import Array

normal_quantile = later("sim.kernels.elementary", "normal_quantile")

FATES = ("refractory", "late progression", "death without progression", "cured")
# Median and range are printed; a normal with this SD, cut at the printed range, is an assumption. Linked to nothing.
AGE_MEDIAN, AGE_SD, AGE_RANGE = 59.0, 12.0, (18.0, 84.0)

# Counts printed in the paper: CD19 assessed in 81 of 254 progressions, response to first line in 162 of 167 treated.
CD19_ASSESSED, EVALUABLE = 81 / 254, 162 / 167


class Marked(Protocol):
    """What holds the marks: parameters, or the course of a population."""

    @property
    def marks(self) -> Mapping[str, Any]: ...


def labelled(names: Sequence[str], index: NDArray[Any]) -> NDArray[np.object_]:
    """Return names[index] as pointers to the few names themselves: a string of its own in each row is ten times the memory."""
    out: NDArray[np.object_] = np.array(names, dtype=object)[index]
    return out


def hide_unevaluable(table: pd.DataFrame, draws: Draws) -> None:
    """Make the response to first line `not evaluable` in as many of the treated as published."""
    treated = table["response"] != "not treated"
    table.loc[treated & (uniforms(draws, "evaluable") >= EVALUABLE), "response"] = "not evaluable"


def uniforms(draws: Draws, stream: str) -> Array:
    """Return the first replicate's uniforms of a stream, float64[n]."""
    out: Array = (draws.word(stream)[0] + 0.5) * 2.0**-32
    return out


def add_marks(table: pd.DataFrame, p: Marked, draws: Draws, missing: bool = False) -> None:
    """Add marks to the rows of one replicate; baseline covariates depend on the fate alone (failures all, after failure).

    missing : keep `unknown` as often as published; else the unknown get a level of the known, all others keep theirs
    """
    cured = (table["fate"] == "cured").to_numpy() if "fate" in table else np.zeros(len(table), dtype=bool)
    for name in covariates.COVARIATES:
        x = covariates.from_marks(p.marks, name)
        steps = np.cumsum(x.by_fate, axis=1)[:, :-1]
        u = uniforms(draws, name)
        if not missing and x.names[-1] == "unknown":
            # beyond the known a uniform is uniform still: it is stretched over the known
            known = np.where(cured, steps[0, -1], steps[1, -1])
            u = np.where(u < known, u, known * np.clip((u - known) / np.maximum(1 - known, 1e-12), 0.0, 1 - 2.0**-53))
        level = np.zeros(len(u), dtype=np.intp)
        for of_cured, of_failures in steps.T:
            level += u >= np.where(cured, of_cured, of_failures)
        table[name] = labelled(x.names, level)
    z = np.array([normal_quantile(u) for u in uniforms(draws, "age")])
    table["age"] = np.clip(AGE_MEDIAN + AGE_SD * z, *AGE_RANGE).round(1)
    refractory = table["day30_refractory"].to_numpy() == 1
    on_trial = uniforms(draws, "first_line_on_trial") < np.where(refractory, *p.marks["first_line_on_trial"])
    treated = (table["treated"] == 1).to_numpy() if "treated" in table else np.ones(len(table), dtype=bool)
    table["first_line_on_trial"] = (on_trial & treated).astype(np.uint8)
    u, loss = uniforms(draws, "cd19"), p.marks["cd19_loss"]
    lost = u < loss
    progressed = table["time_to_progression"].notna() if "time_to_progression" in table else np.ones(len(table), dtype=bool)
    table["cd19_after_failure"] = labelled(("no progression", "not lost", "lost"), np.asarray(progressed) * (1 + lost))
    if missing:  # within lost and not lost the uniform is uniform again: it says who was assessed
        assessed = np.where(lost, u / loss, (u - loss) / (1 - loss)) < CD19_ASSESSED
        table.loc[np.asarray(progressed) & ~assessed, "cd19_after_failure"] = "not assessed"
    if "fate" in table:
        add_cart_response(table, p, draws, refractory)


def add_cart_response(table: pd.DataFrame, p: Marked, draws: Draws, refractory: NDArray[np.bool_]) -> None:
    """Add best response to CAR-T and status at day 30, which depend on the fate from infusion alone."""
    marks = cart_response.from_marks(p.marks)
    fate = table["fate"].map({name: i for i, name in enumerate(FATES)}).to_numpy()
    responds = uniforms(draws, "cart_response") < np.array(marks.response)[fate]
    complete = responds & (uniforms(draws, "cart_complete") < np.array(marks.complete)[fate])
    table["cart_response"] = labelled(("none", "partial", "complete"), 1 * responds + complete)
    u = uniforms(draws, "day30_status")
    partial = marks.partial_to_complete + cart_response.LATER_CONVERSIONS
    # the stable who recover are complete responses of the cured: their share is of all the cured
    stable = np.where(fate == 3, marks.stable_cured / (marks.response[3] * marks.complete[3]), 0.0)
    statuses = ("not assessed", "partial", "stable", "complete", "progressive")
    of_complete = np.where(u < stable, 2, np.where(u < stable + partial, 1, 3))
    of_refractory = np.where(u < marks.stable_refractory, 2, 4)
    table["day30_status"] = labelled(statuses, np.where(refractory, of_refractory, np.where(complete, of_complete, 1 * responds)))
