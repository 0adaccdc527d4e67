"""The exponential maximum likelihood test of a single arm's median."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, InputError, Observations

log = later("sim.kernels.vectors", "log")

LOG_2 = 0.6931471805599453


@dataclass(frozen=True)
class ExponentialMLE(Statistic):
    """Compare the median of an exponential model of a single arm with a null median.

    Parameters
    ----------
    null_median : months

    Notes
    -----
    With d events in T months of follow-up the hazard is d / T and log(d / T) has variance 1 / d:
    z = sqrt(d) log(median / null_median), median = log 2 T / d, the estimate. It assumes a constant hazard: on any other
    course it tests the events per month of follow-up, whose null value then depends on the follow-up. Without an event log(d / T)
    has no variance and the score test stands in, (E - d) / sqrt(E) with E = log 2 T / null_median events expected under
    the null: z = sqrt(E), and the estimate is infinite. Nobody followed: `NO_EVENTS`.

    References
    ----------
    Lawless, Statistical Models and Methods for Lifetime Data, 2nd ed. 2003, section 4.1.

    Examples
    --------
    >>> from sim.statistic.kaplan_meier import single_sample
    >>> result = ExponentialMLE(2.0).test(*single_sample([1.0, 4.0, 5.0, 10.0], [1, 1, 1, 1]), 0.025)
    >>> round(result.estimate[0].item(), 4), round(result.z[0].item(), 4)
    (3.4657, 1.0996)
    """

    arms: ClassVar[int] = 1
    outcome: ClassVar[str] = "survival"

    null_median: float

    def __post_init__(self) -> None:
        if self.null_median == inf:
            raise InputError(
                "statistic.null_median is infinite: the null curve never reaches 0.5 and has no median; allowed: a null curve that does, or another test"
            )
        if not 0 < self.null_median < inf:
            raise InputError(f"statistic.null_median is {self.null_median}; allowed: a positive number of months, finite")

    @property
    def label(self) -> str:
        return f"exponential maximum likelihood against a median of {self.null_median:g} months"

    @property
    def estimate_label(self) -> str:
        return "median under an exponential model (months)"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        o = observations
        assert o.time is not None
        assert o.event is not None
        c = cut[:, None]
        here = o.entry <= c
        seen = here & (o.entry + o.time <= c) & (o.event == 1)
        watched = np.where(seen, o.time, np.clip(c - o.entry, 0.0, o.time))
        exposure = np.where(here, watched, 0.0).sum(axis=1)
        enrolled, events = here.sum(axis=1), seen.sum(axis=1)
        ok, eventful = exposure > 0, events > 0
        median = LOG_2 * exposure / np.maximum(events, 1)
        ratio = median / self.null_median
        z = np.where(eventful, np.sqrt(events) * log(np.where(ok, ratio, 1.0)), np.sqrt(ratio))
        code = np.where(ok, Code.OK, Code.NO_EVENTS).astype(np.uint8)
        estimate = np.where(ok, np.where(eventful, median, inf), np.nan)
        return TestResult(np.where(ok, z, 0.0), estimate, enrolled, events, enrolled, code)
