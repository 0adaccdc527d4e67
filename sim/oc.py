"""From replicate rows to operating characteristics: pure reductions, each with its Monte Carlo error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from sim.boundary.stagewise_inference import effect_at, stagewise_p_value
from sim.design.design import REJECT, STOP_FUTILITY
from sim.design.randomised_survival import RandomisedSurvival
from sim.engine import Replicates
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.logrank import LogRank
from sim.statistic.statistic import Code
from sim.trial import Rows, Trial, final_rows
from sim.types import Array, Row

COLUMNS = (
    "scenario", "cell", "hypothesis", "look", "metric", "estimate", "mcse", "ci_low", "ci_high",
    "n_requested", "n_analysed", "n_failed", "unit", "definition",
)  # fmt: skip
Z95 = 1.959963984540054

DEFINITIONS = {
    "power": "share of analysed trials that reject the null hypothesis, under the stated effect",
    "type_i_error": "share of analysed trials that reject the null hypothesis when the treatment changes nothing",
    "rejection_no_effect": "share of analysed trials that reject a published null when the treatment changes nothing; not a type I error, since that null is not this population",
    "type_i_error_obeyed": "share of analysed trials that reject the null hypothesis when the treatment changes nothing and every trial that crosses the non-binding futility bound stops there",
    "rejection_no_effect_obeyed": "share of analysed trials that reject a published null when the treatment changes nothing and every trial that crosses the non-binding futility bound stops there",
    "expected_n": "mean number of patients enrolled by the end, over all analysed trials",
    "expected_events": "mean cumulative number of events at the end, over all analysed trials",
    "expected_responders": "mean number of responders, over all analysed trials",
    "expected_duration": "mean calendar months from the first possible enrolment to the end, over all analysed trials",
    "expected_z": "mean z at the end, over all analysed trials",
    "early_futility": "share of analysed trials that stop for futility before the last look, under the stated effect",
    "early_futility_no_effect": "share of analysed trials that stop for futility before the last look, when the treatment changes nothing",
    "early_efficacy": "share of analysed trials that reject before the last look, under the stated effect",
    "early_efficacy_no_effect": "share of analysed trials that reject before the last look, when the treatment changes nothing, futility obeyed",
    "expected_n_no_effect": "mean number of patients enrolled by the end, over all analysed trials, when the treatment changes nothing",
    "expected_events_no_effect": "mean cumulative number of events at the end, over all analysed trials, when the treatment changes nothing",
    "expected_responders_no_effect": "mean number of responders, over all analysed trials, when the treatment changes nothing",
    "expected_duration_no_effect": "mean calendar months from the first possible enrolment to the end, over all analysed trials, when the treatment changes nothing",
    "reach_look": "share of analysed trials that reach the look",
    "power_by_look": "cumulative share of analysed trials that reject at this look or before, under the stated effect",
    "type_i_error_by_look": "cumulative share of analysed trials that reject at this look or before, when the treatment changes nothing",
    "duration_at_look": "mean calendar months to the look, over the trials that reached it",
    "enrolled_at_look": "mean cumulative patients enrolled at the look, over the trials that reached it",
    "events_at_look": "mean cumulative number of events (of responders, for a response rate) at the look, over the trials that reached it",
    "futility_by_look": "cumulative share of analysed trials that stop for futility at this look or before, under the stated effect",
    "futility_by_look_no_effect": "cumulative share of analysed trials that stop for futility at this look or before, when the treatment changes nothing",
    "untestable": "share of analysed trials whose test could not be formed; they count as not rejected",
    "target_not_reached": "share of analysed trials that ended at their longest duration with fewer events than planned; tested with what there was",
    "bias_log_hr": "mean error of the log of the reported hazard ratio, over analysed trials that found the planned events; only where the hazard ratio is constant in one stratum, so that there is a true one",
    "bias_log_hr_median_unbiased": "mean error of the median-unbiased log hazard ratio by the stage-wise ordering, information = events times the ratio's share, over the same trials",
    "coverage_naive": "share of the same trials whose usual 95 % interval, which ignores early stopping, holds the true hazard ratio",
    "coverage_stagewise": "share of the same trials whose 95 % interval by the stage-wise ordering holds the true hazard ratio",
    "power_lower_bound": "power if every failed replicate is counted as not rejected",
    "power_upper_bound": "power if every failed replicate is counted as rejected",
}


@dataclass(frozen=True)
class Estimate:
    """A number with its Monte Carlo standard error and 95 % interval."""

    value: float
    mcse: float
    low: float
    high: float


def proportion(successes: int, n: int) -> Estimate:
    """Estimate a probability: MCSE sqrt(p (1 - p) / n), Wilson 95 % interval (Wilson, JASA 1927;22:209).

    Examples
    --------
    >>> e = proportion(25, 1000); round(e.low, 4), round(e.high, 4)
    (0.017, 0.0366)
    """
    if n == 0:
        return Estimate(math.nan, math.nan, 0.0, 1.0)
    p = successes / n
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
    # at 0 and n the interval touches the end; rounding must not push it past the estimate
    return Estimate(p, math.sqrt(p * (1 - p) / n), min(max(centre - half, 0.0), p), max(min(centre + half, 1.0), p))


def mean(values: Array) -> Estimate:
    """Estimate a mean: MCSE sd / sqrt(n), normal 95 % interval."""
    n = len(values)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, math.nan)
    m = float(np.mean(values))
    se = float(np.std(values, ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return Estimate(m, se, m - Z95 * se, m + Z95 * se)


@dataclass(frozen=True)
class Subject:
    """What a set of rows is about: the first columns of the table, and what its rejections are called."""

    scenario: str
    cell: str
    hypothesis: str
    rejection: str  # power, type_i_error or rejection_no_effect


def rejections(replicates: Replicates) -> tuple[int, int]:
    """Return (trials that rejected, trials analysed)."""
    final = final_rows(replicates.rows)
    analysed = final["code"] != Code.FAILED
    return int(np.sum((final["decision"] == REJECT) & analysed)), int(np.sum(analysed))


def operating_characteristics(subject: Subject, replicates: Replicates, looks: int, nonbinding_futility: bool = False) -> list[Row]:
    """Reduce the rows of one cell under one truth to rows of the table of operating characteristics.

    Notes
    -----
    The power, and what a trial costs, count what happens when futility stops are obeyed. Without effect the rejections count
    as if a non-binding futility bound were ignored, and again, with `_obeyed` in the name, as if it were obeyed.
    """
    final = final_rows(replicates.rows)
    analysed = final[final["code"] != Code.FAILED]
    failed = replicates.requested - len(analysed)
    obeyed = analysed["decision"] == REJECT
    rejected = obeyed if subject.rejection == "power" else analysed["rejects_ignoring_stops"] > 0

    def row(metric: str, estimate: Estimate, unit: str, look: int = 0, n: int | None = None) -> Row:
        return _row(subject, metric, estimate, unit, look, replicates.requested, len(analysed) if n is None else n, failed)

    def share(flags: np.ndarray) -> Estimate:
        return proportion(int(np.sum(flags)), len(analysed))

    out = [row(subject.rejection, share(rejected), "probability")]
    if nonbinding_futility and subject.rejection != "power":
        out.append(row(f"{subject.rejection}_obeyed", share(obeyed), "probability"))
    if failed:
        total = replicates.requested
        out.append(row("power_lower_bound", proportion(int(rejected.sum()), total), "probability", n=total))
        out.append(row("power_upper_bound", proportion(int(rejected.sum()) + failed, total), "probability", n=total))
    if subject.rejection == "power":
        out += _cost(subject, analysed, row, "")
        out.append(row("expected_z", mean(analysed["z"]), "z"))
        untestable = (analysed["code"] == Code.NO_EVENTS) | (analysed["code"] == Code.EMPTY_ARM)
        for metric, flags in (("untestable", untestable), ("target_not_reached", analysed["code"] == Code.TARGET_NOT_REACHED)):
            if flags.any():
                out.append(row(metric, share(flags), "probability"))
    elif looks > 1:
        out += _cost(subject, analysed, row, "_no_effect")
    return [*out, *_by_look(subject, analysed, replicates.rows, looks, row)] if looks > 1 else out


def _cost(subject: Subject, analysed: Rows, row: Callable[..., Row], suffix: str) -> list[Row]:
    """Return what the trials took, futility obeyed."""
    counted, unit = ("expected_responders", "patients") if subject.hypothesis == "ORR" else ("expected_events", "events")
    return [
        row(f"expected_n{suffix}", mean(analysed["enrolled"].astype(float)), "patients"),
        row(f"{counted}{suffix}", mean(analysed["events"].astype(float)), unit),
        row(f"expected_duration{suffix}", mean(analysed["month"]), "months"),
    ]


def _by_look(subject: Subject, analysed: Rows, rows: Rows, looks: int, row: Callable[..., Row]) -> list[Row]:
    power, n = subject.rejection == "power", len(analysed)
    suffix = "" if power else "_no_effect"
    rejects_at = np.where(analysed["decision"] == REJECT, analysed["look"], 0) if power else analysed["rejects_ignoring_stops"]
    given_up = np.where(analysed["decision"] == STOP_FUTILITY, analysed["look"], 0)
    early = (analysed["decision"] == REJECT) & (analysed["look"] < looks)
    out = [row(f"early_efficacy{suffix}", proportion(int(early.sum()), n), "probability")] if early.any() else []
    if given_up.any():
        out.append(row(f"early_futility{suffix}", proportion(int(np.sum(given_up > 0)), n), "probability"))
    # a replicate that broke at a later look is out of every count, its earlier looks too
    broken = (rows["code"] == Code.FAILED).any()
    kept = rows[np.isin(rows["replicate"], analysed["replicate"])] if broken else rows
    for look in range(1, looks + 1):
        here = kept[kept["look"] == look]
        if subject.rejection != "rejection_no_effect":
            by_now = int(np.sum((rejects_at > 0) & (rejects_at <= look)))
            out.append(row(f"{subject.rejection}_by_look", proportion(by_now, n), "probability", look))
        if given_up.any():
            stopped = int(np.sum((given_up > 0) & (given_up <= look)))
            out.append(row(f"futility_by_look{suffix}", proportion(stopped, n), "probability", look))
        if power:
            out.append(row("reach_look", proportion(len(here), n), "probability", look))
            out.append(row("duration_at_look", mean(here["month"]), "months", look, len(here)))
            out.append(row("enrolled_at_look", mean(here["enrolled"].astype(float)), "patients", look, len(here)))
            out.append(row("events_at_look", mean(here["events"].astype(float)), "events", look, len(here)))
    return out


def after_stopping(subject: Subject, trial: Trial, replicates: Replicates) -> list[Row]:
    """Return bias and coverage of the hazard ratio after a group-sequential trial, where there is one true hazard ratio.

    Notes
    -----
    Only for progression-free survival of a one-stratum textbook population under a constant hazard ratio, an unweighted log-rank test
    and planned bounds: elsewhere the estimates have no such truth, or another distribution. No rows otherwise, and under no effect.

    References
    ----------
    Jennison & Turnbull, Group Sequential Methods, 2000, chapter 8.
    """
    design, ratios = trial.design, trial.effect.hazard.ratios
    if not (
        isinstance(design, RandomisedSurvival)
        and isinstance(trial.population, PiecewiseExponential)
        and isinstance(design.statistic, LogRank)
        and (design.endpoint, design.bounds_at, design.statistic.rho, design.statistic.gamma) == ("pfs", "planned", 0, 0)
        and len(design.look_events) > 1
        and len(trial.population.strata) == len(ratios) == 1
        and subject.rejection == "power"
    ):
        return []
    final, events = final_rows(replicates.rows), np.array(design.look_events)
    kept = final[(final["code"] != Code.FAILED) & (final["events"] == events[final["look"] - 1]) & (final["estimate"] > 0)]
    a, b = design.ratio
    information = tuple((events * (a * b / (a + b) ** 2)).tolist())
    truth, log_hr = math.log(ratios[0]), np.log(kept["estimate"])
    # z = -U / sqrt(V) and log hr = U / V; at z = 0 the interval holds 0 whatever its width, so the planned width will do
    planned = 1 / np.sqrt(np.array(information)[kept["look"] - 1])
    se = np.where(np.abs(kept["z"]) > 1e-9, np.abs(log_hr) / np.maximum(np.abs(kept["z"]), 1e-9), planned)
    unbiased, held = np.empty(len(kept)), np.zeros(len(kept), dtype=bool)
    for look in np.unique(kept["look"]):
        here = kept["look"] == look
        before = (information[:look], design.bounds[: look - 1], design.futility_bounds[: look - 1])
        z = kept["z"][here]
        # the estimate is smooth and rising in z: a table of steps of 0.1 by cubic splines is good to 1e-5
        grid = np.arange(z.min() - 0.3, z.max() + 0.4, 0.1)
        unbiased[here] = -CubicSpline(grid, [effect_at(0.5, float(x), *before) for x in grid])(z)
        p = CubicSpline(grid, [stagewise_p_value(float(x), *before, theta=-truth) for x in grid])(z)
        held[here] = np.abs(p - 0.5) <= 0.475
    found = (
        ("bias_log_hr", mean(log_hr - truth), "log hazard ratio"),
        ("bias_log_hr_median_unbiased", mean(unbiased - truth), "log hazard ratio"),
        ("coverage_naive", proportion(int(np.sum(np.abs(log_hr - truth) <= Z95 * se)), len(kept)), "probability"),
        ("coverage_stagewise", proportion(int(held.sum()), len(kept)), "probability"),
    )
    failed = replicates.requested - int(np.sum(final["code"] != Code.FAILED))
    return [_row(subject, m, e, unit, 0, replicates.requested, len(kept), failed) for m, e, unit in found] if len(kept) else []


def _row(subject: Subject, metric: str, e: Estimate, unit: str, look: int, requested: int, analysed: int, failed: int) -> Row:
    return {
        "scenario": subject.scenario, "cell": subject.cell, "hypothesis": subject.hypothesis, "look": look, "metric": metric,
        "estimate": e.value, "mcse": e.mcse, "ci_low": e.low, "ci_high": e.high,
        "n_requested": requested, "n_analysed": analysed, "n_failed": failed, "unit": unit, "definition": DEFINITIONS[metric],
    }  # fmt: skip
