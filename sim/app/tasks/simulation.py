"""Simulate the cells of a study under their effect and under the null, and reduce them to operating characteristics."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sim.app.cells import render
from sim.app.study import Cell, Study
from sim.engine import BLOCK, Replicates, SimulationError, join, simulate
from sim.oc import (
    Z95,
    Subject,
    Tally,
    after_stopping,
    enrolment_characteristics,
    harm_characteristics,
    operating_characteristics,
    tally,
)
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


def run_trial(study: Study, trial: Trial, n_sim: int, progress: Progress | None = None, first: int = 0) -> Replicates:
    """Simulate one trial as the study's run says: its seed, executor and store."""
    store = None if study.run.store is None else Store.of(Path(study.run.store), trial, study.run.seed, study.run.reuse)
    try:
        return simulate(trial, n_sim, study.run.seed, study.executor, store, progress, first)
    except OSError as error:
        raise InputError(
            f"run.store is {study.run.store!r}: {error.strerror or error}; allowed: a folder that can be written to, or null for none"
        ) from error


def planned(cells: list[Cell], n_sim: int, n_sim_null: int) -> int:
    """Return the replicates that `both_truths` will simulate for these cells."""
    return sum(n_sim_null + (0 if is_null(cell) else n_sim) for cell in cells)


@dataclass(frozen=True)
class Reduced:
    """What is left of the replicates of one cell under one truth.

    rows : of the table of operating characteristics; simulated, from_store : where the replicates came from
    """

    rows: list[Row]
    simulated: int
    from_store: int


def reduce_truths(study: Study, cells: Iterable[Cell], keep: Callable[[Truth], object], progress: Progress | None = None) -> list[Reduced]:
    """Simulate cells under both truths, one at a time: reduce its replicates, hand them to `keep`, forget them."""
    reduced = []
    for cell in cells:
        for truth in both_truths(study, cell, progress):
            keep(truth)
            found = truth.replicates
            reduced.append(Reduced(characteristics(study, truth), found.simulated, found.from_store))
            del truth, found  # or they would be held while the next ones are simulated
    return reduced


def both_truths(study: Study, cell: Cell, progress: Progress | None = None) -> Iterator[Truth]:
    """Simulate a cell under its effect (unless that is none) and under the null."""
    truths = [("null", cell.trial.under_null, study.run.n_sim_null)]
    if not is_null(cell):
        truths.insert(0, ("alternative", cell.trial, study.run.n_sim))
    for truth, trial, n_sim in truths:
        precision = study.run.precision
        try:
            if precision is None:
                found = run_trial(study, trial, n_sim, progress)
            else:
                found = _to_precision(study, cell, truth, trial, precision, progress)
        except SimulationError as error:
            raise SimulationError(f"{error} task.truth={truth} task.cell={shlex.quote(render(cell.name))}") from error
        yield Truth(cell, truth, found)
        del found


def _to_precision(study: Study, cell: Cell, truth: str, trial: Trial, precision: float, progress: Progress | None) -> Replicates:
    """Add replicates, looking at 10, 20, 40, … blocks, until every named metric is precise enough or n_sim_max is reached."""
    run = study.run
    target, n = 10 * BLOCK, 0
    parts: list[Replicates] = []
    while True:
        target = min(target, run.n_sim_max)
        parts.append(run_trial(study, trial, target - n, progress, first=n))
        n = target
        replicates = join(parts)
        rows = characteristics(study, Truth(cell, truth, replicates))
        if n >= run.n_sim_max or all(error_of(row) < precision for row in rows if row["metric"] in run.precision_of):
            return replicates
        target = 2 * n // BLOCK * BLOCK


def error_of(row: Row) -> float:
    """Return what a precision target is held against: the half-width of the 95 % interval / 1.96: unlike the MCSE of a proportion it is not 0 where nothing happened yet."""
    return float(row["ci_high"] - row["ci_low"]) / (2 * Z95)


def characteristics(study: Study, truth: Truth) -> list[Row]:
    """Return the rows of the table of operating characteristics of one cell under one truth."""
    plan = truth.cell.trial.plan
    under_null = "type_i_error" if plan.null_is_population else "rejection_no_effect"
    rejection = "power" if truth.truth == "alternative" else under_null
    subject = Subject(study.scenario, truth.cell.name, plan.hypothesis, rejection)
    looks = plan.cut.looks
    stated = truth.truth == "alternative" or is_null(truth.cell)
    return [
        *operating_characteristics(subject, truth.replicates, looks, plan.stops_may_be_ignored, plan.cut),
        *(enrolment_characteristics(subject, plan, truth.replicates) if stated else ()),
        *harm_characteristics(subject, truth.replicates, looks),
        *after_stopping(subject, truth.cell.trial, truth.replicates),
    ]


def counter(study: Study, progress: Progress | None) -> Callable[[Trial, int], Tally]:
    """Return what `sim.sizing.size` calls: (trial, replicates) -> what its replicates count to."""
    return lambda trial, n_sim: tally(trial.plan, run_trial(study, trial, n_sim, progress))


def is_null(cell: Cell) -> bool:
    """Tell whether a cell's treatment changes nothing."""
    return cell.trial.effect.is_null
