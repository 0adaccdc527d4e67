"""A synthetic cohort, one row per patient, that survival software reads as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from sim.app import paths
from sim.app.study import Study
from sim.app.tasks.outputs import whole
from sim.app.tasks.telling import tell
from sim.calibration.cohort import cohort, metadata
from sim.population.post_cart_failure import PostCartFailure
from sim.types import InputError

FORMATS = ("csv", "parquet")


@dataclass(frozen=True)
class Cohort:
    """Sample patients of the first cell's population and write cohort.csv and cohort.parquet.

    Parameters
    ----------
    n : patients
    format : csv, parquet or both
    followup : months of administrative follow-up from time zero; None: until the event
    baseline : add baseline covariates
    """

    n: int = 514
    format: Literal["csv", "parquet", "both"] = "both"
    followup: float | None = None
    baseline: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.n <= 10_000_000:
            raise InputError(f"task.n is {self.n}; allowed: 1 to 10000000 patients")
        if self.followup is not None and not 0 < self.followup < float("inf"):
            raise InputError(f"task.followup is {self.followup}; allowed: a positive number of months, or null")

    def run(self, study: Study, folder: Path) -> int:
        """Write the cohort and where it came from; return the exit status 0."""
        cell = study.cells[0]
        population = cell.trial.population
        if not isinstance(population, PostCartFailure):
            raise InputError("task=cohort needs a disease model; allowed: population=post_cart_failure")
        table = cohort(population, study.run.seed, self.n, cell.benchmark, self.followup, self.baseline)
        written = [folder / f"cohort.{kind}" for kind in FORMATS if self.format in (kind, "both")]
        for path in written:
            whole(path, partial(_write, table, path.suffix))
        tell(study, folder, None, [f"{self.n:,} virtual patients, from {population.time_zero.replace('_', ' ')} on."])
        if not study.run.quiet:
            Console().print(f" {self.n:,} patients: {', '.join(paths.shown(path) for path in written)}", highlight=False, soft_wrap=True)
        return 0


def _write(table: pd.DataFrame, kind: str, path: Path) -> None:
    """Write one file; Parquet carries each column's label and unit."""
    if kind == ".csv":
        table.to_csv(path, index=False, lineterminator="\n")
        return
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    known = metadata()
    fields = [field.with_metadata({k: str(v) for k, v in known.get(field.name, {}).items()}) for field in arrow.schema]
    schema = pa.schema(fields, metadata={**(arrow.schema.metadata or {}), b"columns": json.dumps(dict(known)).encode()})
    pq.write_table(arrow.cast(schema), path, compression="zstd")
