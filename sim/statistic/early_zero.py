"""The early-zero log-rank test: events of the first months weigh nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.limits import MONTHS
from sim.statistic.null_trial import NullLook
from sim.statistic.risk_sets import reciprocals, risk_sets
from sim.statistic.standardised import standardised
from sim.statistic.statistic import Level, Statistic, TestResult
from sim.types import Array, Observations

kernel = later("sim.kernels.early_zero")


@dataclass(frozen=True)
class EarlyZero(Statistic):
    """Compare two arms by the log-rank test from `early_period` months on, for an effect known to begin then.

    Parameters
    ----------
    early_period : months since randomisation; events before it weigh 0, events at it or after it 1
    stratified : sum scores and variances over the strata

    Notes
    -----
    z = -U / sqrt(V), U and V as for the log-rank test, over the event times from early_period on. The estimate is exp(U / V), the
    hazard ratio from then on (Peto). A trial whose events all come before early_period is coded as without events. An excess of early events in the experimental arm is not seen: report the log-rank test beside it.

    References
    ----------
    Xu, Zhen, Park & Zhu, Statistics in Medicine 2017;36:592, section 2. As simtrial's `early_zero`.

    Examples
    --------
    >>> EarlyZero(1.5).label
    'early-zero log-rank test (from 1.5 months)'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "survival"

    early_period: float
    stratified: bool = False

    def __post_init__(self) -> None:
        MONTHS.check("statistic.early_period", self.early_period)

    @property
    def label(self) -> str:
        return f"{'stratified ' if self.stratified else ''}early-zero log-rank test (from {self.early_period:g} months)"

    @property
    def estimate_label(self) -> str:
        return "hazard ratio after the early period (Peto)"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        sets = risk_sets(observations, cut, self.stratified)
        m, n = sets.keys.shape
        out = np.empty((m, 4))
        kernel.scores(sets.keys, sets.counts, sets.bits, reciprocals(n), float(self.early_period), out)
        z, code = standardised(out, out[:, 3].astype(np.int64))
        return TestResult(z, out[:, 2], sets.enrolled, sets.events, sets.enrolled, code, np.ascontiguousarray(out[:, 1]))

    def null_information(self, look: NullLook) -> Array:
        risk = look.risk(self.stratified, breaks=(self.early_period,))
        late = np.where(risk.time >= self.early_period, 1.0, 0.0)
        return risk.covariance(np.broadcast_to(late, (1, *risk.survival.shape)))
