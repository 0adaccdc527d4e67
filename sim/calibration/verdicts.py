"""Target against achieved: every published figure with its verdict, and the exit status that continuous checks obey."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from sim.benchmark import Benchmark, Figure
from sim.calibration import class_fit_spec, class_measures, measures
from sim.calibration.contradictions import proven
from sim.calibration.fitted import basis, figures_used
from sim.calibration.prognostic_measures import FIGURES, after_failure
from sim.calibration.simulated_study import simulate_study
from sim.calibration.study_view import Study
from sim.calibration.summary import JUDGED
from sim.later import later
from sim.population.failure_classes import parameters as class_parameters
from sim.population.parameters import MODEL
from sim.population.post_cart_failure import PostCartFailure
from sim.types import InputError

binom = later("scipy.stats", "binom")

COLUMNS = (
    "id",
    "role",
    "population",
    "quantity",
    "published",
    "ci_low",
    "ci_high",
    "achieved",
    "simulated",
    "difference_se",
    "verdict",
    "reason",
    "fit",
)

# Tolerance 1 %, relative: a test of the solver, not a claim about the truth.
EXACT = (
    "failure_os_median", "d30ref_os_median", "d30oth_os_median", "treated_os_median", "treated_pfs_median",
    "cart_os_median", "cart_pfs_median", "d30ref_treated", "d30oth_treated", "treated_share",
)  # fmt: skip
TOLERANCE = 0.01

_REASONS = {
    "n_all": "fixed by design: the number infused",
    "evaluable_n": "fixed by design: a count of evaluable patients",
    "untreated_os_median": "not published; the model's value is shown",
    "fu_from_infusion_median": "input: the follow-up is an assumption of the benchmark",
    "fu_from_progression_median": "input: the follow-up is an assumption of the benchmark",
    "allo_cr_ongoing": "the course after transplant does not depend on complete remission in the model",
    "allo_no_intervening": "every transplant of the model follows first-line therapy",
    "allo_lines_between": "lines between failure and transplant are not counted in the model",
    "hr_pfs_all_age": "age is not linked to the outcome in the model",
    "hr_pfs_all_aph_days": "the model starts at infusion",
    "hr_pfs_all_denovo": "coding not stated: Table 2 and the multivariate model have opposite signs",
    "hr_pfs_all_dhde": "three levels with one hazard ratio, coding not stated",
    "t2_pmbl_ongoing": "pooled with other histologies in the model",
    "t2_pmbl_fail": "pooled with other histologies in the model",
    "t2_other_ongoing": "pooled with other histologies in the model",
    "t2_other_fail": "pooled with other histologies in the model",
    "t2_allo_prior_ongoing": "prior allogeneic HCT (1 patient) is not part of the model",
    "t2_allo_prior_fail": "prior allogeneic HCT (1 patient) is not part of the model",
}
_SECTION_REASONS = {
    "literature": "a figure of another study",
    "second_line_regimen": "second line is a marker in the model, without a response",
    "bridging": "kind and number of bridging therapies and the time before infusion are not part of the model",
    "mva_failure": "no effect of this covariate after failure is part of the model: complete-case fit, patients not stated",
    "uva_all": "a P value, not a quantity of the model",
}


def calibrate(benchmark: Benchmark, population: PostCartFailure, seed: int = 1) -> pd.DataFrame:
    """Compare every published figure with the model's expectation of what the authors measured.

    Parameters
    ----------
    benchmark : the figures, overrides applied
    population : the calibrated population; its parameters are judged, its time zero does not matter
    seed : of the simulated cohort (column `simulated`, measured by lifelines; it never decides)

    Returns
    -------
    DataFrame with the columns of `COLUMNS`, one row per figure; shares in per cent, times in the figure's unit; `fit` says whether a
    figure was used by the fit ("fitted") or not ("predicted")

    Raises
    ------
    InputError : when benchmark and population read the paper under different denominators
    """
    if benchmark.denominator != population.denominator:
        raise InputError(
            f"benchmark.denominator is {benchmark.denominator}, population.denominator is {population.denominator}; allowed: the same for both"
        )
    figures = benchmark.read()
    got = ACHIEVED[population.model](benchmark, population)
    simulated = simulate_study(benchmark, population, seed) if benchmark.denominator == "progressed" else {}
    contradictions = proven(figures, benchmark.known_contradictions)
    rows = [_row(f, got.get(id, math.nan), simulated.get(id, math.nan), contradictions.get(id)) for id, f in figures.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    used = figures_used(population.path)
    return table.assign(fit=[basis(id, used) for id in figures])


def _of_day30_groups(benchmark: Benchmark, population: PostCartFailure) -> dict[str, float]:
    study = Study(benchmark.read(), benchmark.followup, population.values)
    return measures.achieved(benchmark, population.values) | after_failure(study)


def _of_classes(benchmark: Benchmark, population: PostCartFailure) -> dict[str, float]:
    return class_measures.achieved(benchmark, class_fit_spec.named(population.content), population.classes.parameters)


# model -> what the authors would have measured on it, by figure
ACHIEVED: dict[str, Callable[[Benchmark, PostCartFailure], dict[str, float]]] = {
    MODEL: _of_day30_groups,
    class_parameters.MODEL: _of_classes,
}


def _row(f: Figure, got: float, simulated: float, contradiction: str | None) -> tuple[object, ...]:
    verdict, reason = judge(f, got, contradiction)
    return (f.id, f.role, f.population, f.quantity, f.target, f.ci_low, f.ci_high, got, simulated, difference_se(f, got), verdict, reason)


def judge(f: Figure, got: float, contradiction: str | None) -> tuple[str, str]:
    """Return (verdict, reason) of one figure."""
    if contradiction is not None:
        return "known contradiction", contradiction
    if f.id in EXACT and abs(got / f.target - 1) <= TOLERANCE:
        return "met", f"within {TOLERANCE:.0%} of the published figure, a target of the fit: a test of the solver"
    if f.id in _REASONS:
        return "not modelled", _REASONS[f.id]
    if f.section in _SECTION_REASONS and math.isnan(got):
        return "not modelled", _SECTION_REASONS[f.section]
    if not f.judged:
        return "not modelled", _no_interval(f)
    if math.isnan(got):
        return "not modelled", "not a quantity of the model"
    inside = f.ci_low <= got <= f.ci_high
    switched = "; with population.prognostic on" if f.id in FIGURES.values() else ""
    return ("within interval" if inside else "outside interval"), f"published interval {f.ci_low:.3g} to {f.ci_high:.3g}{switched}"


def _no_interval(f: Figure) -> str:
    if f.quantity == "p_value":
        return "a P value, not a quantity of the model"
    if f.interval_kind == "none":
        return "no sampling interval can be given: no denominator or a count fixed by the study"
    return {
        "range": "a printed range is not an interval of sampling",
        "iqr": "a printed interquartile range is not an interval of sampling",
    }[f.interval_kind]


def difference_se(f: Figure, got: float) -> float:
    """Return (g(achieved) - g(published)) / SE on the log scale (times, hazard ratios) or logit scale (shares); NaN where undefined."""
    ends = (got, f.target, f.ci_low, f.ci_high)
    top = 100.0 if f.is_share else math.inf
    if not f.judged or any(math.isnan(x) or not 0 < x < top for x in ends):
        return math.nan
    g = [math.log(x / (100 - x)) if f.is_share else math.log(x) for x in ends]
    return (g[0] - g[1]) / ((g[3] - g[2]) / 3.92)


def exit_status(table: pd.DataFrame) -> tuple[int, list[str]]:
    """Return the status (0 or 1) and the figures at fault.

    Notes
    -----
    1 when a headline figure (n_all aside) is neither met nor within its interval, a calibrate figure is outside its
    interval, or more check figures are outside than the 99 % quantile of Binomial(number judged, 0.05).
    """
    verdict, role = table["verdict"], table["role"]
    good = verdict.isin(["met", "within interval"])
    bad = table[(role == "headline") & (table["id"] != "n_all") & ~good]["id"].tolist()
    bad += table[(role == "calibrate") & (verdict == "outside interval")]["id"].tolist()
    outside, judged = checked(table)
    if len(outside) > allowed_outside(judged):
        bad += outside
    return int(bool(bad)), bad


def checked(table: pd.DataFrame) -> tuple[list[str], int]:
    """Return the check figures outside their intervals, and how many check figures are judged."""
    judged = (table["role"] == "check") & table["verdict"].isin(JUDGED)
    return table[judged & (table["verdict"] == "outside interval")]["id"].tolist(), int(judged.sum())


def allowed_outside(judged: int) -> int:
    """Return how many of `judged` check figures may lie outside their 95 % intervals by chance (99 % quantile)."""
    return int(binom.ppf(0.99, judged, 0.05)) if judged else 0
