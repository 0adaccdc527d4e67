"""How a group-sequential trial decides at a look: bounds on z above and below, planned or recomputed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.boundary.harm import Harm
from sim.boundary.last_analysis import LastAnalysis
from sim.boundary.monitoring import Watch
from sim.design.design import CONTINUE, REJECT, STOP_FUTILITY, STOP_HARM, Monitoring, Rule, upper_tail
from sim.design.spend_by import SpendBy
from sim.statistic.statistic import NO_LEVEL, TestResult
from sim.types import Array


@dataclass(frozen=True)
class PlannedZ(Rule):
    """Reject at or above one planned bound of the look, give up at or below the other; an analysis that ends the trial early has its own.

    Parameters
    ----------
    lower, upper : planned z of each look
    last : the bound of an analysis that is the last before its time
    planned : information at the planned last look

    Notes
    -----
    The last analysis of a hypothesis, whichever look it is, spends what it still has, at the information it finds; only there are planned
    bounds recomputed, and there is no futility at it.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    last: LastAnalysis
    planned: float

    def level(self, look: int) -> float:
        return upper_tail(self.upper[look]) if self.lower[look] == -np.inf else NO_LEVEL

    def critical(self, look: int, monitoring: Monitoring) -> tuple[Array, Array]:
        m = len(monitoring.last)
        upper, lower = np.full(m, self.upper[look]), np.full(m, self.lower[look])
        early = ~monitoring.planned
        if early.any():
            found = in_steps(monitoring.information[:, early], self.planned).T
            histories, which = np.unique(found, axis=0, return_inverse=True)
            upper[early] = np.array([self.last.bound(tuple(h.tolist())) for h in histories])[which.ravel()]
            lower[early] = -np.inf
        return upper, lower

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        assert monitoring is not None
        return _between(result.z, *self.critical(look, monitoring))


@dataclass(frozen=True)
class RecomputedZ(Rule):
    """The same with the bounds that what was found so far allows.

    monitor : the bounds; planned : information at the planned last look; spend_by : what errors are spent by
    events, month : planned and expected at the planned last look
    """

    monitor: Watch
    planned: float
    spend_by: SpendBy
    events: int
    month: float

    def critical(self, look: int, monitoring: Monitoring) -> tuple[Array, Array]:
        information = in_steps(monitoring.information, self.planned)
        at = self.spend_by.found(monitoring.events, information, monitoring.months, self.events, self.planned, self.month)
        found = np.vstack([information, at, monitoring.last]).T
        # few different histories among many trials
        histories, which = np.unique(found, axis=0, return_inverse=True)
        k = look + 1
        bounds = np.array([self.monitor.bounds(tuple(h[:k].tolist()), bool(h[-1]), tuple(h[k:-1].tolist())) for h in histories])
        upper, lower = bounds[which.ravel()].T
        return upper, lower

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        assert monitoring is not None
        return _between(result.z, *self.critical(look, monitoring))


def _between(z: Array, upper: Array, lower: Array) -> NDArray[np.uint8]:
    return np.where(z >= upper, REJECT, np.where(z <= lower, STOP_FUTILITY, CONTINUE)).astype(np.uint8)


def in_steps(information: Array, planned: float) -> Array:
    """Return information rounded to a thousandth of the plan or finer, so that few different histories need bounds of their own.

    The step is a power of two, at most 1: whole events stay as they are. It moves a bound by less than 0.0003.

    Examples
    --------
    >>> in_steps(np.array([40.0, 41.0]), 120.0).tolist(), in_steps(np.array([3.6049]), 14.7).tolist()
    ([40.0, 41.0], [3.6015625])
    """
    step = min(1.0, 2.0 ** (math.frexp(planned)[1] - 11))
    rounded: Array = np.rint(information / step) * step
    return rounded


@dataclass(frozen=True)
class HarmBound(Rule):
    """Stop where overall survival is worse in the experimental arm by more than the rule allows.

    fractions : planned information fractions of the looks; unit_information : of log(hazard ratio) that one death carries
    """

    harm: Harm
    fractions: tuple[float, ...]
    unit_information: float

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        assert monitoring is not None
        bound = self.harm.bounds(monitoring.events, self.fractions, self.unit_information)[look]
        return np.where(-result.z >= bound, STOP_HARM, CONTINUE).astype(np.uint8)
