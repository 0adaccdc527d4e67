"""Write what a task found into the run's folder: tables, replicates, report, provenance; each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.app.study import Study
from sim.app.tasks.simulation import Truth
from sim.files import replacing
from sim.oc import COLUMNS
from sim.report.csv_table import write_csv
from sim.statistic.statistic import Code
from sim.store import PARQUET
from sim.trial import Rows
from sim.types import InputError, Row

DECISIONS = ("none", "reject", "futility", "harm")
ROW_GROUP = 100_000  # rows; fixed, so that the bytes of replicates.parquet do not depend on how it was made
_COMPRESSED = {"compression": "zstd", "compression_level": PARQUET["compression_level"], "write_statistics": False}


def table_of(rows: Iterable[Row]) -> pd.DataFrame:
    """Make the table of operating characteristics, columns in their fixed order."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name, then rename it."""
    with writing(path.parent), replacing(path) as temporary:
        write(temporary)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line why the run's folder cannot be written to."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"run.folder is {str(folder)!r}: {error.strerror or error}; allowed: a folder that can be written to, with room for the results"
        ) from error


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table as <name>.csv and <name>.parquet."""
    whole(folder / f"{name}.csv", lambda path: write_csv(table, path))
    whole(folder / f"{name}.parquet", lambda path: table.to_parquet(path, index=False))


def write_calibration(table: pd.DataFrame, folder: Path, cell: str = "") -> None:
    """Write calibration (what decides) and simulated_study (the simulated copy beside it), with a cell's name where there are several."""
    end = f"_{cell}" if cell else ""
    write_table(table.drop(columns="simulated"), folder, f"calibration{end}")
    write_table(table[["id", "role", "quantity", "published", "achieved", "simulated"]], folder, f"simulated_study{end}")


@contextmanager
def replicates_file(study: Study, folder: Path) -> Iterator[Callable[[Truth], None]]:
    """Write replicates.parquet one truth at a time, so that no more than one has to be held; it appears when the block has ended well.

    Yields
    ------
    keep : call it with each cell's truths, in order: the file has one row per cell, truth, replicate, look and hypothesis
    """
    cells = [cell.name for cell in study.cells]
    # the file is renamed when the inner stack has closed it
    with ExitStack() as outer, ExitStack() as opened:
        temporary: Path | None = None
        writer: pq.ParquetWriter | None = None

        def keep(truth: Truth) -> None:
            nonlocal writer, temporary
            rows = truth.replicates.rows
            with writing(folder):
                for start in range(0, len(rows), ROW_GROUP):
                    table = _replicate_table(truth, rows[start : start + ROW_GROUP], cells)
                    if writer is None:
                        outer.enter_context(writing(folder))
                        temporary = outer.enter_context(replacing(folder / "replicates.parquet"))
                        writer = opened.enter_context(pq.ParquetWriter(temporary, table.schema, **_COMPRESSED))
                    writer.write_table(table, row_group_size=ROW_GROUP)

        yield keep


def _replicate_table(truth: Truth, rows: Rows, cells: list[str]) -> pa.Table:
    n = len(rows)
    plan = truth.cell.trial.plan
    events = "events_cumulative"
    return pa.table(
        {
            "cell": _dictionary(np.full(n, cells.index(truth.cell.name)), cells),
            "truth": _dictionary(np.full(n, int(truth.truth == "null")), ["alternative", "null"]),
            "hypothesis": _dictionary(rows["hypothesis"], list(plan.hypotheses)),
            "replicate": np.ascontiguousarray(rows["replicate"]),
            "look": np.ascontiguousarray(rows["look"]),
            "enrolled_cumulative": np.ascontiguousarray(rows["enrolled"]),
            events: np.ascontiguousarray(rows["events"]),
            "month": np.ascontiguousarray(rows["month"]),
            "z": np.ascontiguousarray(rows["z"]),
            "estimate": np.ascontiguousarray(rows["estimate"]),
            "decision": _dictionary(rows["decision"], list(DECISIONS)),
            "code": _dictionary(np.searchsorted(sorted(Code), rows["code"]), [code.name.lower() for code in sorted(Code)]),
        }
    )


def _dictionary(index: np.ndarray, names: list[str]) -> pa.Array:
    # int16 in every cell: one schema for the whole file; a name that came twice would be written out row by row, which zstd need not
    # compress to the same bytes each time
    return pa.DictionaryArray.from_arrays(pa.array(np.ascontiguousarray(index, dtype=np.int16)), pa.array(names))


def code_names() -> list[str]:
    """Return the name of each `Code`, by its number."""
    names = [""] * (max(Code) + 1)
    for code in Code:
        names[code] = code.name.lower()
    return names
