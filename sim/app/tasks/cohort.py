"""A synthetic cohort, one row per patient, that survival software reads as it is, and in the shape of CDISC's analysis data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from sim.app import paths
from sim.app.study import Cell, Study
from sim.app.tasks.outputs import whole
from sim.app.tasks.population_report import About, tell_population
from sim.calibration import dataset_json
from sim.calibration.adam import adam
from sim.calibration.cohort import cohort, metadata
from sim.population.post_cart_failure import PostCartFailure
from sim.types import InputError

Meanings = Mapping[str, Mapping[str, str]]


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
    format: tuple[Literal["csv", "parquet", "dataset-json"], ...] = ("parquet", "csv")
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
        table = cohort(population, study.run.seed, self.n, cell.benchmark, self.followup, self.baseline, self.missing)
        datasets = adam(table, population.time_zero_event)
        meanings = [metadata(), *({k: {"label": c.label, "unit": c.unit} for k, c in d.columns.items()} for d in datasets)]
        tables = [("cohort", table), *((d.name.lower(), d.table) for d in datasets)]
        written = []
        for kind in ("parquet", "csv"):
            if kind in self.format:
                for (name, rows), known in zip(tables, meanings, strict=True):
                    written.append(folder / f"{name}.{kind}")
                    whole(written[-1], partial(_write, rows, known, f".{kind}"))
        for dataset in datasets if "dataset-json" in self.format else ():
            written.append(folder / f"{dataset.name.lower()}.json")
            whole(written[-1], partial(dataset_json.write, dataset))
        written += _figures(table, folder)
        tell_population(study, cell, population, self._about(cell, population), folder)
        if not study.run.quiet:
            Console().print(f" {self.n:,} patients: {', '.join(paths.shown(path) for path in written)}", highlight=False, soft_wrap=True)
        return 0

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


def _write(table: pd.DataFrame, known: Meanings, kind: str, path: Path) -> None:
    """Write one file; Parquet carries each column's label and unit."""
    if kind == ".csv":
        table.to_csv(path, index=False, lineterminator="\n")
        return
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    fields = [field.with_metadata({k: str(v) for k, v in known.get(field.name, {}).items()}) for field in arrow.schema]
    schema = pa.schema(fields, metadata={**(arrow.schema.metadata or {}), b"columns": json.dumps(dict(known)).encode()})
    pq.write_table(arrow.cast(schema), path, compression="zstd")
