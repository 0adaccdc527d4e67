"""From replicate rows to operating characteristics: pure reductions, each with its Monte Carlo error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.design.design import REJECT
from sim.engine import Replicates
from sim.statistic.statistic import Code
from sim.trial import Rows, final_rows
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
    "expected_n": "mean number of patients enrolled by the end, over all analysed trials",
    "expected_events": "mean cumulative number of events at the end, over all analysed trials",
    "expected_responders": "mean number of responders, over all analysed trials",
    "expected_duration": "mean calendar months from the first possible enrolment to the end, over all analysed trials",
    "expected_z": "mean z at the end, over all analysed trials",
    "reach_look": "share of analysed trials that reach the look",
    "power_by_look": "cumulative share of analysed trials that reject at this look or before, under the stated effect",
    "type_i_error_by_look": "cumulative share of analysed trials that reject at this look or before, when the treatment changes nothing",
    "duration_at_look": "mean calendar months to the look, over the trials that reached it",
    "enrolled_at_look": "mean cumulative patients enrolled at the look, over the trials that reached it",
    "untestable": "share of analysed trials whose test could not be formed; they count as not rejected",
    "target_not_reached": "share of analysed trials that ended at their longest duration with fewer events than planned; tested with what there was",
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


def operating_characteristics(subject: Subject, replicates: Replicates, looks: int) -> list[Row]:
    """Reduce the rows of one cell under one truth to rows of the table of operating characteristics."""
    final = final_rows(replicates.rows)
    analysed = final[final["code"] != Code.FAILED]
    failed = replicates.requested - len(analysed)
    rejected = analysed["decision"] == REJECT

    def row(metric: str, estimate: Estimate, unit: str, look: int = 0, n: int | None = None, definition: str | None = None) -> Row:
        return {
            "scenario": subject.scenario, "cell": subject.cell, "hypothesis": subject.hypothesis, "look": look, "metric": metric,
            "estimate": estimate.value, "mcse": estimate.mcse, "ci_low": estimate.low, "ci_high": estimate.high,
            "n_requested": replicates.requested, "n_analysed": len(analysed) if n is None else n, "n_failed": failed,
            "unit": unit, "definition": DEFINITIONS[metric] if definition is None else definition,
        }  # fmt: skip

    def share(flags: np.ndarray) -> Estimate:
        return proportion(int(np.sum(flags)), len(analysed))

    out = [row(subject.rejection, share(rejected), "probability")]
    if failed:
        total = replicates.requested
        out.append(row("power_lower_bound", proportion(int(rejected.sum()), total), "probability", n=total))
        out.append(row("power_upper_bound", proportion(int(rejected.sum()) + failed, total), "probability", n=total))
    if subject.rejection != "power":
        return [*out, *_by_look(subject, analysed, replicates.rows, looks, row)]
    counted = "expected_responders" if subject.hypothesis == "ORR" else "expected_events"
    out += [
        row("expected_n", mean(analysed["enrolled"].astype(float)), "patients"),
        row(counted, mean(analysed["events"].astype(float)), "patients" if counted == "expected_responders" else "events"),
        row("expected_duration", mean(analysed["month"]), "months"),
        row("expected_z", mean(analysed["z"]), "z"),
    ]
    untestable = (analysed["code"] == Code.NO_EVENTS) | (analysed["code"] == Code.EMPTY_ARM)
    for metric, flags in (("untestable", untestable), ("target_not_reached", analysed["code"] == Code.TARGET_NOT_REACHED)):
        if flags.any():
            out.append(row(metric, share(flags), "probability"))
    return [*out, *_by_look(subject, analysed, replicates.rows, looks, row)]


def _by_look(subject: Subject, analysed: Rows, rows: Rows, looks: int, row: object) -> list[Row]:
    if looks == 1 or subject.rejection == "rejection_no_effect":
        return []
    out: list[Row] = []
    n = len(analysed)
    # a replicate that broke at a later look is out of every count, its earlier looks too
    broken = (rows["code"] == Code.FAILED).any()
    kept = rows[np.isin(rows["replicate"], analysed["replicate"])] if broken else rows
    for look in range(1, looks + 1):
        here = kept[kept["look"] == look]
        by_now = int(np.sum((analysed["decision"] == REJECT) & (analysed["look"] <= look)))
        out.append(row(f"{subject.rejection}_by_look", proportion(by_now, n), "probability", look))  # type: ignore[operator]
        if subject.rejection == "power":
            out.append(row("reach_look", proportion(len(here), n), "probability", look))  # type: ignore[operator]
            out.append(row("duration_at_look", mean(here["month"]), "months", look, len(here)))  # type: ignore[operator]
            out.append(row("enrolled_at_look", mean(here["enrolled"].astype(float)), "patients", look, len(here)))  # type: ignore[operator]
    return out
