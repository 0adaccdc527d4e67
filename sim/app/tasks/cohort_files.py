"""The files of a cohort, written part by part: no more than one part of the patients is held at a time.

Rows of data sets that stand parameter by parameter wait in a scratch file each, and are joined in their order at the end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.app.tasks.outputs import whole
from sim.calibration import dataset_json
from sim.calibration.adam import Dataset
from sim.files import scratch
from sim.report.csv_table import header_as_csv, rows_as_csv

Format = Literal["csv", "parquet", "dataset-json"]
Meanings = Mapping[str, Mapping[str, Any]]
ENDS: dict[Format, str] = {"parquet": ".parquet", "csv": ".csv", "dataset-json": ".json"}


@dataclass
class Growing:
    """One table that grows part by part, in one format.

    Parameters
    ----------
    path : of the file that `finish` writes
    kind : its format
    meanings : label and unit of each column, for Parquet
    """

    path: Path
    kind: Format
    meanings: Meanings
    _opened: ExitStack = field(default_factory=ExitStack, init=False)
    _waiting: dict[str, Path] = field(default_factory=dict, init=False)
    _writers: dict[str, pq.ParquetWriter] = field(default_factory=dict, init=False)
    _records: int = field(default=0, init=False)
    _like: pd.DataFrame | None = field(default=None, init=False)

    def __enter__(self) -> Growing:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()
        self._opened.close()

    def add(self, table: pd.DataFrame, dataset: Dataset | None = None) -> None:
        """Add the rows of some more patients."""
        self._like = table.head(0)
        self._records += len(table)
        for name in _parameters(dataset):
            rows = table if not name else table[table["PARAMCD"] == name]
            if name not in self._waiting:
                self._waiting[name] = self._opened.enter_context(scratch(self.path.with_name(f"{self.path.name}-{name}")))
                self._waiting[name].touch()
            if len(rows):
                self._keep(name, rows, dataset)

    def _keep(self, name: str, rows: pd.DataFrame, dataset: Dataset | None) -> None:
        path = self._waiting[name]
        if self.kind == "parquet":
            arrow = _arrow(rows, self.meanings)
            if name not in self._writers:
                self._writers[name] = pq.ParquetWriter(path, arrow.schema, compression="zstd")
            self._writers[name].write_table(arrow.cast(self._writers[name].schema))
        elif self.kind == "csv":
            with path.open("a", encoding="utf-8", newline="") as out:
                out.write(rows_as_csv(rows))
        else:
            assert dataset is not None, "Dataset-JSON holds analysis data sets"
            with path.open("a", encoding="utf-8", newline="") as out:
                before = "," if out.tell() else ""
                out.write(before + dataset_json.text_of(dataset_json.rows_of(rows, dataset))[1:-1])

    def finish(self, dataset: Dataset | None = None) -> Path:
        """Join what waits into the file and return its path."""
        self._close()
        parts = [path for path in self._waiting.values() if path.stat().st_size]
        whole(self.path, lambda path: self._join(path, parts, dataset))
        return self.path

    def _join(self, path: Path, parts: list[Path], dataset: Dataset | None) -> None:
        if self.kind == "parquet":
            self._join_parquet(path, parts)
        elif self.kind == "csv":
            self._join_csv(path, parts)
        else:
            self._join_json(path, parts, dataset)

    def _join_parquet(self, path: Path, parts: list[Path]) -> None:
        empty = _arrow(self._like if self._like is not None else pd.DataFrame(), self.meanings)
        schema = pq.read_schema(parts[0]) if parts else empty.schema
        with pq.ParquetWriter(path, schema, compression="zstd") as out:
            for part in parts:
                with pq.ParquetFile(part) as file:
                    for group in range(file.num_row_groups):
                        out.write_table(file.read_row_group(group).cast(schema))

    def _join_csv(self, path: Path, parts: list[Path]) -> None:
        with path.open("wb") as out:
            assert self._like is not None
            out.write(header_as_csv(self._like).encode())
            _copy(parts, out, b"")

    def _join_json(self, path: Path, parts: list[Path], dataset: Dataset | None) -> None:
        assert dataset is not None
        head = dataset_json.text_of(dataset_json.heading(dataset, self._records, datetime.now(UTC)))
        with path.open("wb") as out:
            out.write(f'{head[:-1]},"rows":['.encode())
            _copy(parts, out, b",")
            out.write(b"]}\n")

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()


def _parameters(dataset: Dataset | None) -> tuple[str, ...]:
    return dataset.parameters if dataset is not None and dataset.parameters else ("",)


def _copy(parts: list[Path], out: Any, between: bytes) -> None:
    for i, part in enumerate(parts):
        out.write(between if i else b"")
        with part.open("rb") as file:
            shutil.copyfileobj(file, out)


def _arrow(table: pd.DataFrame, meanings: Meanings) -> pa.Table:
    """Return rows as an Arrow table whose columns carry label and unit; a column of nothing but missing words is still one of words."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    fields = []
    for f in arrow.schema:
        known = {k: str(v) for k, v in meanings.get(f.name, {}).items()}
        fields.append(pa.field(f.name, pa.string() if pa.types.is_null(f.type) else f.type, metadata=known))
    metadata = {**(arrow.schema.metadata or {}), b"columns": json.dumps(dict(meanings)).encode()}
    return arrow.cast(pa.schema(fields, metadata=metadata))
