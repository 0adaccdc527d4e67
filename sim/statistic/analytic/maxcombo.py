"""Power of the MaxCombo test: the largest of several Fleming-Harrington statistics, jointly normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.statistic.analytic.expected_events import TwoArmPlan, risk_sets
from sim.statistic.analytic.weights import FlemingHarrington
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

Weights = tuple[tuple[float, float], ...]
USUAL: Weights = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True, eq=False)
class JointScore:
    """Hold the expected z of each weight, float64[k], positive favouring the experimental arm, and their correlation, float64[k, k]."""

    z: Array
    correlation: Array


def joint_score(plan: TwoArmPlan, calendar: float, weights: Weights = USUAL) -> JointScore:
    """Compute the joint distribution of several Fleming-Harrington statistics at one calendar time.

    Parameters
    ----------
    plan : TwoArmPlan
    calendar : float, months
    weights : (rho, gamma) of each statistic

    Notes
    -----
    Cov(U_i, U_j) = int w_i w_j n_c n_e / (n_c + n_e)^2 dN, the variance of one statistic with w^2 replaced by w_i w_j.

    References
    ----------
    Karrison TG. Versatile tests for comparing survival curves based on weighted log-rank statistics. Stata J 2016;16:678-690.
    Roychoudhury S, et al. Robust design and analysis of clinical trials with nonproportional hazards. Stat Biopharm Res 2023;15:280-294.

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.5), (0.2475526, 0.1113987))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, control, late, 1.0, 0.0202027, 0.0202027)
    >>> joint_score(plan, 22.0, ((0, 0), (0, 1))).z.round(3).tolist()
    [2.753, 3.388]
    """
    if not weights:
        raise InputError("MaxCombo: no weights; allowed: at least one (rho, gamma)")
    return standardised(*scores(plan, calendar, weights))


def scores(plan: TwoArmPlan, calendar: float, weights: Weights) -> tuple[Array, Array]:
    """Return the expected scores, float64[k], positive favouring the experimental arm, and their covariance, float64[k, k]."""
    at = risk_sets(plan, calendar)
    w = np.array([FlemingHarrington(rho, gamma).at(plan, at.time) for rho, gamma in weights])
    total = np.maximum(at.control + at.experimental, 1e-300)
    u = w @ (at.width * at.control * at.experimental / total * (at.hazard_control - at.hazard_experimental))
    v = (w * (at.control * at.experimental / total**2 * (at.events_control + at.events_experimental))) @ w.T
    return u, v


def standardised(u: Array, v: Array) -> JointScore:
    """Return scores and their covariance as expected z and correlation."""
    sd = np.sqrt(np.diag(v))
    return JointScore(u / sd, v / np.outer(sd, sd))


def critical_value(correlation: Array, alpha: float = 0.025) -> float:
    """Return the c that the largest of correlated standard normals exceeds with probability alpha.

    Examples
    --------
    >>> round(critical_value(np.eye(2), 0.025), 3)
    2.239
    """
    if not 0 < alpha < 0.5:
        raise InputError(f"MaxCombo: alpha is {alpha}; allowed: above 0 and below 1/2")
    k = len(correlation)
    low, high = -float(ndtri(alpha)), -float(ndtri(alpha / k))
    if k == 1:
        return low
    return float(brentq(lambda c: 1 - below(np.full(k, c), correlation) - alpha, low - 0.01, high + 0.01, xtol=1e-9))


def power(plan: TwoArmPlan, calendar: float, alpha: float = 0.025, weights: Weights = USUAL) -> float:
    """Return the power of the MaxCombo test at this calendar month.

    Examples
    --------
    >>> from sim.statistic.analytic.expected_events import PiecewiseRate
    >>> control, late = PiecewiseRate((0.0,), (0.2475526,)), PiecewiseRate((0.0, 1.0), (0.2475526, 0.1237763))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (12.0,)), 15.0, control, late, 2.0, 0.0202027, 0.0202027)
    >>> round(power(plan, 21.0), 3)
    0.88
    """
    joint = joint_score(plan, calendar, weights)
    c = critical_value(joint.correlation, alpha)
    return 1 - below(c - joint.z, joint.correlation)


def below(limits: Array, correlation: Array) -> float:
    """Return P(Z_1 <= limits_1, …, Z_k <= limits_k) for standard normals whose correlation has a rank of at most 3.

    Parameters
    ----------
    limits : float64[k]
    correlation : float64[k, k]

    Raises
    ------
    InputError : where the rank is above 3

    Notes
    -----
    Z = L x with x independent. Given x_1 and x_2 the limits leave one interval for x_3, whose probability is exact; over x_1 and x_2
    Gauss-Legendre on panels of 1/8: to 1e-5, for where two limits meet the integrand has a kink. The usual four weights have rank 3, as
    w_00 = w_01 + w_10.
    """
    values, vectors = np.linalg.eigh(correlation)
    keep = values > 1e-9 * values[-1]
    if keep.sum() > 3:
        raise InputError(f"MaxCombo: the correlation of these weights has rank {int(keep.sum())}; allowed: at most 3")
    load = np.zeros((len(limits), 3))
    load[:, 3 - int(keep.sum()) :] = vectors[:, keep] * np.sqrt(values[keep])
    # x_3 along the mean of the statistics: all of them then bound it, and the integrand has kinks but no steps
    rotation, _ = np.linalg.qr(np.column_stack([load.sum(axis=0), np.eye(3)]))
    load = load @ rotation[:, [1, 2, 0]]
    x, w = _normal_grid()
    first, second = np.meshgrid(x, x, indexing="ij")
    low, high = np.full(first.shape, -np.inf), np.full(first.shape, np.inf)
    for limit, (a, b, c) in zip(limits, load, strict=True):
        room = limit - a * first - b * second
        if abs(c) < 1e-12:
            high = np.where(room >= 0, high, -np.inf)
        elif c > 0:
            high = np.minimum(high, room / c)
        else:
            low = np.maximum(low, room / c)
    inside = np.maximum(ndtr(high) - ndtr(low), 0.0)
    return float(w @ inside @ w)


def _normal_grid() -> tuple[Array, Array]:
    """Return nodes on (-8, 8) and weights that carry the normal density, float64[m] each."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    edges = np.arange(-64, 64) / 8
    x = (edges[:, None] + (nodes + 1) / 16).ravel()
    w = np.tile(weights / 16, len(edges)) * np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    return x, w
