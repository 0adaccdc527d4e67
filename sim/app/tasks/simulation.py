"""Simulate the cells of a study under their effect and under the null, and reduce them to operating characteristics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sim.app.study import Cell, Study
from sim.effect import NoEffect
from sim.engine import Replicates, simulate
from sim.oc import Subject, operating_characteristics, rejections
from sim.store import Store
from sim.trial import Trial
from sim.types import InputError, Row

Progress = Callable[[int], object]


@dataclass(frozen=True, eq=False)
class Truth:
    """The replicates of one cell under one truth: "alternative" (the stated effect) or "null"."""

    cell: Cell
    truth: str
    replicates: Replicates


def run_trial(study: Study, trial: Trial, n_sim: int, progress: Progress | None = None) -> Replicates:
    """Simulate one trial as the study's run says: its seed, executor and store."""
    store = None if study.run.store is None else Store.of(Path(study.run.store), trial, study.run.seed, study.run.reuse)
    try:
        return simulate(trial, n_sim, study.run.seed, study.executor, store, progress)
    except OSError as error:
        raise InputError(
            f"run.store is {study.run.store!r}: {error.strerror or error}; allowed: a folder that can be written to, or null for none"
        ) from error


def planned(cells: list[Cell], n_sim: int, n_sim_null: int) -> int:
    """Return the replicates that `both_truths` will simulate for these cells."""
    return sum(n_sim_null + (0 if _is_null(cell) else n_sim) for cell in cells)


def both_truths(study: Study, cell: Cell, progress: Progress | None = None) -> list[Truth]:
    """Simulate a cell under its effect (unless that is none) and under the null."""
    out = []
    if not _is_null(cell):
        out.append(Truth(cell, "alternative", run_trial(study, cell.trial, study.run.n_sim, progress)))
    out.append(Truth(cell, "null", run_trial(study, cell.trial.under_null, study.run.n_sim_null, progress)))
    return out


def characteristics(study: Study, truth: Truth) -> list[Row]:
    """Return the rows of the table of operating characteristics of one cell under one truth."""
    plan = truth.cell.trial.plan
    under_null = "type_i_error" if plan.null_is_population else "rejection_no_effect"
    rejection = "power" if truth.truth == "alternative" else under_null
    return operating_characteristics(Subject(study.scenario, truth.cell.name, plan.hypothesis, rejection), truth.replicates, plan.cut.looks)


def counter(study: Study, progress: Progress | None) -> Callable[[Trial, int], tuple[int, int]]:
    """Return what `sim.sizing.size` calls: (trial, replicates) -> (trials that rejected, trials analysed)."""
    return lambda trial, n_sim: rejections(run_trial(study, trial, n_sim, progress))


def _is_null(cell: Cell) -> bool:
    return isinstance(cell.trial.effect, NoEffect)
