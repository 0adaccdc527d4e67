"""Finished blocks of replicates as Parquet files under a key of everything that decides them: reuse, resume, extend."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import files
from sim.later import later
from sim.source import outside_digest, source_digest
from sim.trial import ROW_DTYPE, Rows, Trial
from sim.types import InputError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    pa = later("pyarrow")
    pq = later("pyarrow.parquet")

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
        inside += f";{outside}" if (outside := outside_digest(type(value))) else ""
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
    """Return the key of a trial's replicates: 32 hexadecimal digits of everything that decides one.

    Raises
    ------
    InputError : a part of the trial is of a class from outside whose choices or source cannot be told
    """
    try:
        text = f"{source_digest()}|{canonical(seed)}|{canonical(trial)}"
    except TypeError as error:
        raise InputError(f"run.store: {error}; allowed: frozen dataclasses of plain values, or run.store=null") from error
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

    def _name(self, first: int, count: int) -> str:
        return f"{self.folder.name} {first} {count}"

    def load(self, first: int, count: int) -> Rows | None:
        """Return the rows of a stored block; None when it is not there, not readable or damaged: then it is set aside, and the user told."""
        path = self._path(first, count)
        if not self.reuse or not path.exists():
            return None
        try:
            content = path.read_bytes()
        except OSError:
            # simulating a block anew is always right
            return None
        rows = unsealed(content, self._name(first, count))
        if rows is not None and np.array_equal(np.unique(rows["replicate"]), np.arange(first, first + count)):
            return rows
        self._set_aside(path)
        return None

    def _set_aside(self, path: Path) -> None:
        aside = path.with_name(f"{path.name}.damaged")
        try:
            path.replace(aside)
        except OSError:
            return  # another process was first, or the folder is read only: the block is simulated all the same
        files.say(f"a stored block is damaged and simulated again: {aside}")

    def save(self, first: int, count: int, rows: Rows) -> None:
        """Write a block under a temporary name, then rename it: a killed run leaves whole blocks only."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with files.replacing(self._path(first, count)) as temporary:
            temporary.write_bytes(sealed(rows, self._name(first, count)))

    def remove_orphans(self) -> None:
        """Remove what killed writers of this trial's blocks left."""
        files.remove_orphans(self.folder.glob(".*.part"))


_SEAL = b"postcart block, sha256 "
_BLANK = b"0" * 64


def sealed(rows: Rows, name: str) -> bytes:
    """Return rows as the bytes of a Parquet file that holds a digest of all its bytes, the digest's own place counted as zeros.

    name : which block it is; part of the file, so that one block cannot stand in for another
    """
    table = to_table(rows).replace_schema_metadata({"block": name, "seal": _SEAL + _BLANK})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=max(1, len(rows)), **PARQUET)
    content = bytearray(sink.getvalue().to_pybytes())
    at = content.rindex(_SEAL + _BLANK) + len(_SEAL)
    content[at : at + 64] = hashlib.sha256(content).hexdigest().encode()
    return bytes(content)


def unsealed(content: bytes, name: str) -> Rows | None:
    """Return the rows in the bytes of a block; None unless every byte is as it was written, under this name."""
    at = content.rfind(_SEAL) + len(_SEAL)
    if at < len(_SEAL) or hashlib.sha256(content[:at] + _BLANK + content[at + 64 :]).hexdigest().encode() != content[at : at + 64]:
        return None
    table = pq.read_table(pa.BufferReader(content), use_threads=False)
    # of the very fields of a row, or it is of a program that kept others
    whole = table.column_names == list(ROW_DTYPE.names or ()) and (table.schema.metadata or {}).get(b"block") == name.encode()
    return from_table(table) if whole else None


def to_table(rows: Rows) -> pa.Table:
    """Turn rows into an Arrow table, one column per field."""
    return pa.table({name: np.ascontiguousarray(rows[name]) for name in ROW_DTYPE.names or ()})


def from_table(table: pa.Table) -> Rows:
    """Turn an Arrow table back into rows."""
    rows = np.empty(table.num_rows, dtype=ROW_DTYPE)
    for name in ROW_DTYPE.names or ():
        rows[name] = table.column(name).to_numpy()
    return rows
