"""A synthetic cohort, one row per patient, that survival software reads as it is, and in the shape of CDISC's analysis data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from sim.app import paths
from sim.app.study import Cell, Study
from sim.app.tasks.cohort_files import ENDS, Format, Growing, Meanings
from sim.app.tasks.outputs import whole, writing
from sim.app.tasks.population_report import About, tell_population
from sim.calibration.adam import Dataset, adam
from sim.calibration.cohort import cohort, metadata
from sim.population.post_cart_failure import PostCartFailure
from sim.types import InputError

PART = 50_000  # patients made and written at a time
DRAWN = 100_000  # patients whose curves are drawn: more would change no line of the figure
SHOWN = ("stratum", "os_time", "os_event", "pfs_time", "pfs_event")


@dataclass(frozen=True)
class Cohort:
    """Sample patients of the first cell's population: a plain cohort, ADSL, ADTTE and ADRS, and Kaplan-Meier figures.

    Parameters
    ----------
    n : patients
    format : of the files, one or more; Dataset-JSON holds ADSL, ADTTE and ADRS only
    followup : months of administrative follow-up from time zero; None: until the event
    baseline : add baseline covariates
    missing : leave out of covariates and responses what was unknown in the publication, as often as there
    """

    n: int = 514
    format: tuple[Format, ...] = ("parquet", "csv")
    followup: float | None = None
    baseline: bool = True
    missing: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.n <= 10_000_000:
            raise InputError(f"task.n is {self.n}; allowed: 1 to 10000000 patients")
        if self.followup is not None and not 0 < self.followup < float("inf"):
            raise InputError(f"task.followup is {self.followup}; allowed: a positive number of months, or null")
        if not self.format:
            raise InputError("task.format is empty; allowed: one or more of parquet, csv, dataset-json")

    def run(self, study: Study, folder: Path) -> int:
        """Write the cohort and where it came from; return the exit status 0."""
        cell = study.cells[0]
        population = cell.trial.population
        if not isinstance(population, PostCartFailure):
            raise InputError("task=cohort needs a disease model; allowed: population=post_cart_failure")
        with writing(folder):
            written, drawn = self._write(study, cell, population, folder)
        written += _figures(drawn, folder)
        about = self._about(cell, population)
        if self.n > len(drawn):
            about = replace(about, lines=[*about.lines, f"The cohort's own curves are drawn of its first {len(drawn):,} patients."])
        tell_population(study, cell, population, about, folder)
        if not study.run.quiet:
            Console().print(f" {self.n:,} patients: {', '.join(paths.shown(path) for path in written)}", highlight=False, soft_wrap=True)
        return 0

    def _write(self, study: Study, cell: Cell, population: PostCartFailure, folder: Path) -> tuple[list[Path], pd.DataFrame]:
        """Write every table part by part; return the files, and what the figures show of the first patients."""
        growing: dict[tuple[str, Format], Growing] = {}
        drawn: list[pd.DataFrame] = []
        datasets: list[Dataset] = []
        with ExitStack() as opened:
            for first in range(0, self.n, PART):
                count = min(PART, self.n - first)
                options = (cell.benchmark, self.followup, self.baseline, self.missing, first)
                table = cohort(population, study.run.seed, count, *options)
                datasets = adam(table, population.time_zero_event)
                if first < DRAWN:
                    drawn.append(table[list(SHOWN)].head(DRAWN - first))
                for name, rows, meanings, dataset in _tables(table, datasets):
                    for kind in self._kinds(dataset):
                        if (name, kind) not in growing:
                            file = Growing(folder / f"{name}{ENDS[kind]}", kind, meanings)
                            growing[name, kind] = opened.enter_context(file)
                        growing[name, kind].add(rows, dataset)
            of = {d.name.lower(): d for d in datasets}
            order = sorted(growing, key=lambda which: tuple(ENDS).index(which[1]))
            written = [growing[name, kind].finish(of.get(name)) for name, kind in order]
        return written, pd.concat(drawn, ignore_index=True)

    def _kinds(self, dataset: Dataset | None) -> list[Format]:
        return [kind for kind in ENDS if kind in self.format and (dataset is not None or kind != "dataset-json")]

    def _about(self, cell: Cell, population: PostCartFailure) -> About:
        followed = "until the event" if self.followup is None else f"for {self.followup:g} months"
        return About(
            title=f"Synthetic cohort of {self.n:,} patients",
            question=f"What do {self.n:,} virtual patients look like, calibrated to {cell.benchmark.citation} and followed {followed}?",
            lines=[f"{self.n:,} virtual patients, from {population.time_zero_event} on. No treatment effect acts, and no trial was run."],
        )

    def folder_name(self, study: Study) -> str:
        """Return the name of the run's folder."""
        return "cohort"


def _tables(table: pd.DataFrame, datasets: list[Dataset]) -> Iterator[tuple[str, pd.DataFrame, Meanings, Dataset | None]]:
    """Yield name, rows, labels and units of every table; the plain cohort is no analysis data set."""
    yield "cohort", table, metadata(), None
    for d in datasets:
        yield d.name.lower(), d.table, {name: {"label": c.label, "unit": c.unit} for name, c in d.columns.items()}, d


def _figures(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw the cohort's own Kaplan-Meier curves by stratum, numbers at risk below."""
    from sim.report import figures

    out = []
    for name in ("os", "pfs"):
        columns = {"group": table["stratum"], "time": table[f"{name}_time"], "event": table[f"{name}_event"], "endpoint": name.upper()}
        svg = figures.kaplan_meier(pd.DataFrame(columns), None, name.upper(), f"cohort_{name}")
        out.append(folder / f"kaplan_meier_{name}.svg")
        whole(out[-1], lambda path, text=svg: path.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    return out
