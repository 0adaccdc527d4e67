"""Bounds of a trial whose every look tests the largest of several correlated scores (MaxCombo)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.boundary.last_analysis import LastAnalysis
from sim.boundary.monitoring import Watch, rising_looks, to_spend
from sim.boundary.spending import Spending
from sim.later import later
from sim.types import Array

brentq = later("scipy.optimize", "brentq")
ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

POINTS = 1 << 15

Covariance = Callable[[float], Array]
"""The null covariance of a look's scores, float64[k, k], by the information (events) that it finds."""


def any_above(limits: Array, correlation: Array) -> float:
    """Return P(Z_a > limits_a for any a) of correlated standard normals, of any rank.

    Parameters
    ----------
    limits : float64[k]; correlation : float64[k, k]

    Notes
    -----
    Z = L x with x independent. Along the mean of the statistics all of them rise together: given the other x the limits leave one interval
    for it, whose probability is exact. Over the others a fixed lattice (Richtmyer's) of 32,768 points with the baker's transform: an error of about
    1e-5 up to two looks of four scores.

    References
    ----------
    Genz & Bretz, Computation of Multivariate Normal and t Probabilities, 2009, section 4.2.

    Examples
    --------
    >>> round(any_above(np.array([1.959964]), np.eye(1)), 6)
    0.025
    """
    values, vectors = np.linalg.eigh(correlation)
    keep = values > 1e-9 * values[-1]
    load = vectors[:, keep] * np.sqrt(values[keep])
    rank = load.shape[1]
    rotation, _ = np.linalg.qr(np.column_stack([load.sum(axis=0), np.eye(rank)]))
    load = load @ rotation
    if load[:, 0].sum() < 0:
        load[:, 0] *= -1
    room = np.broadcast_to(limits[:, None], (len(limits), 1)) if rank == 1 else limits[:, None] - load[:, 1:] @ _lattice(rank - 1)
    high, low = np.full(room.shape[1], np.inf), np.full(room.shape[1], -np.inf)
    for need, slope in zip(room, load[:, 0], strict=True):
        if abs(slope) < 1e-12:
            high = np.where(need >= 0, high, -np.inf)
        elif slope > 0:
            high = np.minimum(high, need / slope)
        else:
            low = np.maximum(low, need / slope)
    return float(np.mean(np.minimum(ndtr(-high) + ndtr(low), 1.0)))


def _lattice(dimensions: int) -> Array:
    """Return standard normal points, float64[dimensions, POINTS]."""
    steps = np.sqrt(np.array(_primes(dimensions), dtype=np.float64))
    u = (steps[:, None] * (np.arange(POINTS) + 0.5)) % 1.0
    # the baker's transform, kept off 0 and 1
    return np.asarray(ndtri(np.clip(1.0 - np.abs(2.0 * u - 1.0), 1e-15, 1 - 1e-15)), dtype=np.float64)


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % p for p in found):
            found.append(number)
        number += 1
    return found


@dataclass(frozen=True)
class Limit:
    """Hold the critical value of the largest score at a look, and the z whose one-sided level is that of the look alone."""

    largest: float
    z: float


def joint_correlation(covariances: Sequence[Array]) -> Array:
    """Return the correlation of all scores of looks in their order, given the covariance at each look.

    Notes
    -----
    Cov(U_aj, U_bk) is that of the earlier look. A score without variance yet is left at correlation 0: it never exceeds a limit.
    """
    k, looks = len(covariances[0]), len(covariances)
    out = np.empty((k * looks, k * looks))
    for i in range(looks):
        for j in range(looks):
            out[i * k : (i + 1) * k, j * k : (j + 1) * k] = covariances[min(i, j)]
    sd = np.sqrt(np.diag(out))
    scale = np.where(sd > 0, 1 / np.where(sd > 0, sd, 1.0), 0.0)
    correlation: Array = out * scale[:, None] * scale
    return correlation


def next_limit(covariances: Sequence[Array], earlier: Sequence[float], probability: float) -> Limit:
    """Return the limit that a look crosses, none before it crossed, with this probability.

    covariances : of each look so far, this one last; earlier : limits of the looks before
    """
    if probability <= 0:
        return Limit(np.inf, np.inf)
    k = len(covariances[0])
    joint, own = joint_correlation(covariances), joint_correlation(covariances[-1:])
    before = np.repeat(np.asarray(earlier, dtype=np.float64), k)

    def crossed(limit: float) -> float:
        return any_above(np.append(before, np.full(k, limit)), joint)

    spent = crossed(np.inf) if earlier else 0.0
    highest = -float(ndtri(probability / k)) + 1e-6
    if crossed(-1.0) <= spent + probability:
        return Limit(-1.0, 0.0)
    largest = float(brentq(lambda c: crossed(c) - spent - probability, -1.0, highest + 1.0, xtol=1e-9))
    level = any_above(np.full(k, largest), own) if earlier else probability
    return Limit(largest, -float(ndtri(level)))


def joint_limits(covariances: Sequence[Array], spend: Array) -> list[Limit]:
    """Return the limits of looks that are to spend this much each, float64[looks]."""
    out: list[Limit] = []
    for j, probability in enumerate(spend):
        out.append(next_limit(covariances[: j + 1], [limit.largest for limit in out], float(probability)))
    return out


@dataclass(frozen=True, eq=False)
class LastOfSeveral(LastAnalysis):
    """The largest of several scores, whose null covariance follows from the information (events) that a look finds.

    alpha : one-sided, of the whole trial; limits : planned limits of the largest score; covariance : at an information
    """

    alpha: float
    limits: tuple[float, ...]
    covariance: Covariance
    known: dict[tuple[float, ...], float] = field(default_factory=dict, repr=False)

    def bound(self, found: tuple[float, ...]) -> float:
        if found not in self.known:
            self.known[found] = self._bound(found)
        return self.known[found]

    def _bound(self, found: tuple[float, ...]) -> float:
        information, looks = rising_looks(found)
        if not information:
            return np.inf
        covariances = [self.covariance(x) for x in information]
        earlier = [self.limits[k] for k in looks[:-1]]
        correlation = joint_correlation(covariances[:-1]) if earlier else np.eye(1)
        spent = any_above(np.repeat(earlier, len(covariances[0])), correlation) if earlier else 0.0
        return next_limit(covariances, earlier, self.alpha - spent).z


@dataclass(frozen=True, eq=False)
class JointMonitor(Watch):
    """What was planned for the largest of several scores, and is spent as the trial goes; nothing gives it up.

    planned : information at the planned last look; alpha, spending : the type I error and how it is spent; covariance : at an information
    """

    planned: float
    alpha: float
    spending: Spending
    covariance: Covariance
    known: dict[tuple[object, ...], tuple[float, ...]] = field(default_factory=dict, repr=False)

    def bounds(self, information: tuple[float, ...], last: bool, at: tuple[float, ...] | None = None) -> tuple[float, float]:
        rising, looks = rising_looks(information)
        if not rising:
            return np.inf, -np.inf
        fractions = tuple(x / self.planned for x in rising) if at is None else tuple(at[k] for k in looks)
        return self._limits(rising, fractions, last)[-1], -np.inf

    def _limits(self, rising: tuple[float, ...], fractions: tuple[float, ...], last: bool) -> tuple[float, ...]:
        """Return the limits of the largest score at the looks so far, and after them the z of the latest."""
        key = (rising, fractions, last)
        if key not in self.known:
            earlier = self._limits(rising[:-1], fractions[:-1], False)[:-1] if len(rising) > 1 else ()
            spend = to_spend(self.spending, self.alpha, fractions, last)
            found = next_limit([self.covariance(x) for x in rising], earlier, float(spend))
            self.known[key] = (*earlier, found.largest, found.z)
        return self.known[key]
