"""A full synthetic cohort, one row per patient from the chosen time zero, that survival software reads as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.benchmark import Benchmark
from sim.calibration import class_cohort, covariates
from sim.calibration.cohort_marks import FATES, add_marks, hide_unevaluable, labelled, uniforms
from sim.population import courses
from sim.population.failure_classes import parameters as class_parameters
from sim.population.parameters import MODEL, Parameters
from sim.population.post_cart_failure import PostCartFailure
from sim.population.transitions import transplant
from sim.rng import Draws
from sim.types import Array, InputError

FOREVER = 1200.0  # months: where a cohort without end of follow-up is censored
# name -> (label, unit); a time is missing (NaN) when its event never comes or nobody saw it
COLUMNS: dict[str, tuple[str, str]] = {
    "patient": ("Patient number, in order of entry", ""),
    "stratum": ("Stratum: day-30 refractory to CAR-T, or other", ""),
    "day30_refractory": ("Stable or progressive disease at day 30 after CAR-T, and a later failure", "1 = yes"),
    "bridging": ("Bridging therapy before CAR-T", "1 = yes"),
    "fate": ("Course after CAR-T", ""),
    "day30_status": ("Response to CAR-T at day 30", ""),
    "cart_response": ("Best response to CAR-T", ""),
    "time_to_progression": ("CAR-T infusion to progression", "months"),
    "intended": ("Treatment intended after progression", "1 = yes"),
    "treated": ("First-line therapy after progression started", "1 = yes"),
    "time_to_first_line": ("Time zero to start of first-line therapy", "months"),
    "regimen": ("First-line regimen after progression", ""),
    "response": ("Response to first-line therapy", ""),
    "first_line_on_trial": ("First-line therapy given on a trial", "1 = yes"),
    "cd19_after_failure": ("CD19 on the tumour after progression, were it assessed", ""),
    "durable_response": ("Response that lasts (exit at the durable rate)", "1 = yes"),
    "next_progression": ("Time zero to the progression or death that ends first-line therapy", "months"),
    "second_line": ("Second-line therapy after progression", "1 = yes"),
    "allo": ("Allogeneic transplant after progression", ""),
    "time_to_allo": ("Time zero to allogeneic transplant", "months"),
    "pfs_time": ("Progression-free survival from time zero", "months"),
    "pfs_event": ("Progression or death seen", "1 = event, 0 = censored"),
    "os_time": ("Overall survival from time zero", "months"),
    "os_event": ("Death seen", "1 = event, 0 = censored"),
    "followup": ("Administrative follow-up from time zero", "months"),
    "class_at_failure": ("Class at failure, 1 does best", ""),
    "failure_within": ("Time from CAR-T to failure", ""),
    **{
        column: (f"{name.upper() if len(name) < 5 else name.capitalize()} at failure", "")
        for name, column in class_cohort.AT_FAILURE.items()
    },
    "age": ("Age at CAR-T", "years"),
    **{name: (c.label, "") for name, c in covariates.COVARIATES.items()},
}


def cohort(
    population: PostCartFailure,
    seed: int,
    n: int,
    benchmark: Benchmark | None = None,
    followup: float | None = None,
    baseline: bool = True,
    missing: bool = False,
    first: int = 0,
) -> pd.DataFrame:
    """Sample n patients from the population's time zero, with all marks of their courses.

    Parameters
    ----------
    population : who the patients are, and time zero
    seed, n : address of the cohort; the first 100 patients of 200 are the patients of a cohort of 100
    benchmark : when given, must read the paper as the population does (its figures are not used: the fit has used them)
    followup : months of administrative follow-up from time zero; None = followed until the event (or, for patients who
        never have it, censored at 1,200 months)
    baseline : whether to add baseline covariates
    missing : whether what was unknown in the publication is `unknown` (covariates), `not assessed` (CD19) or
        `not evaluable` (response to first line) here, as often as there; else a level is drawn from the known ones
    first : patients before the first of these: a large cohort is made part by part, each the same rows as in the whole

    Returns
    -------
    DataFrame with the columns of `COLUMNS` that the time zero defines

    Examples
    --------
    >>> table = cohort(PostCartFailure(), seed=1, n=100)
    >>> bool((table["pfs_time"] <= table["os_time"]).all())
    True
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise InputError(f"cohort: n is {n!r}; allowed: a whole number, 1 or more")
    if followup is not None and not 0 < followup < float("inf"):
        raise InputError(f"cohort: followup is {followup}; allowed: a positive number of months, or none")
    if benchmark is not None and benchmark.denominator != population.denominator:
        raise InputError(
            f"benchmark.denominator is {benchmark.denominator}, population.denominator is {population.denominator}; allowed: the same for both"
        )
    end = FOREVER if followup is None else float(followup)
    cut = np.full(n, end)
    table = patients(population, Draws(seed, 0, 1, n, first), cut)
    draws = Draws(seed, 0, 1, n, first)  # the same addresses; the words of the courses are no longer held
    if baseline:
        add_marks(table, population.course, draws, missing)
    if baseline and missing:
        hide_unevaluable(table, draws)
    _hide_after(table, end)
    return pd.DataFrame({c: table[c] for c in COLUMNS if c in table}, copy=False)


def patients(population: PostCartFailure, draws: Draws, cut: Array) -> pd.DataFrame:
    """Return the courses of the addressed patients (one replicate) from time zero, censored at `cut` months."""
    return PATIENTS[population.model](population, draws, cut)


def _of_day30_groups(population: PostCartFailure, draws: Draws, cut: Array) -> pd.DataFrame:
    p, group = population.values, population.sample_strata(draws)
    therapy, control = population.therapy(), np.zeros_like(group)
    columns: dict[str, Any] = {
        "patient": draws.first_unit + np.arange(1, group.size + 1),
        "stratum": labelled(population.strata, group[0]),
        "day30_refractory": (group[0] == 0).astype(np.uint8),
    }
    if population.time_zero == "first_line_start":
        x = courses.trajectories(p, therapy, draws, group, control, marks=True)
        columns |= _first_line(p, draws, x, np.ones(group.size, dtype=bool), np.zeros(group.size))
        pfs, os = x.pfs, x.os
    elif population.time_zero == "progression":
        y = courses.after_progression(p, therapy, draws, group, control, marks=True)
        columns |= _after_progression(p, draws, y, np.zeros(group.size), np.ones(group.size, dtype=bool))
        pfs, os = y.pfs, y.os
    else:
        z = courses.after_infusion(p, therapy, draws, group, control, marks=True)
        progressed = z.fate < 2
        columns |= {"bridging": z.bridging, "fate": labelled(FATES, z.fate), "time_to_progression": np.where(progressed, z.time, np.nan)}
        columns |= _after_progression(p, draws, z.progression, z.time, progressed)
        pfs, os = z.time, z.os
    for name, time in (("pfs", pfs), ("os", os)):
        columns[f"{name}_time"] = np.minimum(time, cut)
        columns[f"{name}_event"] = (time <= cut).astype(np.uint8)
    columns["followup"] = cut
    return pd.DataFrame(columns)


def _after_progression(
    p: Parameters, draws: Draws, y: courses.AfterProgression, since: Array, progressed: NDArray[np.bool_]
) -> dict[str, Any]:
    treated = (y.path == 2) & progressed
    out: dict[str, Any] = {"intended": ((y.path > 0) & progressed).astype(np.uint8), "treated": treated.astype(np.uint8)}
    out["next_progression"] = np.where(treated, since + y.wait + y.first_line.pfs, np.nan)
    out["time_to_first_line"] = np.where(treated, since + y.wait, np.nan)
    return out | _first_line(p, draws, y.first_line, treated, since + y.wait)


def _first_line(p: Parameters, draws: Draws, x: courses.Trajectories, treated: NDArray[np.bool_], since: Array) -> dict[str, Any]:
    marks = dict(zip(courses.MARKS, x.marks, strict=True))
    names = (*(k.name for k in p.regimens), "none")
    complete = np.array([k.complete_response / k.response if k.response > 0 else 0.0 for k in p.regimens])
    is_complete = uniforms(draws, "complete_response") < complete[marks["regimen"]]
    response = marks["response"] * (1 + is_complete)
    progressed = (marks["allo_from_response"] == 0) & (marks["died_at_exit"] == 0) & np.isfinite(x.pfs)
    second = progressed & (uniforms(draws, "second_line") < p.second_line_share) & treated
    dated = transplant(p, draws, x)
    to_allo = np.minimum(dated["allo_from_response"], dated["allo_after_progression"])
    transplanted = treated & np.isfinite(to_allo)
    return {
        "regimen": labelled(names, np.where(treated, marks["regimen"], len(p.regimens))),
        "response": labelled(("not treated", "none", "partial", "complete"), treated * (1 + response)),
        "durable_response": (marks["durable"] * treated).astype(np.uint8),
        "second_line": second.astype(np.uint8),
        "allo": labelled(
            ("none", "from response", "after progression"), treated * (marks["allo_from_response"] + 2 * marks["allo_after_progression"])
        ),
        "time_to_allo": np.where(transplanted, since + to_allo, np.nan),
    }


def _hide_after(table: pd.DataFrame, followup: float) -> None:
    """Take out what happens after the end of follow-up, as nobody has seen it."""
    for name in ("time_to_progression", "next_progression", "time_to_first_line", "time_to_allo"):
        if name in table:
            table[name] = table[name].where(table[name] <= followup)
    table.loc[table["time_to_allo"].isna(), "allo"] = "none"
    if "treated" in table:
        unseen = (table["treated"] == 1) & table["time_to_first_line"].isna()
        table.loc[unseen, ["treated", "durable_response"]] = 0
        table.loc[unseen, ["regimen", "response"]] = ["none", "not treated"]
    ended = table["next_progression"].notna() if "next_progression" in table else table["pfs_event"] == 1
    table.loc[~ended, "second_line"] = 0


# model -> its patients as rows
PATIENTS: dict[str, Callable[[PostCartFailure, Draws, Array], pd.DataFrame]] = {
    MODEL: _of_day30_groups,
    class_parameters.MODEL: lambda population, draws, cut: class_cohort.patients(population.classes, draws, cut),
}


def metadata() -> Mapping[str, dict[str, str]]:
    """Return the columns' labels and units, for a file's metadata."""
    return {name: {"label": label, "unit": unit} for name, (label, unit) in COLUMNS.items()}
