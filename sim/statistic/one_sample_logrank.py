"""The one-sample log-rank test: a single arm against a null curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.curve import Curve
from sim.later import later
from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, InputError, Observations

observed_expected = later("sim.kernels.one_sample", "observed_expected")

VARIANCES = ("mean", "null", "observed")


@dataclass(frozen=True, eq=False)
class OneSampleLogRank(Statistic):
    """Compare the observed events O with the events E expected under a null curve.

    Parameters
    ----------
    null : the null curve; a patient's expected events are its cumulative hazard over the patient's time at risk
    variance : "mean" (O + E) / 2, "null" E, or "observed" O, which is E where O is 0

    Notes
    -----
    z = (E - O) / sqrt(variance), so that fewer events than expected are favourable. At nominal one-sided 0.025 and 60
    patients the sizes are about .026 (mean), .019 (null), .033 (observed). The estimate is O / E. No event is evidence too: with
    O = 0 z is sqrt(2 E) by the mean variance and sqrt(E) by the others. Where the variance is 0, since nobody has been at
    risk under the null: `NO_EVENTS`.

    References
    ----------
    Breslow, JRSS A 1975;138:1 (variance E). Wu, Pharmaceutical Statistics 2014;13:339 (variance (O + E) / 2).

    Examples
    --------
    >>> null = Curve(0.01, np.exp(-0.25 * np.arange(2401) * 0.01))
    >>> one_trial = Observations(np.zeros((1, 3)), np.ones((1, 3), np.uint8), np.zeros((1, 3), np.uint8), np.array([[2.0, 6.0, 9.0]]), np.array([[1, 1, 0]], np.uint8))
    >>> result = OneSampleLogRank(null).test(one_trial, np.array([12.0]), 0.025)
    >>> round(float(result.z[0]), 4), round(float(result.estimate[0]), 4)
    (1.2728, 0.4706)
    """

    arms: ClassVar[int] = 1
    outcome: ClassVar[str] = "survival"

    null: Curve
    variance: str = "mean"

    def __post_init__(self) -> None:
        if self.variance not in VARIANCES:
            raise InputError(f"design.variance is {self.variance!r}; allowed: {', '.join(VARIANCES)}")
        object.__setattr__(self, "_hazard", np.ascontiguousarray(self.null.cumulative_hazard()))

    @property
    def label(self) -> str:
        return f"one-sample log-rank test (variance {self.variance})"

    @property
    def estimate_label(self) -> str:
        return "observed / expected events"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        o = observations
        assert o.time is not None
        assert o.event is not None
        m = len(cut)
        counts = np.empty((m, 3), dtype=np.int64)
        expected = np.empty(m)
        observed_expected(o.entry, o.time, o.event, np.ascontiguousarray(cut), self.null.step, self._hazard, counts, expected)  # type: ignore[attr-defined]
        observed = counts[:, 1].astype(float)
        own = np.where(observed > 0, observed, expected)
        variance = {"mean": (observed + expected) / 2, "null": expected, "observed": own}[self.variance]
        testable = variance > 0
        z = np.where(testable, (expected - observed) / np.sqrt(np.where(testable, variance, 1.0)), 0.0)
        code = np.where(testable, Code.OK, Code.NO_EVENTS).astype(np.uint8)
        return TestResult(z, observed / np.maximum(expected, 1e-300), counts[:, 0], counts[:, 1], counts[:, 0], code)
