"""The difference of two Kaplan-Meier curves at a milestone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.statistic.kaplan_meier import Mask, check_horizon, check_transform, expected_kaplan_meier, kaplan_meier, tested, transformed
from sim.statistic.null_trial import NullLook
from sim.statistic.statistic import Level, Statistic, TestResult
from sim.types import Array, Observations


@dataclass(frozen=True)
class MilestoneDifference(Statistic):
    """Compare the arms' Kaplan-Meier survival at one time.

    Parameters
    ----------
    milestone : months
    transform : "plain", "log", "loglog", "logit" or "arcsine": the scale g on which the curves are compared
    stratified : weigh the strata's differences by their shares of the patients, as R's lrstat does; strata in which an
        arm is not watched until the milestone are left out

    Notes
    -----
    z = sum_s w_s (g(S1) - g(S0)) / sqrt(sum_s w_s^2 (Var g(S1) + Var g(S0))), Var g(S) = (g'(S) S)^2 sum d / (n (n - d))
    (Greenwood). The estimate is sum_s w_s (S1 - S0). Where a curve is at 0 or 1 the other transforms have no variance
    and that trial is tested on the plain scale. Where no curve has a variance there (1 against 0), that under the null takes its
    place: sum_s w_s^2 p (1 - p) (1 / n1 + 1 / n0), n the patients whose state at the milestone is known (watched so long, or
    with an event before it) and p = (n1 S1 + n0 S0) / (n1 + n0) their pooled survival. A trial in which an arm is
    not watched until the milestone (in any stratum) is coded `EMPTY_ARM`; one in which everybody survives the
    milestone, or nobody, `NO_EVENTS`.

    References
    ----------
    Klein, Logan, Harhoff & Andersen, Statistics in Medicine 2007;26:4505, section 2.

    Examples
    --------
    >>> MilestoneDifference(6.0, transform="loglog").label
    'survival at 6 months (loglog)'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "survival"

    milestone: float
    transform: str = "loglog"
    stratified: bool = False

    def __post_init__(self) -> None:
        check_horizon("milestone", self.milestone)
        check_transform(self.transform)

    @property
    def label(self) -> str:
        return f"{'stratified ' if self.stratified else ''}survival at {self.milestone:g} months ({self.transform})"

    @property
    def estimate_label(self) -> str:
        return f"difference in survival at {self.milestone:g} months"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        km = kaplan_meier(observations, cut, self.milestone, stratified=self.stratified)
        s = km.survival
        value, slope = transformed(self.transform, s)
        edge = ((s <= 0) | (s >= 1)).any(axis=(1, 2), keepdims=True)
        value, slope = np.where(edge, s, value), np.where(edge, 1.0, slope)
        variance = (slope * s) ** 2 * km.greenwood
        comparable: Mask = np.asarray(km.known.all(axis=2))
        w = km.weights(comparable)
        difference = (w * (value[..., 1] - value[..., 0])).sum(axis=1)
        estimate = (w * (s[..., 1] - s[..., 0])).sum(axis=1)
        total = (w**2 * variance.sum(axis=2)).sum(axis=1)
        n = np.maximum(km.followed, 1)
        pooled = (n * s).sum(axis=2) / n.sum(axis=2)
        under_null = (w**2 * pooled * (1 - pooled) * (1 / n).sum(axis=2)).sum(axis=1)
        return tested(km, comparable, difference, np.where(total > 0, total, under_null), estimate)

    def null_information(self, look: NullLook) -> Array:
        """Return one over the null variance of the transformed difference, float64[1, 1]; 0 where the milestone is not reached."""
        km = expected_kaplan_meier(look, self.milestone, self.stratified)
        if km is None:
            return np.zeros((1, 1))
        _, slope = transformed(self.transform, km.survival)
        return np.array([[1 / float(np.sum(km.shares**2 * (slope * km.survival) ** 2 * km.greenwood))]])
