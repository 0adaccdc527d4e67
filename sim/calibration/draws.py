"""Draw whole parameter sets by a parametric bootstrap of the study: how uncertain the calibrated population is."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from sim.benchmark import Benchmark, zurko2023
from sim.calibration.fit import FitReport, fit, value_of
from sim.calibration.fit_settings import AFTER, BEFORE, MULTIPLIERS, STATED_RANGES
from sim.calibration.simulated_study import simulate_study
from sim.population.parameter_draws import path_beside, write_draws
from sim.population.parameters import DENOMINATORS, Parameters
from sim.population.post_cart_failure import PostCartFailure
from sim.types import InputError

# Figures of a copy that its refit reads; the rest (number transplanted, regimens' response, Table 1) stay as published.
REFITTED = (
    "bt_any", "t2_bt_ongoing", "t2_bt_fail", "cart_orr", "cart_cr", "second_line_n", "allo_pfs_1y", "allo_os_1y",
    "cart_pfs_median", "bt_pfs_median", "nobt_pfs_median", "cart_os_median", "bt_os_median", "failure_n", "progressed_n", "nrm_n",
    "late_relapse_all", "d30ref_share", "d30ref_treated", "d30oth_treated", "treated_share", "ttp_treated_median_days",
    "ttp_untreated_median_days", "failure_os_median", "d30ref_os_median", "d30oth_os_median", "treated_os_median", "treated_pfs_median",
    "pfs1_polabr_median", "pfs1_bispecific_median", "pfs1_cpi_median", "pfs1_chemo_median",
)  # fmt: skip
# Months that stand for a median not reached: far beyond any follow-up.
NOT_REACHED = 200.0
# A median of 8 to 18 patients beyond this is read as this: one that is hardly reached would bend every other figure.
LONGEST_OF_REGIMEN = 18.0
CLOSE = 0.03
# The shipped table.
DRAWS, SEED = 200, 2657


def draw_parameters(benchmark: Benchmark, population: PostCartFailure, k: int, seed: int) -> Iterator[Parameters]:
    """Yield k parameter sets: simulate a copy of the study, measure its figures as the authors did, and refit.

    Parameters
    ----------
    benchmark, population : the published figures, and the population fitted to them (the truth of the bootstrap)
    k : how many; seed : address of the copies, one replicate each

    Notes
    -----
    Correlations between figures are kept, since they are measured on one copy. What the figures do not identify is
    drawn in every draw: numbers log-uniform on their stated ranges, the denominator with even chances. A copy whose figures no parameters meet within tolerance is
    fitted as nearly as it can be: leaving such copies out would understate the uncertainty.

    References
    ----------
    Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 6.5.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"population.draws is {k!r}; allowed: a whole number, 1 or more")
    for replicate in range(k):
        yield one_draw(benchmark, population, seed, replicate)


def one_draw(benchmark: Benchmark, population: PostCartFailure, seed: int, replicate: int) -> Parameters:
    """Return the parameters refitted to one copy of the study."""
    measured = simulate_study(benchmark, population, seed, replicate)
    altered = {id: {"value": _readable(id, measured[id])} for id in REFITTED if not math.isnan(measured[id])}
    assume, denominator = assumptions(seed, replicate)
    copy = replace(benchmark, figures={**benchmark.figures, **altered}, denominator=denominator)
    first, other = (_start(population.values), None) if denominator == population.denominator else (None, _start(population.values))
    p, report = _refit(copy, first, assume, population)
    for start in (_start(p), other):
        if _near(report):
            break
        q, again = _refit(copy, start, assume, population)
        if again.objective < report.objective:
            p, report = q, again
    return p


def _readable(id: str, measured: float) -> float:
    if id.startswith("pfs1_"):
        return min(measured, LONGEST_OF_REGIMEN)
    return NOT_REACHED if math.isinf(measured) else measured


def _refit(
    copy: Benchmark, start: dict[str, float] | None, assume: dict[str, float], population: PostCartFailure
) -> tuple[Parameters, FitReport]:
    # the search tries parameters whose curves underflow to 0: that is their value
    with np.errstate(over="ignore"):
        return _fitted(copy, start, assume, population)


def _fitted(
    copy: Benchmark, start: dict[str, float] | None, assume: dict[str, float], population: PostCartFailure
) -> tuple[Parameters, FitReport]:
    try:
        return fit(copy, start, assume, tolerant=True, copy_of=population.values)
    except InputError:
        # more of the copy's patients were treated than can live to start under these assumptions: the default ones then
        return fit(copy, start, tolerant=True, copy_of=population.values)


def _near(report: FitReport) -> bool:
    """Whether a refit met the medians of the treated; one that did not may have stopped short, and goes on from there."""
    return all(abs(report.residuals[k][1] / report.residuals[k][0] - 1) < CLOSE for k in ("treated_pfs_median", "treated_os_median"))


def _start(p: Parameters) -> dict[str, float]:
    """Start a refit where these parameters stand."""
    names = [*BEFORE, *AFTER, *(f"multiplier_{k}" for k in MULTIPLIERS)]
    return {name: value_of(p, name) for name in names}


def assumptions(seed: int, replicate: int) -> tuple[dict[str, float], str]:
    """Return what no figure identifies: numbers log-uniform on their stated ranges, and the denominator, either with even chances."""
    rng = np.random.Generator(np.random.Philox(key=[seed, replicate]))
    out = {}
    for name, (low, high) in STATED_RANGES.items():
        out[name] = low * (high / low) ** float(rng.random())
    return out, DENOMINATORS[int(rng.random() < 0.5)]


def main() -> None:
    """Write the shipped table of draws anew: `python -m sim.calibration.draws`."""
    parser = argparse.ArgumentParser(description="Draw parameter sets by a parametric bootstrap of the study.")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    population = PostCartFailure()
    out = arguments.out or path_beside(population.path)
    write_draws(out, list(draw_parameters(zurko2023(), population, arguments.draws, arguments.seed)))


if __name__ == "__main__":
    main()
