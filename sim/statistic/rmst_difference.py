"""The difference or ratio of two restricted mean survival times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.statistic.kaplan_meier import KaplanMeier, Mask, check_horizon, expected_kaplan_meier, kaplan_meier, tested
from sim.statistic.null_trial import NullLook
from sim.statistic.statistic import Level, Statistic, TestResult
from sim.types import Array, InputError, Observations

exp = later("sim.kernels.vectors", "exp")
log = later("sim.kernels.vectors", "log")

MEASURES = ("difference", "ratio")


@dataclass(frozen=True)
class RMSTDifference(Statistic):
    """Compare the arms' restricted mean survival times up to a horizon.

    Parameters
    ----------
    horizon : months, tau
    measure : "difference", or "ratio" on the log scale
    stratified : weigh the strata's differences (log ratios) by their shares of the patients; strata in which an arm is not
        watched until the horizon are left out, as R's lrstat does

    Notes
    -----
    R = integral of S from 0 to tau, Var R = sum over event times t <= tau of (area under S from t to tau)^2 d / (n (n - d)).
    Difference: z = (R1 - R0) / sqrt(V1 + V0); ratio: z = log(R1 / R0) / sqrt(V1 / R1^2 + V0 / R0^2). Where no arm has a
    variance (all fail at one time in the one, nobody in the other), that under the null takes its place, from the pooled
    curve of the stratum: V (n1 + n0)^2 / (n1 n0), divided by R^2 for the ratio, n the patients whose state at tau is known.
    Nothing is extrapolated: a trial in which an arm is not watched until tau, unless nobody of it survives, is coded
    `EMPTY_ARM`, as is a ratio with an arm of which everybody fails at time zero; one without variance in the pooled curve
    either, `NO_EVENTS`.

    References
    ----------
    Uno et al., Journal of Clinical Oncology 2014;32:2380, appendix. Royston & Parmar, BMC Medical Research Methodology 2013;13:152.

    Examples
    --------
    >>> RMSTDifference(12.0).estimate_label
    'difference in restricted mean survival time to 12 months'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "survival"

    horizon: float
    measure: str = "difference"
    stratified: bool = False

    def __post_init__(self) -> None:
        check_horizon("horizon", self.horizon)
        if self.measure not in MEASURES:
            raise InputError(f"statistic.measure is {self.measure!r}; allowed: {', '.join(MEASURES)}")

    @property
    def label(self) -> str:
        return f"{'stratified ' if self.stratified else ''}restricted mean survival time to {self.horizon:g} months ({self.measure})"

    @property
    def estimate_label(self) -> str:
        return f"{self.measure} in restricted mean survival time to {self.horizon:g} months".replace("ratio in", "ratio of")

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        km = kaplan_meier(observations, cut, self.horizon, stratified=self.stratified)
        area, variance = km.area, km.area_variance
        comparable: Mask = np.asarray(((km.at_risk > 0) if self.stratified else km.known).all(axis=2))
        if self.measure == "ratio":
            # an area is 0 only where everybody fails at time zero: it has no logarithm
            comparable = comparable & (area > 0).all(axis=2)
            safe = np.where(area > 0, area, 1.0)
            area, variance = log(safe), variance / safe**2
        w = km.weights(comparable)
        difference = (w * (area[..., 1] - area[..., 0])).sum(axis=1)
        total = (w**2 * variance.sum(axis=2)).sum(axis=1)
        if not (total > 0).all():
            pooled = kaplan_meier(observations, cut, self.horizon, arms=1, stratified=self.stratified)
            total = np.where(total > 0, total, (w**2 * self._under_null(km, pooled)).sum(axis=1))
        estimate = exp(difference) if self.measure == "ratio" else difference
        return tested(km, comparable, difference, total, estimate)

    def _under_null(self, km: KaplanMeier, pooled: KaplanMeier) -> Array:
        """Return float64[m, strata], the variance of the arms' difference were both the pooled curve."""
        n1, n0 = np.maximum(km.followed[..., 1], 1), np.maximum(km.followed[..., 0], 1)
        area, variance = pooled.area[..., 0], pooled.area_variance[..., 0] * (n1 + n0) ** 2 / (n1 * n0)
        # the pooled area is 0 only where everybody fails at time zero, without variance
        return variance / np.where(area > 0, area, 1.0) ** 2 if self.measure == "ratio" else variance

    def null_information(self, look: NullLook) -> Array:
        """Return one over the null variance of the difference (log ratio), float64[1, 1]; 0 where the horizon is not reached."""
        km = expected_kaplan_meier(look, self.horizon, self.stratified)
        if km is None:
            return np.zeros((1, 1))
        variance = km.area_variance / km.area**2 if self.measure == "ratio" else km.area_variance
        return np.array([[1 / float(np.sum(km.shares**2 * variance))]])
