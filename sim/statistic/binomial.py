"""The exact binomial test of a response rate in a single arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, Observations


@dataclass(frozen=True)
class BinomialCount(Statistic):
    """Count responders among the enrolled; the design compares the count with the exact critical number.

    Parameters
    ----------
    null_rate : response rate under the null hypothesis, for the z value that is reported, not for the decision

    Notes
    -----
    z = (x - n p0) / sqrt(n p0 (1 - p0)). Every patient counts whose response is known at the cut (entry + assessment <= cut;
    not evaluable = non-responder), unless the observations name the evaluable, who alone are then tested. `events` of the
    result are the responders. Nobody tested: `NO_EVENTS`.
    """

    arms: ClassVar[int] = 1
    outcome: ClassVar[str] = "response"

    null_rate: float

    @property
    def label(self) -> str:
        return "exact binomial test"

    @property
    def estimate_label(self) -> str:
        return "response rate"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        o = observations
        assert o.response is not None
        assessed = o.assessed(cut)
        tested = assessed.sum(axis=1, dtype=np.int64)
        responders = (assessed & (o.response == 1)).sum(axis=1, dtype=np.int64)
        p = self.null_rate
        z = (responders - tested * p) / np.sqrt(np.maximum(tested, 1) * (p * (1 - p)))
        code = np.where(tested > 0, Code.OK, Code.NO_EVENTS).astype(np.uint8)
        return TestResult(z, responders / np.maximum(tested, 1), o.enrolled(cut), responders, tested, code)
