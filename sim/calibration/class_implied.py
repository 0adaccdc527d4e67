"""Figures that nobody published, as patients in classes imply them, with their range over the shipped alternatives."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from sim.benchmark import Benchmark, conf_folder
from sim.calibration import study
from sim.calibration.class_fit_spec import Specification
from sim.calibration.class_quantities import quantities
from sim.calibration.class_study import View
from sim.calibration.implied import COLUMNS
from sim.population.authors_regression import followup_survival
from sim.population.failure_classes.parameters import ClassParameters, from_mapping
from sim.population.multi_state import grid
from sim.population.parameters import read_content

STEP, END = 0.05, 110.0


def implied(benchmark: Benchmark, s: Specification, name: str, p: ClassParameters) -> pd.DataFrame:
    """Return figure, unit, value, and the lowest and highest value over the alternatives that were refitted, with their names.

    name : of the specification, by which its alternatives' files are found; without any, low and high are the value
    """
    rows = {"default": _values(benchmark, s, p)} | {key: _values(benchmark, s, q) for key, q in _alternatives(s, name, p.denominator)}
    out = []
    for figure, row in s.implied.items():
        values = {key: of[figure] for key, of in rows.items()}
        low, high = min(values, key=lambda k: values[k]), max(values, key=lambda k: values[k])
        out.append((figure, row["unit"], values["default"], values[low], values[high], low, high))
    return pd.DataFrame(out, columns=list(COLUMNS))


def _values(benchmark: Benchmark, s: Specification, p: ClassParameters) -> dict[str, float]:
    t = grid(STEP, END)
    got = quantities(View(p, study.counts(benchmark.read(), p.denominator), t, followup_survival(benchmark.followup, t)))
    return {figure: float(got[row["quantity"]]) / (100 if row["unit"] == "share" else 1) for figure, row in s.implied.items()}


def _alternatives(s: Specification, name: str, denominator: str) -> Iterator[tuple[str, ClassParameters]]:
    for key, row in s.alternatives.items():
        path = conf_folder() / "benchmark" / "parameters" / f"{name}_{key}_{denominator}.yaml"
        if "assume" in row and path.exists():
            yield ", ".join(f"{k} {v:g}" for k, v in row["assume"].items()), from_mapping(read_content(path)["parameters"], str(path))
