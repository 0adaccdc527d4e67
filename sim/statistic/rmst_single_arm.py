"""The restricted mean survival time of a single arm against a fixed value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.statistic.kaplan_meier import check_horizon, kaplan_meier, tested
from sim.statistic.statistic import Level, Statistic, TestResult
from sim.types import Array, InputError, Observations


@dataclass(frozen=True)
class RMSTSingleArm(Statistic):
    """Compare the restricted mean survival time up to a horizon with a null value.

    Parameters
    ----------
    horizon : months, tau
    null_rmst : R0 months under the null hypothesis, between 0 and the horizon
    null_variance : of one patient's months up to the horizon under the null hypothesis, in months^2; None: the largest that
        goes with null_rmst, R0 (tau - R0)

    Notes
    -----
    z = (R - R0) / sqrt(V), R the area under the Kaplan-Meier curve up to tau, V as in `RMSTDifference`. Where V is 0 (no
    event before tau, or all at one time) it is null_variance / n, n the patients whose state at tau is known: watched so long, or
    with an event before it. Not watched until tau: `EMPTY_ARM`, or `NO_EVENTS` where there is no event either.

    References
    ----------
    Uno et al., Journal of Clinical Oncology 2014;32:2380, appendix. Bhatia & Davis, American Mathematical Monthly
    2000;107:353 (the largest variance of what lies between 0 and tau with mean R0).

    Examples
    --------
    >>> RMSTSingleArm(12.0, 4.0).label
    'restricted mean survival time to 12 months against 4'
    """

    arms: ClassVar[int] = 1
    outcome: ClassVar[str] = "survival"

    horizon: float
    null_rmst: float
    null_variance: float | None = None

    def __post_init__(self) -> None:
        check_horizon("horizon", self.horizon)
        if not 0 < self.null_rmst < self.horizon:
            raise InputError(f"statistic.null_rmst is {self.null_rmst}; allowed: months above 0 and below the horizon {self.horizon:g}")
        if self.null_variance is not None and not 0 < self.null_variance <= self._largest_variance * (1 + 1e-9):
            raise InputError(
                f"statistic.null_variance is {self.null_variance}; allowed: null, or above 0 and at most"
                f" null_rmst (horizon - null_rmst) = {self._largest_variance:g}"
            )

    @property
    def _largest_variance(self) -> float:
        return self.null_rmst * (self.horizon - self.null_rmst)

    @property
    def label(self) -> str:
        return f"restricted mean survival time to {self.horizon:g} months against {self.null_rmst:g}"

    @property
    def estimate_label(self) -> str:
        return f"restricted mean survival time to {self.horizon:g} months"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        km = kaplan_meier(observations, cut, self.horizon, arms=1)
        area, variance = km.area[:, 0, 0], km.area_variance[:, 0, 0]
        one = self._largest_variance if self.null_variance is None else self.null_variance
        variance = np.where(variance > 0, variance, one / np.maximum(km.followed[:, 0, 0], 1))
        return tested(km, km.known[:, :, 0], area - self.null_rmst, variance, area)
