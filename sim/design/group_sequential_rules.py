"""How a group-sequential trial decides at a look: bounds on z above and below, planned or recomputed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.boundary.harm import Harm
from sim.boundary.monitoring import Monitor
from sim.design.design import CONTINUE, REJECT, STOP_FUTILITY, STOP_HARM, Monitoring, Rule
from sim.statistic.statistic import TestResult


@dataclass(frozen=True)
class LowerAndUpperZ(Rule):
    """Reject at or above one bound of the look, give up at or below the other."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        given_up = np.where(result.z <= self.lower[look], STOP_FUTILITY, CONTINUE)
        return np.where(result.z >= self.upper[look], REJECT, given_up).astype(np.uint8)


@dataclass(frozen=True)
class RecomputedZ(Rule):
    """The same with the bounds that the events found so far allow."""

    monitor: Monitor

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        assert monitoring is not None
        found = np.vstack([monitoring.events, result.events, monitoring.last]).T
        # few different histories of events among many trials
        histories, which = np.unique(found, axis=0, return_inverse=True)
        bounds = np.array([self.monitor.bounds(tuple(map(float, h[:-1])), bool(h[-1])) for h in histories])
        upper, lower = bounds[which.ravel()].T
        return np.where(result.z >= upper, REJECT, np.where(result.z <= lower, STOP_FUTILITY, CONTINUE)).astype(np.uint8)


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
        deaths = np.vstack([monitoring.events, result.events])
        bound = self.harm.bounds(deaths, self.fractions, self.unit_information)[look]
        return np.where(-result.z >= bound, STOP_HARM, CONTINUE).astype(np.uint8)
