"""The restricted mean survival time of a single arm against a fixed value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sim.statistic.kaplan_meier import check_horizon, kaplan_meier, tested
from sim.statistic.statistic import Statistic, TestResult
from sim.types import Array, InputError, Observations


@dataclass(frozen=True)
class RMSTSingleArm(Statistic):
    """Compare the restricted mean survival time up to a horizon with a null value.

    Parameters
    ----------
    horizon : months, tau
    null_rmst : R0 months under the null hypothesis, between 0 and the horizon

    Notes
    -----
    z = (R - R0) / sqrt(V), R the area under the Kaplan-Meier curve up to tau, V as in `RMSTDifference`. Not watched
    until tau: `EMPTY_ARM`; no event before tau: `NO_EVENTS`.

    References
    ----------
    Uno et al., Journal of Clinical Oncology 2014;32:2380, appendix.

    Examples
    --------
    >>> RMSTSingleArm(12.0, 4.0).label
    'restricted mean survival time to 12 months against 4'
    """

    arms: ClassVar[int] = 1
    outcome: ClassVar[str] = "survival"

    horizon: float
    null_rmst: float

    def __post_init__(self) -> None:
        check_horizon("horizon", self.horizon)
        if not 0 < self.null_rmst < self.horizon:
            raise InputError(f"statistic.null_rmst is {self.null_rmst}; allowed: months above 0 and below the horizon {self.horizon:g}")

    @property
    def label(self) -> str:
        return f"restricted mean survival time to {self.horizon:g} months against {self.null_rmst:g}"

    @property
    def estimate_label(self) -> str:
        return f"restricted mean survival time to {self.horizon:g} months"

    def test(self, observations: Observations, cut: Array) -> TestResult:
        km = kaplan_meier(observations, cut, self.horizon, arms=1)
        area = km.area[:, 0, 0]
        return tested(km, km.known[:, :, 0], area - self.null_rmst, km.area_variance[:, 0, 0], area)
