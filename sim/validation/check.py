"""One comparison of what this installation computes with a number that others have published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NUMBER, REASON, BROKEN = "number", "reason", "broken"
"""What a check is of: a published number; why a number cannot be compared; a computation that broke."""

Numbers = tuple[float, ...]
Reference = Any
"""A row of a reference file: a pandas Series whose names are the file's columns."""


@dataclass(frozen=True)
class Check:
    """A published quantity, the computed one, and whether they agree.

    Parameters
    ----------
    id : of the reference row
    family : name of the family of checks
    package, function : what made the reference, with its version
    quantity : which number of the row
    expected, got : one number, or one for each look, weight or design
    difference : |got - expected| of the number that comes nearest to its tolerance, or exceeds it most; infinity where they cannot be compared
    tolerance : what that difference may be, in the same unit; 0 asks for equality
    passed : whether every number is within its tolerance
    note : what a reader must know
    kind : NUMBER, REASON or BROKEN
    """

    id: str
    family: str
    package: str
    function: str
    quantity: str
    expected: Numbers
    got: Numbers
    difference: float
    tolerance: float
    passed: bool
    note: str = ""
    kind: str = NUMBER


def compare(
    family: str, row: Reference, quantity: str, expected: Any, got: Any, rel: float = 0.0, absolute: float = 0.0, note: str = ""
) -> Check:
    """Hold computed numbers against published ones: each may differ by max(rel |expected|, absolute).

    Parameters
    ----------
    family : name of the family of checks
    row : the reference row: id, package, version, function
    expected, got : numbers or sequences of numbers
    rel, absolute : tolerances; both 0 ask for equality

    Notes
    -----
    A published NaN ("not reached", "not applicable") asks for NaN or infinity; a published infinity for itself.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> row = SimpleNamespace(id="x-1", package="rpact", version="4.5", function="f")
    >>> compare("bounds", row, "z", (2.0, 1.0), (2.0, 1.0 + 1e-7), absolute=1e-6).passed
    True
    """
    wanted, found = _numbers(expected), _numbers(got)
    if len(wanted) != len(found):
        worst, passed = (math.inf, 0.0), False
    else:
        pairs = [(_distance(e, g), max(rel * abs(e), absolute) if math.isfinite(e) else 0.0) for e, g in zip(wanted, found, strict=True)]
        worst = max(pairs, key=_ratio, default=(0.0, 0.0))
        passed = all(d <= t for d, t in pairs)
    return Check(str(row.id), family, _package(row), _function(row), quantity, wanted, found, *worst, passed, note)


def broken(family: str, row: Reference, error: Exception) -> Check:
    """Return the check of a row whose computation broke: it failed, and says why."""
    what = f"{type(error).__name__}: {error}"
    return Check(str(row.id), family, _package(row), _function(row), "computed", (), (), math.inf, 0.0, False, what, BROKEN)


def _package(row: Reference) -> str:
    version = str(getattr(row, "version", "") or "")
    # families of our own independent code name a case and its source instead of a package and its function
    return f"{getattr(row, 'package', '') or getattr(row, 'source', '')} {version}".strip()


def _function(row: Reference) -> str:
    return str(getattr(row, "function", "") or getattr(row, "case", ""))


def _distance(expected: float, got: float) -> float:
    if math.isnan(expected):
        return 0.0 if not math.isfinite(got) else math.inf
    if math.isinf(expected):
        return 0.0 if got == expected else math.inf
    return abs(got - expected) if math.isfinite(got) else math.inf


def _ratio(pair: tuple[float, float]) -> float:
    difference, tolerance = pair
    if difference == 0:
        return 0.0
    return difference / tolerance if tolerance > 0 else math.inf


def _numbers(value: Any) -> Numbers:
    if isinstance(value, Sequence) or hasattr(value, "__len__"):
        return tuple(float(v) for v in value)
    return (float(value),)
