"""Power of a group-sequential MaxCombo design, whose tests may change from look to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.boundary.spending import Spending
from sim.later import later
from sim.statistic.analytic.expected_events import TwoArmPlan
from sim.statistic.analytic.maxcombo import JointScore, Weights, below, scores, standardised
from sim.statistic.analytic.weighted_logrank import score, without_effect
from sim.statistic.analytic.weights import FlemingHarrington
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
ndtri = later("scipy.special", "ndtri")

LEAST_SPENT = 1e-5


@dataclass(frozen=True)
class Look:
    """An analysis at a calendar month by the largest of the statistics of these (rho, gamma)."""

    calendar: float
    weights: Weights


@dataclass(frozen=True, eq=False)
class SequentialMaxCombo:
    """Hold a group-sequential MaxCombo design, float64[k] each.

    fractions : at which the spending function is read
    bounds : critical value of each look
    alpha, power : P(rejected by look j), without effect and under the plan
    """

    fractions: Array
    bounds: Array
    alpha: Array
    power: Array


def sequential_maxcombo(plan: TwoArmPlan, looks: Sequence[Look], alpha: float, spending: Spending) -> SequentialMaxCombo:
    """Compute the bounds that spend alpha over the looks, and the power they give.

    Parameters
    ----------
    plan : TwoArmPlan
    looks : by rising calendar month; the rank of all their statistics together is at most 3
    alpha : float, one-sided
    spending : read at each look's least information fraction among all the statistics of the design

    Raises
    ------
    InputError : a rank above 3, a look that is to spend less than 1e-5, months that do not rise, a look without weights

    Notes
    -----
    For a look a before b, Cov(U_ai, U_bj) = int w_i w_j n_c n_e / (n_c + n_e)^2 dN up to look a: increments of a weighted score are
    uncorrelated with what came before. The bound c_j of look j, the same for all its statistics, solves P(rejected by look j) = alpha spent.
    The correlation is the one expected under the plan; information fractions are those of `weighted_logrank.without_effect`.

    References
    ----------
    Wang L, Luo X, Zheng C. A simulation-free group sequential design with max-combo tests in the presence of non-proportional hazards.
    Pharm Stat 2021;20:879-897. Roychoudhury S, et al. Stat Biopharm Res 2023;15:280-294.

    Examples
    --------
    >>> from sim.boundary.spending import LanDeMetsOBrienFleming
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.5), (0.2475526, 0.1113987))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, late, 1.0, 0.0202027, 0.0202027)
    >>> looks = Look(16.0, ((0, 0),)), Look(22.0, ((0, 0), (0, 1)))
    >>> sequential_maxcombo(plan, looks, 0.025, LanDeMetsOBrienFleming()).power.round(3).tolist()
    [0.323, 0.902]
    """
    if not 0 < alpha < 0.5:
        raise InputError(f"MaxCombo: alpha is {alpha}; allowed: above 0 and below 1/2")
    joint, look_of = joint_looks(plan, looks)
    fractions = _fractions(plan, looks)
    spent = spending.spent(fractions, alpha)
    least = float(np.diff(spent, prepend=0.0).min())
    if least < LEAST_SPENT:
        raise InputError(f"MaxCombo: a look is to spend {least:.2g}; allowed: {LEAST_SPENT:g} or more, the error of the quadrature")
    bounds, rejected, power = np.empty((3, len(looks)))
    for j, correlation in enumerate(_up_to_each_look(joint.correlation, look_of)):
        seen = look_of[look_of <= j]
        earlier = bounds[seen[seen < j]]
        now = int((seen == j).sum())
        excess = partial(_excess, earlier=earlier, now=now, correlation=correlation, spent=float(spent[j]))
        bounds[j] = brentq(excess, -float(ndtri(alpha)) - 1.0, 9.0, xtol=1e-9)
        rejected[j] = excess(bounds[j]) + spent[j]
        power[j] = 1 - below(bounds[seen] - joint.z[: len(seen)], correlation)
    return SequentialMaxCombo(fractions, bounds, rejected, power)


def _up_to_each_look(correlation: Array, look_of: NDArray[np.int64]) -> list[Array]:
    """Return the correlation of the statistics of looks 0 to j, for each j: statistics stand in the order of their looks."""
    return [correlation[:k, :k] for k in np.searchsorted(look_of, np.arange(look_of[-1] + 1), side="right")]


def _excess(bound: float, earlier: Array, now: int, correlation: Array, spent: float) -> float:
    """Return P(rejected by this look) less what is to be spent by it, without effect."""
    return 1 - below(np.append(earlier, np.full(now, bound)), correlation) - spent


def joint_looks(plan: TwoArmPlan, looks: Sequence[Look]) -> tuple[JointScore, NDArray[np.int64]]:
    """Return the joint distribution of the statistics of all looks in their order, and the look of each, int64[m]."""
    calendars = [look.calendar for look in looks]
    if not looks or not all(look.weights for look in looks):
        raise InputError("MaxCombo: a look has no weights; allowed: at least one look, each with at least one (rho, gamma)")
    if any(b <= a for a, b in pairwise(calendars)):
        raise InputError(f"MaxCombo: looks at {calendars}; allowed: rising calendar months")
    weights = [pair for look in looks for pair in look.weights]
    look_of = np.repeat(np.arange(len(looks)), [len(look.weights) for look in looks])
    u, v = np.empty(len(weights)), np.empty((len(weights), len(weights)))
    for j, look in enumerate(looks):
        score_of, covariance = scores(plan, look.calendar, tuple(weights))
        mine, later = look_of == j, look_of >= j
        u[mine] = score_of[mine]
        v[np.ix_(mine, later)] = covariance[np.ix_(mine, later)]
        v[np.ix_(later, mine)] = covariance[np.ix_(later, mine)]
    return standardised(u, v), look_of


def _fractions(plan: TwoArmPlan, looks: Sequence[Look]) -> Array:
    """Return each look's least information fraction among all the design's statistics, without effect, float64[k]."""
    null = without_effect(plan)
    weights = dict.fromkeys(pair for look in looks for pair in look.weights)
    information = np.array([[score(null, look.calendar, FlemingHarrington(*pair)).v for pair in weights] for look in looks])
    least: Array = (information / information[-1]).min(axis=1)
    return least
