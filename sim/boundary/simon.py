"""Simon's two-stage designs: optimal, minimax and the admissible ones between them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.types import Array, InputError

binom = later("scipy.stats", "binom")
best_first_stage = later("sim.kernels.simon", "best_first_stage")
binomial_tables = later("sim.kernels.simon", "binomial_tables")
most_stopped = later("sim.kernels.simon", "most_stopped")

KINDS = ("optimal", "minimax", "admissible")
LARGEST = 1_500
"""Patients beyond which no design is looked for, as tables and time grow with its square; the proof that 1,000 are best goes that far."""


@dataclass(frozen=True)
class TwoStage:
    """Hold a two-stage design: stop after n1 where at most r1 respond; reject H0 where more than r of n respond.

    en_p0, en_p1 : expected patients under the null and the alternative
    pet_p0, pet_p1 : probability of early termination
    type_i_error, power : exact
    """

    r1: int
    n1: int
    r: int
    n: int
    p0: float
    p1: float
    en_p0: float
    en_p1: float
    pet_p0: float
    pet_p1: float
    type_i_error: float
    power: float


@dataclass(frozen=True)
class Admissible:
    """Hold a design that minimises q n + (1 - q) EN(p0) for every q in [q_low, q_high]: 1 is minimax, 0 optimal."""

    design: TwoStage
    q_low: float
    q_high: float


def two_stage(r1: int, n1: int, r: int, n: int, p0: float, p1: float) -> TwoStage:
    """Compute the exact characteristics of any two-stage design.

    Raises
    ------
    InputError : where 0 <= r1 < n1 < n, r1 <= r < n or 0 < p0 < p1 < 1 does not hold

    Examples
    --------
    >>> design = two_stage(1, 10, 5, 29, 0.10, 0.30)
    >>> round(design.en_p0, 1), round(design.type_i_error, 3), round(design.power, 3)
    (15.0, 0.047, 0.805)
    """
    if not (0 <= r1 < n1 < n and r1 <= r < n):
        raise InputError(f"two-stage design: r1/n1 is {r1}/{n1} and r/n is {r}/{n}; allowed: 0 <= r1 < n1 < n and r1 <= r < n")
    _check(p0, p1, 0.5, 0.5)
    x = np.arange(r1 + 1, n1 + 1)

    def rejects(p: float) -> float:
        return float(np.sum(binom.pmf(x, n1, p) * binom.sf(r - x, n - n1, p)))

    pet0, pet1 = float(binom.cdf(r1, n1, p0)), float(binom.cdf(r1, n1, p1))
    return TwoStage(r1, n1, r, n, p0, p1, n1 + (1 - pet0) * (n - n1), n1 + (1 - pet1) * (n - n1), pet0, pet1, rejects(p0), rejects(p1))


def simon(p0: float, p1: float, alpha: float = 0.05, power: float = 0.8, kind: str = "optimal", n_max: int | None = None) -> TwoStage:
    """Find Simon's optimal or minimax design.

    Parameters
    ----------
    p0, p1 : floats, 0 < p0 < p1 < 1, response rates under the null and the alternative
    alpha : float, one-sided, the largest type I error
    power : float, the smallest power
    kind : "optimal": smallest EN(p0); "minimax": smallest n, and among those smallest EN(p0)
    n_max : largest n to look at, up to 1,500; None looks until no larger n can be better, which is proved (see `admissible`)

    References
    ----------
    Simon R. Optimal two-stage designs for phase II clinical trials. Control Clin Trials 1989;10:1-10.

    Examples
    --------
    >>> design = simon(0.10, 0.30, 0.05, 0.80)
    >>> design.r1, design.n1, design.r, design.n
    (1, 10, 5, 29)
    """
    if kind not in ("optimal", "minimax"):
        raise InputError(f"Simon's design: kind is {kind!r}; allowed: optimal, minimax")
    designs = admissible(p0, p1, alpha, power, n_max)
    return (designs[0] if kind == "minimax" else designs[-1]).design


def admissible(p0: float, p1: float, alpha: float = 0.05, power: float = 0.8, n_max: int | None = None) -> tuple[Admissible, ...]:
    """Find all admissible designs, from minimax to optimal, n rising.

    Raises
    ------
    InputError : where a rate is out of range, no design with at most n_max patients meets both errors, or without n_max the search
        does not end at 1,500

    Notes
    -----
    For each n the design with the smallest EN(p0); of these points (n, EN) the lower convex hull. Without n_max the search ends where
    EN(p0) >= min over n1 of n1 + (n - n1) P(X1 > r1 | p0), r1 the largest that keeps beta in the first stage, exceeds the best found;
    this bound rises with n, so every larger n is worse.

    References
    ----------
    Jung SH, Lee T, Kim K, George SL. Admissible two-stage designs for phase II cancer clinical trials. Stat Med 2004;23:561-569.

    Examples
    --------
    >>> [(a.design.n, round(a.q_low, 3), round(a.q_high, 3)) for a in admissible(0.05, 0.20, 0.05, 0.80)]
    [(27, 0.597, 1.0), (28, 0.414, 0.597), (29, 0.0, 0.414)]
    """
    _check(p0, p1, alpha, power)
    if n_max is not None and not 2 <= n_max <= LARGEST:
        raise InputError(f"Simon's design: n_max is {n_max}; allowed: 2 to {LARGEST:,} patients")
    found = _best_of_each_n(p0, p1, alpha, 1 - power, n_max)
    if not found:
        raise InputError(
            f"Simon's design: no design with at most {n_max} patients meets alpha {alpha} and power {power}; allowed: a larger n_max"
        )
    hull: list[tuple[float, tuple[int, int, int, int]]] = []
    for en, design in found:
        # a point above the line between its neighbours is best for no weight
        while len(hull) >= 2 and _slope(hull[-2], hull[-1]) <= _slope(hull[-2], (en, design)):
            hull.pop()
        if not hull or en < hull[-1][0]:
            hull.append((en, design))
    cuts = [1.0, *(s / (1 + s) for s in (_slope(a, b) for a, b in itertools.pairwise(hull))), 0.0]
    return tuple(Admissible(two_stage(*design, p0, p1), cuts[i + 1], cuts[i]) for i, (_, design) in enumerate(hull))


def best_with_n(n: int, p0: float, p1: float, alpha: float = 0.05, power: float = 0.8) -> TwoStage:
    """Find, for n patients in both stages, the design with the smallest EN(p0) that meets both errors.

    Raises
    ------
    InputError : where a rate is out of range or no design with n patients meets both errors

    Examples
    --------
    >>> design = best_with_n(30, 0.10, 0.30, 0.05, 0.80)
    >>> design.r1, design.n1, design.r
    (2, 14, 5)
    """
    _check(p0, p1, alpha, power)
    if n > LARGEST:
        raise InputError(f"Simon's design: n is {n}; allowed: up to {LARGEST:,} patients, or r1, n1, r and n of your own (kind given)")
    en, design = _Tables.of(p0, p1, 1 - power, n).best(n, alpha, 1 - power, math.inf) if n >= 2 else (math.inf, (0, 0, 0, 0))
    if not math.isfinite(en):
        raise InputError(
            f"Simon's design: n is {n}: no design meets alpha {alpha:g} and power {power:g} for rates {p0:.3f} and {p1:.3f};"
            " allowed: more patients, or null for as many as are needed"
        )
    return two_stage(*design, p0, p1)


@dataclass(frozen=True, eq=False)
class _Tables:
    """Binomial probabilities for up to `size` patients.

    mass0, tail0, mass1, tail1 : float64[size + 1, size + 2] as `binomial_tables` fills them, at p0 and p1
    most : int64[size + 1], the largest r1 of each n1 that keeps beta, from `most_stopped`
    going_on : float64[size + 1], P(X1 > that r1 | p0), 1 where there is none
    """

    size: int
    mass0: Array
    tail0: Array
    mass1: Array
    tail1: Array
    most: NDArray[np.int64]
    going_on: Array

    @classmethod
    def of(cls, p0: float, p1: float, beta: float, size: int) -> _Tables:
        mass0, tail0, mass1, tail1 = (np.empty((size + 1, size + 2)) for _ in range(4))
        binomial_tables(p0, mass0, tail0)
        binomial_tables(p1, mass1, tail1)
        most = np.empty(size + 1, dtype=np.int64)
        most_stopped(beta, tail1, most)
        going_on = np.where(most >= 0, tail0[np.arange(size + 1), np.maximum(most, 0) + 1], 1.0)
        return cls(size, mass0, tail0, mass1, tail1, most, going_on)

    def best(self, n: int, alpha: float, beta: float, below: float) -> tuple[float, tuple[int, int, int, int]]:
        """Return the smallest EN(p0) below a limit, infinity where there is none, and its r1, n1, r and n."""
        design = np.empty(3, dtype=np.int64)
        en = best_first_stage(n, alpha, beta, below, self.mass0, self.tail0, self.mass1, self.tail1, self.most, design)
        return en, (int(design[0]), int(design[1]), int(design[2]), n)

    def may_have_design(self, n: int, alpha: float, beta: float) -> bool:
        """Tell whether the most powerful test of n patients at level alpha, randomised at its edge, has the power: no design has more."""
        c = int(np.argmax(self.tail0[n] <= alpha))
        at_edge = (alpha - self.tail0[n, c]) / self.mass0[n, c - 1] if c > 0 else 0.0
        return bool(self.tail1[n, c] + at_edge * self.mass1[n, max(c - 1, 0)] >= 1 - beta - 1e-9)

    def least_expected(self, n: int, best: float) -> float:
        """Return a lower bound on EN(p0) of every design with n patients, where it is below `best`."""
        n1 = np.arange(1, min(n, math.ceil(best)))
        # a first stage of `best` patients or more expects at least as many
        return min(best, float(np.min(n1 + (n - n1) * self.going_on[n1])))


def _best_of_each_n(p0: float, p1: float, alpha: float, beta: float, n_max: int | None) -> list[tuple[float, tuple[int, int, int, int]]]:
    """Return (EN, (r1, n1, r, n)) for each n that has a design, where EN is smaller than for every smaller n."""
    end = LARGEST if n_max is None else n_max
    tables = _Tables.of(p0, p1, beta, min(64, end))
    found: list[tuple[float, tuple[int, int, int, int]]] = []
    best = math.inf
    for n in range(2, end + 1):
        if n > tables.size:
            tables = _Tables.of(p0, p1, beta, min(2 * tables.size, end))
        if n_max is None and best < math.inf and tables.least_expected(n, best) >= best:
            return found
        if best == math.inf and not tables.may_have_design(n, alpha, beta):
            continue
        en, design = tables.best(n, alpha, beta, best)
        if en < best:
            best = en
            found.append((en, design))
    if n_max is None:
        why = "none meets both errors" if best == math.inf else "a larger one may expect fewer under the null"
        raise InputError(
            f"Simon's design: rates {p0:.3f} and {p1:.3f}, alpha {alpha:g}, power {1 - beta:.10g}: with at most {LARGEST:,} patients {why};"
            " allowed: rates that are further apart, or n"
        )
    return found


def _slope(a: tuple[float, tuple[int, int, int, int]], b: tuple[float, tuple[int, int, int, int]]) -> float:
    """Return how much EN falls for each further patient from a to b."""
    return (a[0] - b[0]) / (b[1][3] - a[1][3])


def _check(p0: float, p1: float, alpha: float, power: float) -> None:
    for name, value in (("p0", p0), ("p1", p1), ("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise InputError(f"Simon's design: {name} is {value}; allowed: above 0 and below 1")
    if not p0 < p1:
        raise InputError(f"Simon's design: p1 is {p1}; allowed: above p0 = {p0}")
