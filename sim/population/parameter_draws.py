"""A table of parameter sets drawn around a fitted one: one row a draw, one column a parameter."""

from __future__ import annotations

import csv
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from sim.population.parameters import Parameters
from sim.types import InputError

_KEPT = ("regimens", "marks", "exit_classes")
NUMBERS = tuple(f.name for f in fields(Parameters) if f.name not in ("denominator", *_KEPT))
MULTIPLIER = "multiplier_"


def path_beside(parameters: Path) -> Path:
    """Return where the draws of a parameter file lie: beside it.

    Examples
    --------
    >>> str(path_beside(Path("mine.yaml")))
    'mine_draws.csv'
    """
    return parameters.with_name(f"{parameters.stem}_draws.csv")


def to_row(p: Parameters) -> dict[str, str]:
    """Return a parameter set as a row of text, numbers to 12 digits; regimens' patients, responses and all marks are left out."""
    multipliers = {f"{MULTIPLIER}{k.name}": k.multiplier for k in p.regimens}
    numbers = {name: getattr(p, name) for name in NUMBERS} | multipliers
    return {"denominator": p.denominator} | {name: f"{value:.12g}" for name, value in numbers.items()}


def write_draws(path: Path, draws: list[Parameters]) -> None:
    """Write a table of draws."""
    rows = [{"draw": str(i)} | to_row(p) for i, p in enumerate(draws)]
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_draws(path: Path, base: Parameters) -> tuple[Parameters, ...]:
    """Read a table of draws; what a row does not hold is as in `base`, the fitted set.

    Raises InputError, naming the file and the row, for a table that does not belong to `base` or a value that cannot be.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    wanted = {"draw", *to_row(base)}
    if not rows or set(rows[0]) != wanted:
        raise InputError(f"{path}: needs at least one row and the columns {', '.join(sorted(wanted))}")
    return tuple(_from_row(row, base, f"{path}, row {line}") for line, row in enumerate(rows, start=2))


def _from_row(row: dict[str, str], base: Parameters, where: str) -> Parameters:
    try:
        numbers: dict[str, Any] = {name: float(row[name]) for name in NUMBERS}
        regimens = tuple(replace(k, multiplier=float(row[f"{MULTIPLIER}{k.name}"])) for k in base.regimens)
        return replace(base, denominator=row["denominator"], regimens=regimens, **numbers)
    except (ValueError, TypeError) as error:
        raise InputError(f"{where}: {error}") from error
