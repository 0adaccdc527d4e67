"""Find and read the reference rows in a checkout, an editable install and a wheel alike."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from sim.validation.check import Numbers, Reference

PACKAGE = Path(__file__).resolve().parents[1]


def reference_dir() -> Path:
    """Return the absolute folder of the reference rows: inside the package (wheel), else beside it (checkout).

    Raises
    ------
    FileNotFoundError : when the installation is broken
    """
    for folder in (PACKAGE / "reference", PACKAGE.parent / "tests" / "reference"):
        if (folder / "gs_bounds.csv").is_file():
            return folder
    raise FileNotFoundError(f"no reference/gs_bounds.csv in {PACKAGE} or in tests/ beside it: the installation is broken")


def rows(name: str) -> list[Reference]:
    """Return all rows of <name>.csv, floats to the last bit."""
    return [row for _, row in _table(reference_dir() / f"{name}.csv").iterrows()]


def table(name: str) -> pd.DataFrame:
    """Return <name>.csv as a table, floats to the last bit."""
    return _table(reference_dir() / f"{name}.csv").copy()


@cache
def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, float_precision="round_trip")


def vector(cell: object) -> Numbers:
    """Return a `;`-joined cell as a tuple of floats.

    Examples
    --------
    >>> vector("2.5;1.96")
    (2.5, 1.96)
    """
    return tuple(float(v) for v in str(cell).split(";"))
