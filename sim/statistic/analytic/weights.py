"""Weights of a log-rank test along expected curves: what weighs an event at each time since randomisation."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.statistic.analytic.expected_events import TwoArmPlan
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")


class Weight(ABC):
    """A weight by months since randomisation. Concrete weights are frozen dataclasses."""

    @abstractmethod
    def at(self, plan: TwoArmPlan, time: Array) -> Array:
        """Return the weight at each time, float64[m]."""

    def breaks(self, plan: TwoArmPlan) -> tuple[float, ...]:
        """Return the months at which the weight has a step or a kink, so that quadrature can stop there."""
        return ()


@dataclass(frozen=True)
class FlemingHarrington(Weight):
    """Weigh by S^rho (1 - S)^gamma, S the pooled survival; (0, 0) is the log-rank test.

    References
    ----------
    Fleming TR, Harrington DP. Counting Processes and Survival Analysis. 1991, section 7.2.

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> flat = PiecewiseRate((0.0,), (0.2,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 12.0, flat, flat)
    >>> FlemingHarrington(0, 1).at(plan, np.array([1.0, 5.0])).round(4).tolist()
    [0.1813, 0.6321]
    """

    rho: float = 0.0
    gamma: float = 0.0

    def at(self, plan: TwoArmPlan, time: Array) -> Array:
        pooled = pooled_survival(plan, time)
        out: Array = pooled**self.rho * (1 - pooled) ** self.gamma
        return out


@dataclass(frozen=True)
class ModestlyWeighted(Weight):
    """Weigh by 1 / max(S(t), S(t_star), s_star), S the pooled survival: rising until t_star months or until S is s_star.

    References
    ----------
    Magirr D, Burman CF. Modestly weighted logrank tests. Stat Med 2019;38:3782-3790, section 3.

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> flat = PiecewiseRate((0.0,), (0.2,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 12.0, flat, flat)
    >>> ModestlyWeighted(3.0).at(plan, np.array([1.0, 5.0])).round(4).tolist()
    [1.2214, 1.8221]
    """

    t_star: float = math.inf
    s_star: float = 0.0

    def __post_init__(self) -> None:
        if math.isnan(self.t_star) or self.t_star < 0:
            raise InputError(f"modestly weighted test: t_star is {self.t_star}; allowed: 0 or more months")
        if not 0 <= self.s_star <= 1:
            raise InputError(f"modestly weighted test: s_star is {self.s_star}; allowed: a survival from 0 to 1")

    def at(self, plan: TwoArmPlan, time: Array) -> Array:
        out: Array = 1 / np.maximum(pooled_survival(plan, np.minimum(time, self.t_star)), self.s_star)
        return out

    def breaks(self, plan: TwoArmPlan) -> tuple[float, ...]:
        months = [self.t_star] if math.isfinite(self.t_star) else []
        return (*months, *_month_of(plan, self.s_star))


@dataclass(frozen=True)
class EarlyZero(Weight):
    """Weigh an event before `early_period` months by 0, a later one by 1.

    References
    ----------
    Xu Z, Zhen B, Park Y, Zhu B. Designing therapeutic cancer vaccine trials with delayed treatment effect. Stat Med 2017;36:592-605.

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> flat = PiecewiseRate((0.0,), (0.2,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 12.0, flat, flat)
    >>> EarlyZero(1.5).at(plan, np.array([1.0, 5.0])).tolist()
    [0.0, 1.0]
    """

    early_period: float

    def __post_init__(self) -> None:
        if not 0 <= self.early_period < math.inf:
            raise InputError(f"early-zero test: early_period is {self.early_period}; allowed: 0 or more months, finite")

    def at(self, plan: TwoArmPlan, time: Array) -> Array:
        return np.where(time < self.early_period, 0.0, 1.0)

    def breaks(self, plan: TwoArmPlan) -> tuple[float, ...]:
        return (self.early_period,)


LOGRANK = FlemingHarrington()


def pooled_survival(plan: TwoArmPlan, time: Array) -> Array:
    """Return S = S_c p_c + S_e p_e, float64[m], p the shares of patients randomised: what the pooled Kaplan-Meier curve estimates."""
    share = plan.ratio / (1 + plan.ratio)
    out: Array = (1 - share) * np.exp(-plan.control.integral(time)) + share * np.exp(-plan.experimental.integral(time))
    return out


def _month_of(plan: TwoArmPlan, survival: float) -> tuple[float, ...]:
    """Return the month at which the pooled survival falls to this value, or nothing where it does not within a thousand months."""
    latest = 1000.0
    if not pooled_survival(plan, np.array([latest]))[0] < survival < 1:
        return ()
    return (float(brentq(lambda t: pooled_survival(plan, np.array([t]))[0] - survival, 0.0, latest, xtol=1e-12)),)
