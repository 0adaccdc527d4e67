"""Error spending functions: how much of alpha (or beta) may be used up by each information fraction."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.types import Array, InputError

ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")


class Spending(ABC):
    """How an error is spent: a rising function of the information fraction, from 0 at 0 to the whole error at 1."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The function's name in a report."""

    @abstractmethod
    def spent(self, fraction: Array, error: float) -> Array:
        """Return the error spent by each information fraction, float64[k]; fractions above 1 count as 1."""


@dataclass(frozen=True)
class LanDeMetsOBrienFleming(Spending):
    """Spend 2 (1 - Phi(z_{error/2} / sqrt(t))): hardly anything early.

    References
    ----------
    Lan KKG, DeMets DL. Discrete sequential boundaries for clinical trials. Biometrika 1983;70:659-663.

    Examples
    --------
    >>> LanDeMetsOBrienFleming().spent(np.array([0.6, 1.0]), 0.025).round(6).tolist()
    [0.003808, 0.025]
    """

    @property
    def label(self) -> str:
        return "Lan-DeMets spending, O'Brien-Fleming type"

    def spent(self, fraction: Array, error: float) -> Array:
        t = _fractions(fraction)
        return np.asarray(2 * ndtr(ndtri(error / 2) / np.sqrt(t)), dtype=np.float64)


@dataclass(frozen=True)
class LanDeMetsPocock(Spending):
    """Spend error log(1 + (e - 1) t): nearly equal critical values.

    References
    ----------
    Lan KKG, DeMets DL. Biometrika 1983;70:659-663.

    Examples
    --------
    >>> LanDeMetsPocock().spent(np.array([0.5, 1.0]), 0.025).round(6).tolist()
    [0.015503, 0.025]
    """

    @property
    def label(self) -> str:
        return "Lan-DeMets spending, Pocock type"

    def spent(self, fraction: Array, error: float) -> Array:
        return error * np.log1p((math.e - 1) * _fractions(fraction))


@dataclass(frozen=True)
class KimDeMets(Spending):
    """Spend error t^rho.

    Parameters
    ----------
    rho : float > 0; 1 spends evenly, 3 resembles O'Brien-Fleming

    References
    ----------
    Kim K, DeMets DL. Design and analysis of group sequential tests based on the type I error spending rate function. Biometrika 1987;74:149-154.

    Examples
    --------
    >>> KimDeMets(2.0).spent(np.array([0.5, 1.0]), 0.025).round(6).tolist()
    [0.00625, 0.025]
    """

    rho: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.rho < math.inf:
            raise InputError(f"Kim-DeMets spending: rho is {self.rho}; allowed: a positive number")

    @property
    def label(self) -> str:
        return f"Kim-DeMets power spending, rho {self.rho:g}"

    def spent(self, fraction: Array, error: float) -> Array:
        return np.asarray(error * _fractions(fraction) ** self.rho, dtype=np.float64)


@dataclass(frozen=True)
class HwangShihDeCani(Spending):
    """Spend error (1 - e^(-gamma t)) / (1 - e^(-gamma)); error t where gamma is 0.

    Parameters
    ----------
    gamma : float; -4 resembles O'Brien-Fleming, 1 resembles Pocock

    References
    ----------
    Hwang IK, Shih WJ, De Cani JS. Group sequential designs using a family of type I error probability spending functions. Stat Med 1990;9:1439-1445.

    Examples
    --------
    >>> HwangShihDeCani(-4.0).spent(np.array([0.5, 1.0]), 0.025).round(6).tolist()
    [0.00298, 0.025]
    """

    gamma: float = -4.0

    def __post_init__(self) -> None:
        if not abs(self.gamma) <= 500:
            raise InputError(f"Hwang-Shih-DeCani spending: gamma is {self.gamma}; allowed: -500 to 500")

    @property
    def label(self) -> str:
        return f"Hwang-Shih-DeCani spending, gamma {self.gamma:g}"

    def spent(self, fraction: Array, error: float) -> Array:
        t = _fractions(fraction)
        if self.gamma == 0:
            return error * t
        return np.asarray(error * np.expm1(-self.gamma * t) / math.expm1(-self.gamma), dtype=np.float64)


@dataclass(frozen=True)
class UserSpending(Spending):
    """Spend what a table says, on straight lines between its points.

    Parameters
    ----------
    fractions : rising information fractions, the last 1; (0, 0) is implied
    spent_shares : share of the error spent by each, rising, the last 1

    Examples
    --------
    >>> UserSpending((0.5, 1.0), (0.1, 1.0)).spent(np.array([0.25, 0.5, 1.0]), 0.025).round(6).tolist()
    [0.00125, 0.0025, 0.025]
    """

    fractions: tuple[float, ...]
    spent_shares: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("fractions", "spent_shares"):
            object.__setattr__(self, name, tuple(float(x) for x in getattr(self, name)))
        t, share = np.asarray(self.fractions, dtype=float), np.asarray(self.spent_shares, dtype=float)
        if t.ndim != 1 or t.shape != share.shape or len(t) == 0:
            raise InputError(
                f"user spending: {len(self.fractions)} fractions and {len(self.spent_shares)} shares; allowed: as many of each, at least one"
            )
        if not (t[0] > 0 and t[-1] == 1 and np.all(np.diff(t) > 0)):
            raise InputError(f"user spending: fractions are {self.fractions}; allowed: rising above 0 up to 1")
        if not (share[0] >= 0 and share[-1] == 1 and np.all(np.diff(share) >= 0)):
            raise InputError(f"user spending: shares are {self.spent_shares}; allowed: never falling, from at least 0 up to 1")

    @property
    def label(self) -> str:
        return "spending by the user's table"

    def spent(self, fraction: Array, error: float) -> Array:
        return np.asarray(error * np.interp(_fractions(fraction), (0.0, *self.fractions), (0.0, *self.spent_shares)), dtype=np.float64)


def increments(spending: Spending, fractions: Array, error: float) -> Array:
    """Return the error each look may spend, float64[k]; the last look gets all the rest, whatever its fraction.

    Raises
    ------
    InputError : where the error is not a probability or the fractions do not rise
    """
    t = np.asarray(fractions, dtype=np.float64)
    if not 0 < error < 1:
        raise InputError(f"spending: the error to spend is {error}; allowed: above 0 and below 1")
    if t.ndim != 1 or len(t) == 0 or not (t[0] > 0 and np.all(np.diff(t) > 0) and np.all(np.isfinite(t))):
        raise InputError(f"spending: information fractions are {tuple(t.tolist())}; allowed: rising numbers above 0")
    total = spending.spent(t, error)
    total[-1] = error
    return np.diff(total, prepend=0.0)


def _fractions(fraction: Array) -> Array:
    return np.minimum(np.asarray(fraction, dtype=np.float64), 1.0)
