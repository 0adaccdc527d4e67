"""What figures and evidence pin down of the model with classes at failure, and what priors and ranges hold."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.benchmark import Benchmark, Figure
from sim.calibration.class_fit import pose, value_of, with_values
from sim.calibration.class_fit_spec import Specification
from sim.calibration.class_quantities import quantities
from sim.calibration.class_study import View, solved
from sim.calibration.identifiability import COLUMNS, verdict
from sim.population.failure_classes.parameters import ClassParameters
from sim.types import Array

WIDE = 1.5  # SD on the log scale of a parameter that was fitted freely
STEP = 1e-3


def identifiability(benchmark: Benchmark, s: Specification, p: ClassParameters) -> pd.DataFrame:
    """Return, for each free parameter and key, how precisely figures and evidence determine it; columns as in `identifiability`.

    Notes
    -----
    As for day-30 groups: (J'WJ + P)^-1 on the log scale, with the published intervals as standard errors; evidence has its range,
    or one over its weight. A key whose range reaches 0 is taken to begin at a twentieth of its end.
    """
    problem = pose(benchmark, s)
    se = _errors(benchmark.read(), problem.goals, s)
    names = [*s.free, *s.keys]

    def logs(values: Mapping[str, float]) -> Array:
        got = quantities(solved(View(with_values(p, values), problem.counts, problem.t, problem.follow)))
        return np.array([math.log(max(got[q], 1e-9)) for _, q, *_ in problem.goals])

    columns = []
    for name in names:
        value = value_of(p, name)
        ends = [logs({name: value * math.exp(x)}) for x in (STEP, -STEP)]
        columns.append((ends[0] - ends[1]) / (2 * STEP))
    jacobian = np.array(columns).T
    widths = np.array([_width(s, n) for n in names])
    information = (jacobian / se[:, None] ** 2).T @ jacobian
    spread = np.sqrt(np.diag(np.linalg.inv(information + np.diag(widths**-2.0))))
    alone = 1 / np.sqrt(np.maximum(np.diag(information), 1e-12))
    share = np.clip(1 - (spread / widths) ** 2, 0.0, 1.0)
    rows = [
        (n, value_of(p, n), "assumed" if n in s.keys else "fitted", spread[i], widths[i], alone[i], share[i], verdict(share[i]))
        for i, n in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _errors(figures: Mapping[str, Figure], goals: tuple[tuple[str, str, float, float], ...], s: Specification) -> Array:
    """Return the standard error of the logarithm of each goal."""
    out = []
    for name, _, value, weight in goals:
        f, row = figures.get(name), s.evidence.get(name, {})
        if name in s.targets and f is not None and f.judged and math.isfinite(f.ci_high):
            out.append(math.log(f.ci_high / f.ci_low) / 3.92)
        elif "range" in row:
            out.append(math.log(row["range"][1] / row["range"][0]) / 3.92)
        elif value >= 1 and name in s.counts:
            out.append(1 / math.sqrt(value))
        else:
            out.append(1 / weight)
    return np.array(out)


def _width(s: Specification, name: str) -> float:
    row = s.keys.get(name) or s.free[name]
    if "range" not in row:
        return WIDE
    low, high = row["range"]
    return math.log(high / max(low, 0.05 * high)) / math.sqrt(12)
