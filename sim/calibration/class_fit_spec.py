"""What a fit reads, holds and weighs, as data: a file of conf/benchmark/fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sim.benchmark import conf_folder
from sim.reading import parse_yaml, read_text
from sim.types import InputError


@dataclass(frozen=True)
class Specification:
    """The sections of a fit's file.

    class_shares : of the observed failures, best class first
    keys : name -> value, range, why: fixed, since no figure pins them down
    free : name -> start, and where given prior and weight (log scale), range: fitted; `multiplier_<regimen>` is that regimen's
    declared : regimen -> response rates that no paper gives, with their intervals
    at_failure : mark -> levels, shares, log_odds_ratio, range
    targets, counts : published figure, or count of the study -> quantity, weight
    measured : published figure -> quantity, for figures that the fit does not read
    alternatives : name -> assumptions to refit with, or other first lines with their source
    implied : what nobody published -> quantity, unit
    evidence : name -> quantity, value, source, and where it is fitted a weight
    """

    model: str
    class_shares: tuple[float, ...]
    keys: Mapping[str, Mapping[str, Any]]
    free: Mapping[str, Mapping[str, Any]]
    declared: Mapping[str, Mapping[str, Any]]
    at_failure: Mapping[str, Mapping[str, Any]]
    targets: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, Mapping[str, Any]]
    evidence: Mapping[str, Mapping[str, Any]]
    measured: Mapping[str, str]
    alternatives: Mapping[str, Mapping[str, Any]]
    implied: Mapping[str, Mapping[str, Any]]

    def with_keys(self, values: Mapping[str, float], where: str = "fit") -> Specification:
        """Return the specification with other values for its keys, each within its range; what was free and has a range becomes a key.

        Raises InputError for a key that there is not, or a value outside its range.
        """
        keys, free = dict(self.keys), dict(self.free)
        ranged = {name: {**row, "why": "held where a user put it"} for name, row in free.items() if "range" in row}
        for name, value in values.items():
            if name not in keys and name not in ranged:
                raise InputError(f"{where}: assume.{name}: no such assumption; allowed: {', '.join((*keys, *ranged))}")
            if name in ranged:
                del free[name]
                keys[name] = {k: ranged[name][k] for k in ("range", "why")}
            low, high = keys[name]["range"]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not low - 1e-9 <= value <= high + 1e-9:
                raise InputError(f"{where}: assume.{name} is {value!r}; allowed: {low:g} to {high:g}")
            keys[name] = {**keys[name], "value": float(value)}
        return Specification(**{**{f.name: getattr(self, f.name) for f in fields(self)}, "keys": keys, "free": free})


def read(path: Path) -> Specification:
    """Read a fit's file; InputError, naming it, where a section is missing or unknown."""
    try:
        content = parse_yaml(read_text(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    known = {f.name for f in fields(Specification)}
    if not isinstance(content, dict) or set(content) != known:
        raise InputError(f"{path}: allowed: the sections {', '.join(sorted(known))}, each once")
    return Specification(**{**content, "class_shares": tuple(content["class_shares"])})


def shipped(name: str) -> Specification:
    """Return a fit's file of conf/benchmark/fits by its name.

    Examples
    --------
    >>> sum(shipped("zurko2023_classes").class_shares)
    1.0
    """
    return read(conf_folder() / "benchmark" / "fits" / f"{name}.yaml")


def named(content: Mapping[str, Any]) -> Specification:
    """Return the fit's file that a parameter file says it comes from: a name of conf/benchmark/fits, or a path.

    Raises InputError where it names none.
    """
    name = str(content.get("specification", ""))
    if not name:
        raise InputError("population.parameters: the file does not name its `specification`; allowed: one written by task=fit")
    return read(Path(name)) if Path(name).suffix else shipped(name)
