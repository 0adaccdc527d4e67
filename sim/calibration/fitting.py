"""A fit of either model as a parameter file needs it: what made it, its numbers, and what pins them down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sim.benchmark import Benchmark
from sim.calibration import class_fit, class_fit_spec, class_identifiability, identifiability
from sim.calibration.fit import FitReport, check_assumptions, fit
from sim.population.failure_classes.parameters import to_mapping as classes_to_mapping
from sim.population.parameters import to_mapping


@dataclass(frozen=True)
class Fitted:
    """report : what was achieved; known : identifiability, by parameter; notes, table : what a parameter file says and holds."""

    report: FitReport
    known: pd.DataFrame
    notes: dict[str, Any]
    table: dict[str, Any]


def check(specification: str | None, assumed: Mapping[str, float], where: str) -> None:
    """Refuse a specification that cannot be read, and assumptions that are not its own or lie outside their ranges."""
    if specification is None:
        check_assumptions(assumed, where)
    else:
        _read(specification).with_keys(assumed, where)


def fitted(benchmark: Benchmark, specification: str | None, assumed: Mapping[str, float]) -> Fitted:
    """Fit the model that a specification says; None is the model of day-30 groups.

    specification : name of a file of conf/benchmark/fits, or the path of one
    """
    if specification is None:
        p, report = fit(benchmark, assume=assumed)
        notes = identifiability.parameter_file_notes(benchmark, p, report)
        return Fitted(report, identifiability.identifiability(benchmark, p), notes, to_mapping(p))
    s = _read(specification).with_keys(assumed)
    q, report = class_fit.fit(benchmark, s)
    known = class_identifiability.identifiability(benchmark, s, q)
    notes = {**class_fit.notes(benchmark, s, report, q), "specification": specification, "identifiability": identifiability.as_notes(known)}
    return Fitted(report, known, notes, classes_to_mapping(q))


def _read(specification: str) -> class_fit_spec.Specification:
    return class_fit_spec.named({"specification": specification})
