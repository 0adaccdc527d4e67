"""Places asked for beside patients enrolled, and whether the trial's targets were met: what says if more places would change anything."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.design.design import REJECT, Plan
from sim.engine import Replicates
from sim.oc.estimate import Z95, Estimate, proportion
from sim.oc.row import Subject, row
from sim.statistic.statistic import Code
from sim.tails import binomial_tail, falls_to
from sim.trial import Rows, final_rows, where
from sim.types import Row

DECILES = {"enrolled_p10": 0.1, "enrolled_p90": 0.9}


class Tally(NamedTuple):
    """Count trials: what a sizing needs to know of one n.

    rejected, analysed : trials; missed : analysed trials that ended short of their events; untestable : that could not be tested
    ended, free : trials that came to the last analysis they could have, and those of them in which places were still free
    enrolled : mean patients enrolled at that analysis
    """

    rejected: int
    analysed: int
    missed: int = 0
    untestable: int = 0
    ended: int = 0
    free: int = 0
    enrolled: float = 0.0

    @property
    def places_are_free(self) -> bool:
        """Whether the trial mostly ends before its places are taken, so that more places change nothing."""
        return 2 * self.free > self.ended

    @property
    def mostly_missed(self) -> bool:
        """Whether more than half of the trials end short of their events."""
        return 2 * self.missed > self.analysed


def tally(plan: Plan, replicates: Replicates) -> Tally:
    """Count the rejections of a simulated trial, and which targets it missed."""
    final = final_rows(replicates.rows)
    analysed = where(final, final["code"] != Code.FAILED)
    ended = analysed[_ended(plan, analysed)]
    return Tally(
        rejected=int(np.sum(analysed["decision"] == REJECT)),
        analysed=len(analysed),
        missed=int(np.sum(analysed["code"] == Code.TARGET_NOT_REACHED)),
        untestable=int(np.sum((analysed["code"] == Code.NO_EVENTS) | (analysed["code"] == Code.EMPTY_ARM))),
        ended=len(ended),
        free=int(np.sum(ended["enrolled"] < plan.n)),
        enrolled=float(ended["enrolled"].mean()) if len(ended) else 0.0,
    )


def enrolment_characteristics(subject: Subject, plan: Plan, replicates: Replicates) -> list[Row]:
    """Return the places asked for, the 10 to 90 % range of the patients enrolled and how often places stay free.

    Notes
    -----
    The interval of a quantile is between order statistics whose ranks are the 2.5 and 97.5 % quantiles of Binomial(trials, q)
    (David & Nagaraja, Order Statistics, 2003, section 7.1).
    """
    final = final_rows(replicates.rows)
    analysed = where(final, final["code"] != Code.FAILED)
    n, failed = len(analysed), replicates.requested - len(analysed)
    places = Estimate(float(plan.n), 0.0, float(plan.n), float(plan.n))
    out = [row(subject, "places", places, "patients", 0, 0, 0, 0)]
    if n == 0:
        return out
    enrolled = np.sort(analysed["enrolled"])
    if enrolled[0] < plan.n:
        out += [row(subject, m, _quantile(enrolled, q), "patients", 0, replicates.requested, n, failed) for m, q in DECILES.items()]
    ended = analysed[_ended(plan, analysed)]
    free = int(np.sum(ended["enrolled"] < plan.n))
    if free:
        out.append(row(subject, "accrual_open", proportion(free, len(ended)), "probability", 0, replicates.requested, len(ended), failed))
    return out


def _ended(plan: Plan, analysed: Rows) -> NDArray[np.bool_]:
    return plan.cut.last_of_all(analysed["look"], analysed["month"])


def _quantile(rising: NDArray[np.int32], q: float) -> Estimate:
    n = len(rising)
    tail = binomial_tail(n, q)
    # P(X <= k) >= p is P(X > k) <= 1 - p
    low, at, high = (min(max(falls_to(tail, p), 1), n) - 1 for p in (0.975, 0.5, 0.025))
    return Estimate(float(rising[at]), float(rising[high] - rising[low]) / (2 * Z95), float(rising[low]), float(rising[high]))
