"""What the figures pin down and what they leave to priors and assumptions: curvature of the fit, parameter by parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from sim.benchmark import Benchmark, Figure
from sim.calibration import study
from sim.calibration.fit import FitReport, notes, value_of, with_values
from sim.calibration.fit_settings import AFTER, BEFORE, MULTIPLIERS, STATED_RANGES
from sim.population.authors_regression import followup_survival
from sim.population.multi_state import grid
from sim.population.parameters import Parameters
from sim.types import Array, InputError

COLUMNS = ("parameter", "value", "role", "se_figures", "se_prior", "se_alone", "from_figures", "verdict")


def identifiability(benchmark: Benchmark, p: Parameters) -> pd.DataFrame:
    """Return, for each fitted or assumed parameter, how precisely the figures alone determine it.

    Returns
    -------
    DataFrame: parameter, value, role (`fitted` or `assumed`), se_figures (SE of its logarithm when all parameters are
    free and the priors hold), se_prior (width of its prior or stated range on the log scale), se_alone (SE when every
    other parameter is known), from_figures (1 - (se_figures / se_prior)^2: share of the knowledge that figures add to
    the prior) and verdict (`pinned down`, `weakly`, `not identified`)

    Notes
    -----
    With J the derivatives of the logarithms of the expected figures by the logarithms of the parameters, W their
    inverse squared standard errors (from the published intervals) and P the precision of the priors, the covariance is
    (J'WJ + P)^-1. A uniform range of width w on the log scale counts as a prior of SD w / sqrt(12).
    """
    figures = benchmark.read()
    counts = study.counts(figures, benchmark.denominator)
    t = grid(0.02, 100.0)
    follow = followup_survival(benchmark.followup, t)
    names = [*BEFORE, *AFTER, *(f"multiplier_{k}" for k in MULTIPLIERS), *STATED_RANGES]

    def expected(q: Parameters) -> dict[str, float]:
        return study.expected_before(q, counts, t, follow) | study.expected_after(q, counts, t)

    keys, weights = _precisions(figures, expected(p))
    jacobian = _derivatives(p, names, keys, expected)
    widths = np.array([_prior_width(n) for n in names])
    information = (jacobian * weights[:, None]).T @ jacobian
    covariance = np.linalg.inv(information + np.diag(widths**-2.0))
    se, alone = np.sqrt(np.diag(covariance)), 1 / np.sqrt(np.maximum(np.diag(information), 1e-12))
    share = np.clip(1 - (se / widths) ** 2, 0.0, 1.0)
    rows = [
        (n, value_of(p, n), "assumed" if n in STATED_RANGES else "fitted", se[i], widths[i], alone[i], share[i], verdict(share[i]))
        for i, n in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def verdict(share: float) -> str:
    """Return the words for the share of the knowledge that figures add."""
    return "pinned down" if share > 0.9 else ("weakly" if share > 0.5 else "not identified")


def _prior_width(name: str) -> float:
    """SD of the prior on the log scale: the stated range of an assumption, or a factor of e^1.5 for what was fitted freely."""
    if name in STATED_RANGES:
        low, high = STATED_RANGES[name]
        return math.log(high / low) / math.sqrt(12)
    return 1.5


def _precisions(figures: dict[str, Figure], expected: dict[str, float]) -> tuple[list[str], Array]:
    keys, precision = [], []
    for name, value in expected.items():
        f = figures.get(name)
        if f is not None and f.judged and math.isfinite(f.ci_high):
            se = math.log(f.ci_high / f.ci_low) / 3.92
        elif name in ("bt_failed", "nobt_failed"):
            se = math.sqrt((1 - value) / (value * (238 if name == "bt_failed" else 276)))
        elif name.endswith("_n"):
            se = 1 / math.sqrt(value)
        else:
            continue
        keys.append(name)
        precision.append(se**-2)
    return keys, np.array(precision)


def _derivatives(p: Parameters, names: list[str], keys: list[str], expected: Callable[[Parameters], dict[str, float]]) -> Array:
    """d log figure / d log parameter by central differences, float64[figures, parameters]."""
    columns, step = [], 1e-3
    for name in names:
        value = value_of(p, name)
        try:
            high, low = (expected(with_values(p, {name: value * math.exp(s)})) for s in (step, -step))
        except InputError as error:
            raise InputError(f"identifiability: {name} = {value:g} lies at the edge of what is allowed: {error}") from error
        columns.append([(math.log(high[k]) - math.log(low[k])) / (2 * step) for k in keys])
    return np.array(columns).T


def parameter_file_notes(benchmark: Benchmark, p: Parameters, report: FitReport) -> dict[str, Any]:
    """Return what a parameter file says above its parameters, identifiability included."""
    return notes(benchmark, report) | {"identifiability": as_notes(identifiability(benchmark, p))}


def as_notes(known: pd.DataFrame) -> dict[Any, Any]:
    """Return the table as a parameter file holds it: verdict, share from figures and SE of the logarithm, by parameter."""
    table = known.set_index("parameter")
    columns = table[["verdict", "from_figures", "se_figures"]].rename(columns={"se_figures": "se_log"})
    return columns.to_dict(orient="index")
