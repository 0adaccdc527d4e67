"""The difference or ratio of two restricted mean survival times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.kernels.vectors import exp, log
from sim.statistic.kaplan_meier import Mask, check_horizon, kaplan_meier, tested
from sim.statistic.statistic import Statistic, TestResult
from sim.types import Array, InputError, Observations

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
    Difference: z = (R1 - R0) / sqrt(V1 + V0); ratio: z = log(R1 / R0) / sqrt(V1 / R1^2 + V0 / R0^2). Nothing is
    extrapolated: a trial in which an arm is not watched until tau, unless nobody of it survives, is coded `EMPTY_ARM`.

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

    def test(self, observations: Observations, cut: Array) -> TestResult:
        km = kaplan_meier(observations, cut, self.horizon, stratified=self.stratified)
        area, variance = km.area, km.area_variance
        comparable: Mask = np.asarray(((km.at_risk > 0) if self.stratified else km.known).all(axis=2))
        w = km.weights(comparable)
        if self.measure == "ratio":
            # an area is 0 only where everybody fails at time zero: such a trial has no variance either
            safe = np.where(area > 0, area, 1.0)
            area, variance = log(safe), variance / safe**2
        difference = (w * (area[..., 1] - area[..., 0])).sum(axis=1)
        total = (w**2 * variance.sum(axis=2)).sum(axis=1)
        estimate = exp(difference) if self.measure == "ratio" else difference
        return tested(km, comparable, difference, total, estimate)
