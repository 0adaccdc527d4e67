"""The exact single-stage binomial design: reject when at least r of n respond (A'Hern 2001)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
binom = later("scipy.stats", "binom")

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class SingleStage:
    """Hold one exact single-stage design and its two exact error rates.

    n : patients
    r : smallest number of responses that rejects H0; n + 1 when no result can reject
    p0, p1 : response rate under the null and under the alternative
    type_i_error : P(X >= r | p0)
    power : P(X >= r | p1)
    """

    n: int
    r: int
    p0: float
    p1: float
    type_i_error: float
    power: float


def rejection_counts(n: Counts, p0: float, alpha: float) -> Counts:
    """Return, for every n, the smallest r with P(X >= r | n, p0) <= alpha.

    Parameters
    ----------
    n : int64[k], patients, each at least 1
    p0 : float in (0, 1), response rate under the null
    alpha : float in (0, 1), one-sided

    Returns
    -------
    int64[k]; n + 1 where even n responses of n are no proof
    """
    _check_rate("p0", p0)
    _check_rate("alpha", alpha)
    n = np.asarray(n, dtype=np.int64)
    if n.size and n.min() < 1:
        raise InputError(f"exact binomial: n is {int(n.min())}; allowed: 1 or more patients")
    r = binom.isf(alpha, n, p0).astype(np.int64) + 1
    # isf may be one off where a tail equals alpha to rounding, so the tails themselves decide
    r = np.where(binom.sf(r - 1, n, p0) > alpha, r + 1, r)
    return np.where((r > 0) & (binom.sf(r - 2, n, p0) <= alpha), r - 1, r)


def rejection_count(n: int, p0: float, alpha: float) -> int:
    """Return the smallest r with P(X >= r | n, p0) <= alpha.

    Examples
    --------
    >>> rejection_count(66, 0.30, 0.025)
    28
    """
    return int(rejection_counts(np.array([n]), p0, alpha)[0])


def exact_power(n: int, r: int, p: float) -> float:
    """Return P(X >= r) for X binomial(n, p).

    Examples
    --------
    >>> round(exact_power(66, 28, 0.5), 4)
    0.9124
    """
    return float(binom.sf(r - 1, n, p))


def single_stage(n: int, p0: float, p1: float, alpha: float) -> SingleStage:
    """Make the level-alpha design with n patients.

    Examples
    --------
    >>> single_stage(66, 0.30, 0.50, 0.025).r
    28
    """
    _check_rates(p0, p1)
    r = rejection_count(n, p0, alpha)
    return SingleStage(n, r, p0, p1, exact_power(n, r, p0), exact_power(n, r, p1))


def smallest_n(
    p0: float, p1: float, alpha: float = 0.025, power: float = 0.9, rule: str = "stays", window: int | None = None
) -> SingleStage:
    """Find the smallest n whose exact power reaches the target.

    Parameters
    ----------
    p0, p1 : floats, 0 < p0 < p1 < 1
    alpha : float, one-sided
    power : float, the target
    rule : "first": the power reaches the target at n; "stays": at n and at every larger n (the power is saw-toothed)
    window : with "stays", ask only for n, n + 1, …, n + window; None asks for all larger n

    Raises
    ------
    InputError : where a rate is outside its range or the rule is unknown

    Notes
    -----
    "Every larger n" is proved, not tried: by Chernoff's bound both errors hold from some n on (see `certain_n`), and
    every n below is computed.

    References
    ----------
    A'Hern RP. Sample size tables for exact single-stage phase II designs. Stat Med 2001;20:859-866.
    Chernoff H. Ann Math Stat 1952;23:493-507.

    Examples
    --------
    >>> smallest_n(0.30, 0.50, 0.025, 0.90, rule="first").n, smallest_n(0.30, 0.50, 0.025, 0.90).n
    (66, 68)
    """
    _check_rates(p0, p1)
    _check_rate("alpha", alpha)
    _check_rate("power", power)
    if rule not in ("first", "stays"):
        raise InputError(f"exact binomial: rule is {rule!r}; allowed: first, stays")
    last = certain_n(p0, p1, alpha, power) + (window or 0)
    n = np.arange(1, last + 1)
    r = rejection_counts(n, p0, alpha)
    reached = binom.sf(r - 1, n, p1) >= power
    if rule == "stays":
        misses = np.flatnonzero(~reached)
        if window is None:
            i = int(misses[-1]) + 1 if misses.size else 0
        else:
            # the distance to the next miss, counted from each n on
            following = np.searchsorted(misses, np.arange(last))
            next_miss = np.append(misses, last + window + 1)[following]
            i = int(np.argmax(next_miss - np.arange(last) > window))
    else:
        i = int(np.argmax(reached))
    return single_stage(int(n[i]), p0, p1, alpha)


def certain_n(p0: float, p1: float, alpha: float, power: float) -> int:
    """Return an n from which on the exact power is certain to stay at the target or above.

    Notes
    -----
    Let D(c, p) be the Kullback-Leibler divergence of Bernoulli(c) from Bernoulli(p), and c_n > p0 solve
    n D(c_n, p0) = -log alpha. Every r >= n c_n holds the level, so r - 1 < n c_n, and for c_n < p1 the power is missed with
    probability at most exp(-n D(c_n, p1)), which falls with n because c_n does.
    """

    def divergence(c: float, p: float) -> float:
        return c * math.log(c / p) + (1 - c) * math.log((1 - c) / (1 - p))

    def missed(c: float) -> float:
        # n as a function of c, so that one root in c suffices
        return -math.log(alpha) / divergence(c, p0) * divergence(c, p1) + math.log(1 - power)

    width = p1 - p0
    c = float(brentq(missed, p0 + 1e-5 * width, p1 - 1e-5 * width, xtol=1e-14))
    return math.ceil(-math.log(alpha) / divergence(c, p0)) + 1


def exact_power_curve(n: Counts, p0: float, p1: float, alpha: float) -> Array:
    """Return the exact power at each n, float64[k]: the saw-tooth."""
    _check_rates(p0, p1)
    r = rejection_counts(n, p0, alpha)
    return np.asarray(binom.sf(r - 1, n, p1), dtype=np.float64)


def _check_rate(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise InputError(f"exact binomial: {name} is {value}; allowed: above 0 and below 1")


def _check_rates(p0: float, p1: float) -> None:
    _check_rate("p0", p0)
    _check_rate("p1", p1)
    if not p0 < p1:
        raise InputError(f"exact binomial: p1 is {p1}; allowed: above p0 = {p0}")
