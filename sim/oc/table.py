"""From replicate rows to operating characteristics of what a design tests: pure reductions, each with its Monte Carlo error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.design.design import REJECT, STOP_FUTILITY
from sim.engine import Replicates
from sim.followup import Cut
from sim.oc.estimate import Estimate, mean, proportion
from sim.oc.row import Subject
from sim.oc.row import row as row_of
from sim.statistic.statistic import Code
from sim.trial import Rows, final_rows, rows_of, where
from sim.types import Row


def rejections(replicates: Replicates) -> tuple[int, int]:
    """Return (trials that rejected, trials analysed)."""
    final = final_rows(replicates.rows)
    analysed = final["code"] != Code.FAILED
    return int(np.sum((final["decision"] == REJECT) & analysed)), int(np.sum(analysed))


def operating_characteristics(
    subject: Subject, replicates: Replicates, looks: int, stops_may_be_ignored: bool = False, cut: Cut | None = None
) -> list[Row]:
    """Reduce the rows of one cell under one truth to rows of the table of operating characteristics.

    Parameters
    ----------
    looks : planned looks; stops_may_be_ignored : the plan has stops that do not bind
    cut : what calls the looks: it knows which analysis was the last that could take place though later ones were planned (all their
        months had passed, or the events had come); None: only the last look is

    Notes
    -----
    The power, and what a trial costs, count what happens when every stop is obeyed. Without effect the rejections count as if
    stops that do not bind (futility, harm) were ignored, and again, with `_obeyed` in the name, as if they were obeyed.
    """
    final = final_rows(replicates.rows)
    analysed = where(final, final["code"] != Code.FAILED)
    failed = replicates.requested - len(analysed)
    obeyed = analysed["decision"] == REJECT
    rejected = obeyed if subject.rejection == "power" else analysed["rejects_ignoring_stops"] > 0

    def row(metric: str, estimate: Estimate, unit: str, look: int = 0, n: int | None = None) -> Row:
        return row_of(subject, metric, estimate, unit, look, replicates.requested, len(analysed) if n is None else n, failed)

    def share(flags: np.ndarray) -> Estimate:
        return proportion(int(np.sum(flags)), len(analysed))

    out = [row(subject.rejection, share(rejected), "probability")]
    if stops_may_be_ignored and subject.rejection != "power":
        out.append(row(f"{subject.rejection}_obeyed", share(obeyed), "probability"))
    if failed:
        total = replicates.requested
        out.append(row("power_lower_bound", proportion(int(rejected.sum()), total), "probability", n=total))
        out.append(row("power_upper_bound", proportion(int(rejected.sum()) + failed, total), "probability", n=total))
    if subject.rejection == "power":
        out += _cost(subject, analysed, row, "")
        out.append(row("expected_z", mean(analysed["z"]), "z"))
    elif looks > 1:
        out += _cost(subject, analysed, row, "_no_effect")
    before_the_end = analysed["look"] < looks
    if cut is not None:
        before_the_end = ~cut.last_of_all(analysed["look"], analysed["month"])
    out += _missed(subject, analysed, before_the_end, looks, row)
    return [*out, *_by_look(subject, analysed, rows_of(replicates.rows, 0), looks, row, before_the_end)] if looks > 1 else out


def _missed(subject: Subject, analysed: Rows, before_the_end: NDArray[np.bool_], looks: int, row: Callable[..., Row]) -> list[Row]:
    """Return the shares of trials that could not do what was planned; no row for what every trial could."""
    suffix = "" if subject.rejection == "power" else "_no_effect"
    missed = {
        "untestable": (analysed["code"] == Code.NO_EVENTS) | (analysed["code"] == Code.EMPTY_ARM),
        "target_not_reached": analysed["code"] == Code.TARGET_NOT_REACHED,
        "looks_missed": ~before_the_end & (analysed["look"] < looks),
    }
    return [
        row(f"{metric}{suffix}", proportion(int(np.sum(flags)), len(analysed)), "probability")
        for metric, flags in missed.items()
        if flags.any()
    ]


def _cost(subject: Subject, analysed: Rows, row: Callable[..., Row], suffix: str) -> list[Row]:
    """Return what the trials took, futility obeyed."""
    counted, unit = ("expected_responders", "patients") if subject.hypothesis == "ORR" else ("expected_events", "events")
    return [
        row(f"expected_n{suffix}", mean(analysed["enrolled"].astype(float)), "patients"),
        row(f"{counted}{suffix}", mean(analysed["events"].astype(float)), unit),
        row(f"expected_duration{suffix}", mean(analysed["month"]), "months"),
    ]


def _by_look(
    subject: Subject, analysed: Rows, rows: Rows, looks: int, row: Callable[..., Row], before_the_end: NDArray[np.bool_]
) -> list[Row]:
    power, n = subject.rejection == "power", len(analysed)
    suffix = "" if power else "_no_effect"
    rejects_at = np.where(analysed["decision"] == REJECT, analysed["look"], 0) if power else analysed["rejects_ignoring_stops"]
    given_up = np.where(analysed["decision"] == STOP_FUTILITY, analysed["look"], 0)
    early = (analysed["decision"] == REJECT) & before_the_end
    out = [row(f"early_efficacy{suffix}", proportion(int(early.sum()), n), "probability")] if early.any() else []
    if given_up.any():
        out.append(row(f"early_futility{suffix}", proportion(int(np.sum((given_up > 0) & before_the_end)), n), "probability"))
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
