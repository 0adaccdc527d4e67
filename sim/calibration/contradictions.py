"""Proofs that a published figure cannot hold together with others of the same paper, each recomputed from the figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sim.benchmark import Figure
from sim.later import later

ndtr = later("scipy.special", "ndtr")

Figures = Mapping[str, Figure]

# Printed beside the figures: six patients transplanted in complete remission were followed 17 to 34 months.
TRANSPLANTED_FOLLOWED_BEYOND_17_MONTHS = 6


def lowest_kaplan_meier(patients: int, events: int, followed_to_the_end: int) -> float:
    """Return the lowest value a Kaplan-Meier curve can take after `events` events.

    Notes
    -----
    Everyone censored who may be is censored first; then events fall on the smallest risk sets, and the product
    telescopes to followed / (followed + events).

    Examples
    --------
    >>> round(lowest_kaplan_meier(16, 5, 6), 3)
    0.545
    """
    at_risk = min(patients, followed_to_the_end + events)
    return (at_risk - events) / at_risk


def _percent_disagrees(id: str) -> Callable[[Figures], bool]:
    """The printed per cent is not the rounded ratio of its own counts."""

    def proof(figures: Figures) -> bool:
        f = figures[id]
        return abs(100 * f.numerator / f.denominator - f.value) > 0.5

    return proof


def _cd19(figures: Figures) -> bool:
    f = figures["cd19_assessed"]
    return all(round(100 * f.numerator / n) != round(f.value) for n in (f.denominator, figures["failure_n"].numerator))


def _rows_swapped(figures: Figures) -> bool:
    """Table 2's two rows add to Table 1 only when the failure column is swapped."""
    gcb, non = (figures["t2_gcb_ongoing"].numerator, figures["t2_nongcb_ongoing"].numerator)
    gcb_f, non_f = figures["t2_gcb_fail"].numerator, figures["t2_nongcb_fail"].numerator
    totals = (figures["coo_gcb"].numerator, figures["coo_nongcb"].numerator)
    return (gcb + gcb_f, non + non_f) != totals and (gcb + non_f, non + gcb_f) == totals


def _allo_os(figures: Figures) -> bool:
    deaths = int(figures["allo_dead"].numerator)
    return lowest_kaplan_meier(16, deaths, TRANSPLANTED_FOLLOWED_BEYOND_17_MONTHS) > 0.5 and figures["allo_os_median"].value < 17


def _allo_pfs(figures: Figures) -> bool:
    """The median must fall on the last of the events, after 12 months; before it the curve is above the printed landmark."""
    events = 16 - int(figures["allo_alive_pf"].numerator)
    before_last = TRANSPLANTED_FOLLOWED_BEYOND_17_MONTHS + 1
    lowest_before_last = before_last / (before_last + events - 1)
    median, landmark = figures["allo_pfs_median"].value, figures["allo_pfs_1y"].value
    return 12 < median < 17 and lowest_before_last > 0.5 and 100 * lowest_before_last > landmark + 0.5


def _followup(figures: Figures) -> bool:
    return figures["fu_from_progression_median"].ci_high < figures["nobt_os_median"].value


def _chemo(figures: Figures) -> bool:
    chemo, other = figures["pfs1_chemo_median"], figures["pfs1_nonchemo_median"]
    n, m = chemo.denominator, other.denominator
    z = math.log(other.value / chemo.value) * math.sqrt(0.92 * (n + m) * (n / (n + m)) * (m / (n + m)))
    return 2 * float(ndtr(-z)) > 3 * figures["pfs1_chemo_p"].value


PROOFS: dict[str, Callable[[Figures], bool]] = {
    "allo_os_median": _allo_os,
    "allo_pfs_median": _allo_pfs,
    "fu_from_progression_median": _followup,
    "t2_nongcb_fail": _rows_swapped,
    "t2_gcb_fail": _rows_swapped,
    **{k: _percent_disagrees(k) for k in ("t2_crs_ongoing", "t2_crs_fail", "t2_steroid_ongoing", "t2_steroid_fail")},
    "cd19_assessed": _cd19,
    "pfs1_chemo_p": _chemo,
}


def proven(figures: Figures, listed: Mapping[str, str]) -> dict[str, str]:
    """Return those listed contradictions whose proof holds for these figures, with their reasons."""
    return {id: reason for id, reason in listed.items() if id in PROOFS and PROOFS[id](figures)}
