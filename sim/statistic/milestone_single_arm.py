"""Kaplan-Meier survival of a single arm at a milestone against a fixed value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.statistic.kaplan_meier import KaplanMeier, check_horizon, check_transform, kaplan_meier, tested, transformed
from sim.statistic.statistic import Level, Statistic, TestResult
from sim.types import Array, InputError, Observations


@dataclass(frozen=True)
class MilestoneSingleArm(Statistic):
    """Compare Kaplan-Meier survival at one time with a null value.

    Parameters
    ----------
    milestone : months
    null_survival : S0, the survival at the milestone under the null hypothesis, strictly between 0 and 1
    transform : "plain", "log", "loglog", "logit" or "arcsine"

    Notes
    -----
    z = (g(S) - g(S0)) / (g'(S) S sqrt(sum d / (n (n - d)))), Greenwood at the estimate. At an estimate of 0 or 1 Greenwood's
    variance is 0 and the variance under the null takes its place, on the plain scale: z = (S - S0) / sqrt(S0 (1 - S0) / n), n the
    patients whose state at the milestone is known (watched so long, or with an event before it). Not watched until the
    milestone: `EMPTY_ARM`, or `NO_EVENTS` where there is no event either. With 60 exponential patients and
    nominal one-sided 0.025 the sizes are about .035 (plain), .037 (log), .020 (the others).

    References
    ----------
    Nagashima, Noma, Sato & Gosho, Pharmaceutical Statistics 2021;20:499, section 2.

    Examples
    --------
    >>> MilestoneSingleArm(6.0, 0.3).label
    'survival at 6 months against 0.3 (arcsine)'
    """

    arms: ClassVar[int] = 1
    outcome: ClassVar[str] = "survival"

    milestone: float
    null_survival: float
    transform: str = "arcsine"

    def __post_init__(self) -> None:
        check_horizon("milestone", self.milestone)
        check_transform(self.transform)
        if not 0 < self.null_survival < 1:
            raise InputError(f"statistic.null_survival is {self.null_survival}; allowed: a probability between 0 and 1, both excluded")

    @property
    def label(self) -> str:
        return f"survival at {self.milestone:g} months against {self.null_survival:g} ({self.transform})"

    @property
    def estimate_label(self) -> str:
        return f"survival at {self.milestone:g} months"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        km = kaplan_meier(observations, cut, self.milestone, arms=1)
        return against(km, self.null_survival, self.transform, km.survival[:, 0, 0])


def against(km: KaplanMeier, null_survival: float, transform: str, estimate: Array) -> TestResult:
    """Return the test of S at the curve's horizon against a null value, on a transformed scale; plain, with the null's variance, at 0 and 1."""
    s = km.survival[:, 0, 0]
    value, slope = transformed(transform, s)
    null = float(transformed(transform, np.array([null_survival]))[0][0])
    edge = (s <= 0) | (s >= 1)
    difference = np.where(edge, s - null_survival, value - null)
    under_null = null_survival * (1 - null_survival) / np.maximum(km.followed[:, 0, 0], 1)
    variance = np.where(edge, under_null, (slope * s) ** 2 * km.greenwood[:, 0, 0])
    return tested(km, km.known[:, :, 0], difference, variance, estimate)
