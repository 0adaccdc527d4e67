"""A table of parameter sets drawn around a fitted one: one row a draw, one column a parameter."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from sim.population.parameters import Parameters
from sim.reading import read_text
from sim.types import InputError

_KEPT = ("regimens", "marks", "exit_classes")
NUMBERS = tuple(f.name for f in fields(Parameters) if f.name not in ("denominator", *_KEPT))
MULTIPLIER = "multiplier_"
CART_RESPONSE = ("cart_response_rate", "cart_complete_before_late_progression")
LATE, CURED = 1, 3  # places of these fates in the marks of response to CAR-T


def path_beside(parameters: Path) -> Path:
    """Return where the draws of a parameter file lie: beside it.

    Examples
    --------
    >>> str(path_beside(Path("mine.yaml")))
    'mine_draws.csv'
    """
    return parameters.with_name(f"{parameters.stem}_draws.csv")


def to_row(p: Parameters) -> dict[str, str]:
    """Return a parameter set as a row of text, numbers to 12 digits; left out are regimens' patients and responses, and marks.

    Of the marks only the response to CAR-T is kept: the rate shared by late relapse and cure, and how often it is complete
    before a late relapse.
    """
    cart = p.marks["cart_response"]
    multipliers = {f"{MULTIPLIER}{k.name}": k.multiplier for k in p.regimens}
    response = dict(zip(CART_RESPONSE, (cart["response"][LATE], cart["complete"][LATE]), strict=True))
    numbers = {name: getattr(p, name) for name in NUMBERS} | multipliers | response
    return {"denominator": p.denominator} | {name: f"{value:.12g}" for name, value in numbers.items()}


def with_cart_response(marks: dict[str, Any], rate: float, complete: float) -> dict[str, Any]:
    """Return marks with the response rate to CAR-T in late relapse and cure, and its complete share before late relapse."""
    if not (0 <= rate <= 1 and 0 <= complete <= 1):
        raise InputError(f"response to CAR-T: rate {rate!r}, complete {complete!r}; allowed: shares within [0, 1]")
    cart = marks["cart_response"]
    response, share = list(cart["response"]), list(cart["complete"])
    response[LATE] = response[CURED] = rate
    share[LATE] = complete
    return {**marks, "cart_response": {**cart, "response": response, "complete": share}}


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
        rows = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
    except (InputError, csv.Error) as error:
        raise InputError(f"{path}: {error}") from error
    wanted = {"draw", *to_row(base)}
    if not rows or set(rows[0]) != wanted:
        raise InputError(f"{path}: needs at least one row and the columns {', '.join(sorted(wanted))}")
    return tuple(_from_row(row, base, f"{path}, row {line}") for line, row in enumerate(rows, start=2))


def _from_row(row: dict[str, str], base: Parameters, where: str) -> Parameters:
    try:
        numbers: dict[str, Any] = {name: float(row[name]) for name in NUMBERS}
        regimens = tuple(replace(k, multiplier=float(row[f"{MULTIPLIER}{k.name}"])) for k in base.regimens)
        marks = with_cart_response(base.marks, *(float(row[name]) for name in CART_RESPONSE))
        return replace(base, denominator=row["denominator"], regimens=regimens, marks=marks, **numbers)
    except (ValueError, TypeError) as error:
        raise InputError(f"{where}: {error}") from error
