"""The log-rank test, stratified or weighted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.effect.cox_limit import LargeTrial
from sim.later import later
from sim.limits import WEIGHT_POWER
from sim.statistic.null_trial import NullLook
from sim.statistic.risk_sets import reciprocals, risk_sets
from sim.statistic.standardised import standardised
from sim.statistic.statistic import Level, Statistic, TestResult
from sim.types import Array, Observations

kernel = later("sim.kernels.logrank")


@dataclass(frozen=True)
class LogRank(Statistic):
    """Compare two arms by the (stratified, Fleming-Harrington weighted) log-rank test.

    Parameters
    ----------
    stratified : sum scores and variances over the strata
    rho, gamma : exponents of the weight S(t-)^rho (1 - S(t-))^gamma; 0 and 0 give the log-rank test

    Notes
    -----
    z = -U / sqrt(V), U and V of the experimental arm with the hypergeometric variance, ties as in R's `survdiff`, so
    that z > 0 favours the experimental arm. The estimate is exp(U / I), the hazard ratio experimental / control: I is V for
    the log-rank test (Peto), and the sum of weight times hypergeometric variance for a weighted one (one Newton step of the
    weighted score equation), an average hazard ratio under those weights.

    References
    ----------
    Mantel, Cancer Chemother Rep 1966;50:163. Peto & Peto, JRSS A 1972;135:185, section 3.
    Fleming & Harrington, Counting Processes and Survival Analysis, 1991, section 7.2.

    Examples
    --------
    >>> LogRank(stratified=True).label
    'stratified log-rank test'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "survival"

    stratified: bool = False
    rho: float = 0.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("rho", self.rho), ("gamma", self.gamma)):
            WEIGHT_POWER.check(f"statistic.{name}", value)

    @property
    def label(self) -> str:
        name = "log-rank test" if self.rho == self.gamma == 0 else f"Fleming-Harrington({self.rho:g},{self.gamma:g}) test"
        return f"stratified {name}" if self.stratified else name

    @property
    def on_hazard_ratios(self) -> bool:
        return self.rho == self.gamma == 0  # a weighted test may reject at any hazard ratio

    @property
    def estimate_label(self) -> str:
        return "hazard ratio (Peto)"

    def estimand(self, trial: Callable[[bool], LargeTrial]) -> float:
        return trial(self.stratified).one_step() if self.rho == self.gamma == 0 else math.nan

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        sets = risk_sets(observations, cut, self.stratified)
        m, n = sets.keys.shape
        uv = np.empty((m, 3))
        kernel.scores(sets.keys, sets.counts, sets.bits, reciprocals(n), float(self.rho), float(self.gamma), uv)
        z, code = standardised(uv, sets.events)
        information = None if self.rho == self.gamma == 0 else np.ascontiguousarray(uv[:, 1])
        return TestResult(z, uv[:, 2], sets.enrolled, sets.events, sets.enrolled, code, information)

    def null_information(self, look: NullLook) -> Array:
        if self.rho == self.gamma == 0:
            return super().null_information(look)
        risk = look.risk(self.stratified)
        return risk.covariance(fleming_harrington(risk.survival, ((self.rho, self.gamma),)))


def fleming_harrington(survival: Array, weights: tuple[tuple[float, float], ...]) -> Array:
    """Return S^rho (1 - S)^gamma of each pair of exponents, float64[k, …]."""
    return np.array([survival**rho * (1 - survival) ** gamma for rho, gamma in weights])
