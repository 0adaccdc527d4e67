"""Fit the parameters of the multi-state model to a benchmark's figures, deterministically: `fit(benchmark)`.

Two least-squares problems, each against quadrature. First the time from infusion to progression (it does not involve
survival after progression), then everything after progression, with overall survival from infusion among its targets.
Soft priors hold what the figures leave open; they and all weights are in the report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.benchmark import Benchmark, Figure
from sim.calibration import fit_transplant, marks, measures, study
from sim.calibration.fit_settings import AFTER, BEFORE, FIXED, MULTIPLIERS, STATED_RANGES, SUPPORTIVE_SHAPE, WEIGHTS_AFTER, WEIGHTS_BEFORE
from sim.calibration.fitted import Noted
from sim.calibration.study_view import Study
from sim.later import later
from sim.population.authors_regression import followup_survival
from sim.population.multi_state import grid
from sim.population.parameters import Parameters, from_mapping
from sim.types import Array, InputError

optimize = later("scipy.optimize")

EXACT = 2e-2
# No parameter may move further than this from its start, on the log scale (a factor of 7.4).
REACH = 2.0


@dataclass(frozen=True)
class FitReport:
    """What a fit achieved.

    objective : half the sum of squares of both problems, priors included
    residuals : figure -> (published, achieved, weight); priors : parameter -> (prior, fitted, weight), log scale
    assumed : what was fixed, and at what value
    used : the figures that were read, as targets or as inputs
    """

    objective: float
    residuals: dict[str, tuple[float, float, float]]
    priors: dict[str, tuple[float, float, float]]
    assumed: dict[str, float]
    evaluations: int
    used: frozenset[str] = frozenset()


def fit(
    benchmark: Benchmark,
    start: Mapping[str, float] | None = None,
    assume: Mapping[str, float] | None = None,
    tolerant: bool = False,
    copy_of: Parameters | None = None,
) -> tuple[Parameters, FitReport]:
    """Fit the model to the figures of `benchmark` alone; nothing random, so the same figures give the same parameters.

    Parameters
    ----------
    benchmark : the published figures, overrides applied, and the denominator to read them under
    start : values to start from, by parameter name, instead of the defaults (multipliers as `multiplier_<regimen>`)
    assume : other values for what no figure pins down, by name, within `STATED_RANGES`
    tolerant : accept figures that cannot all be met (simulated copies of the study), and stop at 1e-5; else they are refused
    copy_of : the figures are of a simulated copy of the study under these parameters; what a copy does not measure (relapse
        rate after transplant, all marks but the response to CAR-T) stays as there

    Raises
    ------
    InputError : when a figure that the fit needs is missing, or no parameters come near the figures
    """
    figures = Noted(benchmark.read())
    counts = study.counts(figures, benchmark.denominator)
    begun = {name: v[0] for name, v in _after_settings(benchmark.denominator).items()} | {name: v[0] for name, v in BEFORE.items()}
    begun |= start or {}
    assumed = _assumed(benchmark.denominator, assume or {})
    allo = fit_transplant.of_copy(figures, copy_of) if copy_of else fit_transplant.of_paper(figures)
    base = _base(figures, counts, benchmark.denominator, begun | assumed | allo)
    t = grid(0.02, 100.0)
    follow = followup_survival(benchmark.followup, t)

    targets = _targets_before(figures, counts)
    before = lambda p: study.expected_before(p, counts, t, follow)  # noqa: E731
    base, first = _solve(base, BEFORE, before, targets, WEIGHTS_BEFORE, tolerant)
    after = lambda p: study.expected_after(p, counts, t)  # noqa: E731
    targets_after = _targets_after(figures, counts)
    settings, evaluations = _after_settings(benchmark.denominator), first.evaluations
    fitted = base
    for _ in range(2):  # the lag of those who start depends a little on theta, which is fitted
        fitted = _with_treated(fitted, counts, t, follow)
        fitted, second = _solve(fitted, settings, after, targets_after, WEIGHTS_AFTER, tolerant)
        evaluations += second.evaluations
    for name, (published, achieved, weight) in second.residuals.items():
        if not tolerant and weight >= 60 and abs(achieved / published - 1) > EXACT:
            raise InputError(
                f"fit: no parameters bring {name} near {published:g} (best {achieved:.3g}); the benchmark's figures contradict each other under this model"
            )
    study_of_fit = Study(figures, benchmark.followup, fitted)
    second_line = counts.second_line / counts.treated / measures.progressed_by_cut(study_of_fit)
    fitted = replace(
        fitted,
        second_line_share=min(second_line, 1.0),
        marks=marks.of_copy(study_of_fit, copy_of) if copy_of else marks.solve(study_of_fit),
    )
    return fitted, FitReport(
        first.objective + second.objective, first.residuals | second.residuals, first.priors | second.priors,
        assumed, evaluations, frozenset(figures.read),
    )  # fmt: skip


def _with_treated(p: Parameters, c: study.Counts, t: Array, follow: Array) -> Parameters:
    """Set the shares ever treated so that those seen to start by the cut are as published."""
    seen = study.started_by_cut(p, t, follow)
    shares: dict[str, Any] = {
        "treated_refractory": c.treated_refractory / c.refractory / seen[0],
        "treated_other": c.treated_other / c.other / seen[1],
    }
    return replace(p, **shares)


def check_assumptions(assume: Mapping[str, float], where: str = "fit") -> None:
    """Refuse an assumption that is not one, or that lies outside its stated range."""
    for name, value in assume.items():
        if name not in STATED_RANGES:
            raise InputError(f"{where}: assume.{name}: no such assumption; allowed: {', '.join(STATED_RANGES)}")
        low, high = STATED_RANGES[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
            raise InputError(f"{where}: assume.{name} is {value!r}; allowed: {low:g} to {high:g}")


def _assumed(denominator: str, assume: Mapping[str, float]) -> dict[str, float]:
    check_assumptions(assume)
    return {**FIXED, "supportive_shape": SUPPORTIVE_SHAPE[denominator]} | {name: float(value) for name, value in assume.items()}


def _after_settings(denominator: str) -> dict[str, tuple[float, float | None, float]]:
    out: dict[str, Any] = {k: (v[denominator] if isinstance(v, dict) else v) for k, v in AFTER.items()}
    return out | {f"multiplier_{k}": v for k, v in MULTIPLIERS.items()}


def _base(figures: dict[str, Figure], counts: study.Counts, denominator: str, begun: dict[str, float]) -> Parameters:
    death = fit_death_time(figures)
    table: dict[str, Any] = {
        "denominator": denominator,
        "treated_refractory": counts.treated_refractory / counts.refractory, "treated_other": counts.treated_other / counts.other,
        "bridged": counts.bridged / counts.infused, "second_line_share": counts.second_line / counts.treated, **death,
    }  # fmt: skip
    table |= {k: v for k, v in begun.items() if not k.startswith("multiplier_")}
    table["marks"] = {}
    table["regimens"] = {
        k.name: {
            "patients": k.patients,
            "response": k.response,
            "complete_response": k.complete_response,
            "multiplier": begun.get(f"multiplier_{k.name}", 1.0),
        }
        for k in study.regimens(figures)
    }
    return from_mapping(table, "fit")


def fit_death_time(figures: dict[str, Figure]) -> dict[str, float]:
    """Log-normal through both quartiles of the time to death without progression."""
    iqr = figures["nrm_time_iqr"]
    low, high = math.log(iqr.ci_low / 30.4375), math.log(iqr.ci_high / 30.4375)
    return {
        "death_without_progression_median": math.exp((low + high) / 2),
        "death_without_progression_sigma": (high - low) / (2 * 0.6744897501960817),
    }


def _targets_before(figures: dict[str, Figure], c: study.Counts) -> dict[str, float]:
    out = {
        k: figures[k].target
        for k in ("cart_pfs_median", "bt_pfs_median", "nobt_pfs_median", "ttp_treated_median_days", "ttp_untreated_median_days")
    }
    # bridged patients known in Table 2 are 238 of 240: shares of failures are taken there
    bt, no = c.bridged_failed / c.bridged_known, (c.failures - c.bridged_failed) / (c.infused - c.bridged_known)
    return out | {
        "d30ref_n": c.refractory,
        "d30oth_n": c.progressed - c.refractory,
        "nrm_n": c.died,
        "bt_failed": bt,
        "nobt_failed": no,
        "late_relapse_n": c.late,
    }


def _targets_after(figures: dict[str, Figure], c: study.Counts) -> dict[str, float]:
    names = [k for k in WEIGHTS_AFTER if k in figures]
    return {k: figures[k].target for k in names} | {
        "allo_from_response_n": c.allo_from_response,
        "allo_after_progression_n": c.allo_after_progression,
    }


@dataclass(frozen=True)
class _Part:
    objective: float
    residuals: dict[str, tuple[float, float, float]]
    priors: dict[str, tuple[float, float, float]]
    evaluations: int


def with_values(p: Parameters, values: dict[str, float]) -> Parameters:
    """Return parameters with named values; `multiplier_<regimen>` sets a regimen's multiplier."""
    plain: dict[str, Any] = {k: v for k, v in values.items() if not k.startswith("multiplier_")}
    regimens = tuple(replace(k, multiplier=values.get(f"multiplier_{k.name}", k.multiplier)) for k in p.regimens)
    return replace(p, **plain, regimens=regimens)


def value_of(p: Parameters, name: str) -> float:
    """Return a parameter by name; `multiplier_<regimen>` is that regimen's multiplier."""
    if name.startswith("multiplier_"):
        return next(k.multiplier for k in p.regimens if k.name == name.removeprefix("multiplier_"))
    return float(getattr(p, name))


def _solve(
    base: Parameters,
    settings: dict[str, Any],
    expected: Callable[[Parameters], dict[str, float]],
    targets: dict[str, float],
    weights: dict[str, float],
    rough: bool,
) -> tuple[Parameters, _Part]:
    names = list(settings)
    held = [n for n in names if settings[n][1] is not None]
    keys = [k for k in weights if k in targets]

    def parameters(x: Array) -> Parameters:
        return with_values(base, {n: float(v) for n, v in zip(names, np.exp(x), strict=True)})

    def residuals(x: Array) -> Array:
        if np.max(np.abs(x - begun)) > REACH:
            return np.array([5.0 * weights[k] for k in keys] + [1.0] * len(held))
        r = [settings[n][2] * (x[names.index(n)] - math.log(settings[n][1])) for n in held]
        try:
            got = expected(parameters(x))
        except InputError:
            return np.array([5.0 * weights[k] for k in keys] + r)
        return np.array([weights[k] * math.log(got[k] / targets[k]) for k in keys] + r)

    x = np.log([value_of(base, n) for n in names])
    begun, evaluations = x.copy(), 0
    for stage in range(4):
        # one-sided differences come near cheaply, central ones finish; a restart renews the scales
        jac, tolerance = ("2-point", 1e-5 if rough else 1e-7) if stage == 0 else ("3-point", 1e-12)
        solution = optimize.least_squares(
            residuals, x, jac=jac, x_scale="jac", xtol=tolerance, ftol=tolerance, gtol=1e-11, max_nfev=25 if rough else 60
        )
        moved = float(np.max(np.abs(solution.x - x)))
        x, evaluations = solution.x, evaluations + int(solution.nfev)
        hopeless = solution.cost > 100.0  # a fit that works ends below 1
        if rough or hopeless or (stage > 0 and moved < 1e-6):
            break
    p = parameters(x)
    got = expected(p)
    return p, _Part(
        float(solution.cost), {k: (targets[k], got[k], weights[k]) for k in keys},
        {n: (settings[n][1], value_of(p, n), settings[n][2]) for n in held}, evaluations,
    )  # fmt: skip


def notes(benchmark: Benchmark, report: FitReport) -> dict[str, Any]:
    """Return what a parameter file says above its parameters: the source, the objective, residuals, priors, assumptions."""
    return {
        "source": benchmark.citation,
        "made_by": "python -m sim task=fit",
        "objective": report.objective,
        "fitted_figures": {k: {"published": a, "achieved": b, "weight": w} for k, (a, b, w) in report.residuals.items()},
        "figures_used": sorted(report.used),
        "soft_priors": {k: {"prior": a, "fitted": b, "weight": w} for k, (a, b, w) in report.priors.items()},
        "assumed": report.assumed,
        "plausible_ranges": {k: list(v) for k, v in STATED_RANGES.items()},
    }
