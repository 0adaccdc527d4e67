"""Finished blocks of replicates as Parquet files under a key of everything that decides them: reuse, resume, extend."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.trial import ROW_DTYPE, Rows, Trial

# what lies below the engine decides a replicate; what lies above only asks for it
_DECIDING = (
    "accrual.py",
    "benchmark.py",
    "boundary",
    "curve.py",
    "design",
    "effect.py",
    "eligibility.py",
    "followup.py",
    "kernels",
    "population",
    "rng.py",
    "setting.py",
    "statistic",
    "trial.py",
    "types.py",
)
# columns of few values; replicate numbers are all different and rise by one: their differences take a quarter less time and a tenth less space
_FEW_VALUES = [name for name in ROW_DTYPE.names or () if ROW_DTYPE[name].kind == "i" and name != "replicate"]
PARQUET = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": _FEW_VALUES,
    "column_encoding": {"replicate": "DELTA_BINARY_PACKED"},
    "write_statistics": False,
    "write_page_checksum": True,
}


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Return a hash of the source of every module that decides a replicate."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for name in _DECIDING:
        path = package / name
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path] * path.exists():
            digest.update(str(source.relative_to(package)).encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def canonical(value: Any) -> str:
    """Return a text that is equal for equal choices: class names and field values, numbers without their Python type.

    Examples
    --------
    >>> canonical(1) == canonical(1.0), canonical(1) == canonical(True)
    (True, False)
    """
    if is_dataclass(value) and not isinstance(value, type):
        # a field left out of comparison is no choice; what was read from files is one, and stands in `deciding_data`
        inside = ",".join(f"{f.name}={canonical(getattr(value, f.name))}" for f in fields(value) if f.compare)
        inside += f";{canonical(value.deciding_data)}" if hasattr(value, "deciding_data") else ""
        return f"{type(value).__module__}.{type(value).__qualname__}({inside})"
    if value is None or isinstance(value, bool | str | bytes):
        return repr(value)
    if isinstance(value, int | float | np.number):
        as_float = float(value)
        return as_float.hex() if as_float == value else repr(int(value))
    if isinstance(value, np.ndarray):
        return f"array{value.shape}{hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, Path):
        return hashlib.sha256(value.read_bytes()).hexdigest()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{canonical(k)}:{canonical(v)}" for k, v in sorted(value.items(), key=lambda kv: str(kv[0]))) + "}"
    if isinstance(value, tuple | list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if isinstance(value, frozenset | set):
        return "{" + ",".join(sorted(canonical(v) for v in value)) + "}"
    raise TypeError(f"a {type(value).__name__} cannot be part of a trial's key")


def content_key(trial: Trial, seed: int) -> str:
    """Return the key of a trial's replicates: 32 hexadecimal digits of everything that decides one."""
    text = f"{source_digest()}|{canonical(seed)}|{canonical(trial)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Store:
    """The blocks of one trial.

    Parameters
    ----------
    folder : where the trial's blocks lie, usually <run.store>/<content key>
    reuse : False ignores what is there, and writes it anew
    """

    folder: Path
    reuse: bool = True

    @classmethod
    def of(cls, root: Path, trial: Trial, seed: int, reuse: bool = True) -> Store:
        """Make the store of a trial under `root`."""
        return cls(root / content_key(trial, seed), reuse)

    def _path(self, first: int, count: int) -> Path:
        return self.folder / f"block-{first:012d}-{count}.parquet"

    def load(self, first: int, count: int) -> Rows | None:
        """Return the rows of a stored block; None when it is not there, not readable, damaged or not this block's rows."""
        path = self._path(first, count)
        if not self.reuse or not path.exists():
            return None
        try:
            rows = from_table(pq.read_table(path, use_threads=False, page_checksum_verification=True))
        except (OSError, pa.ArrowException, KeyError):
            # simulating a block anew is always right; a file cut short by a full disk or a crash is only lost time
            return None
        return rows if np.array_equal(np.unique(rows["replicate"]), np.arange(first, first + count)) else None

    def save(self, first: int, count: int, rows: Rows) -> None:
        """Write a block under a temporary name, then rename it: a killed run leaves whole blocks only."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(first, count)
        # another process, perhaps on another machine with this very process number, may be writing the same block
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            pq.write_table(to_table(rows), temporary, row_group_size=max(1, len(rows)), **PARQUET)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def to_table(rows: Rows) -> pa.Table:
    """Turn rows into an Arrow table, one column per field."""
    return pa.table({name: np.ascontiguousarray(rows[name]) for name in ROW_DTYPE.names or ()})


def from_table(table: pa.Table) -> Rows:
    """Turn an Arrow table back into rows."""
    rows = np.empty(table.num_rows, dtype=ROW_DTYPE)
    for name in ROW_DTYPE.names or ():
        rows[name] = table.column(name).to_numpy()
    return rows
