"""The search inside Simon's two-stage design: for one n, the first stage that expects the fewest patients under the null."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS


@numba.njit("void(float64, float64[:, ::1], float64[:, ::1])", **OPTIONS)
def binomial_tables(p: float, mass: np.ndarray, tail: np.ndarray) -> None:
    """Fill mass[m, x] = P(X = x) and tail[m, x] = P(X >= x) for X binomial(m, p).

    mass, tail : float64[M + 1, M + 2]. Pascal's rule, positive terms only, so the relative error stays near M times 1e-16.
    """
    size = mass.shape[0]
    mass[:] = 0.0
    tail[:] = 0.0
    mass[0, 0] = 1.0
    for m in range(1, size):
        mass[m, 0] = mass[m - 1, 0] * (1.0 - p)
        for x in range(1, m + 1):
            mass[m, x] = mass[m - 1, x] * (1.0 - p) + mass[m - 1, x - 1] * p
    for m in range(size):
        for x in range(m, -1, -1):
            tail[m, x] = tail[m, x + 1] + mass[m, x]


@numba.njit("float64(int64, int64, int64, int64, float64[:, ::1], float64[:, ::1])", **OPTIONS)
def rejects(n: int, n1: int, r1: int, r: int, mass: np.ndarray, tail: np.ndarray) -> float:
    """Return P(X1 > r1 and X1 + X2 > r) for stages of n1 and n - n1."""
    n2 = n - n1
    total = 0.0
    for x in range(r1 + 1, n1 + 1):
        need = max(r + 1 - x, 0)
        if need <= n2:
            total += mass[n1, x] * tail[n2, need]
    return total


@numba.njit("void(float64, float64[:, ::1], int64[::1])", **OPTIONS)
def most_stopped(beta: float, tail1: np.ndarray, r1: np.ndarray) -> None:
    """Fill r1[n1] with the largest r1 < n1 that stops no more than beta of the trials under the alternative, -1 where none does."""
    for n1 in range(r1.shape[0]):
        r1[n1] = -1
        while r1[n1] < n1 - 1 and 1.0 - tail1[n1, r1[n1] + 2] <= beta:
            r1[n1] += 1


@numba.njit("int64(int64, int64, int64, int64, float64, float64[:, ::1], float64[:, ::1])", **OPTIONS)
def least_r(n: int, n1: int, r1: int, guess: int, alpha: float, mass0: np.ndarray, tail0: np.ndarray) -> int:
    """Return the least r >= r1 that rejects no more than alpha under the null, stepping from a guess."""
    r = min(max(guess, r1), n)
    if rejects(n, n1, r1, r, mass0, tail0) <= alpha:
        while r > r1 and rejects(n, n1, r1, r - 1, mass0, tail0) <= alpha:
            r -= 1
        return r
    while r < n and rejects(n, n1, r1, r, mass0, tail0) > alpha:
        r += 1
    return r


@numba.njit(
    "float64(int64, float64, float64, float64, float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], int64[::1], int64[::1])",
    **OPTIONS,
)
def best_first_stage(
    n: int, alpha: float, beta: float, below: float, mass0: np.ndarray, tail0: np.ndarray, mass1: np.ndarray, tail1: np.ndarray,
    most: np.ndarray, design: np.ndarray,
) -> float:  # fmt: skip
    """Find, for n patients, the design that meets both errors with the smallest EN(p0) < below; fill design with r1, n1, r.

    most : from `most_stopped`. Returns EN(p0), or infinity where there is no such design.

    Notes
    -----
    For one n1 and r the probability of rejecting grows by one term when r1 falls by one, and the least r that keeps alpha can only
    rise. A sum that comes within 1e-12 of a level is taken anew in its own order, so that no rounding of the steps decides.
    """
    best, found = below, False
    top = n  # no r above it has the power, whatever the first stage
    while top >= 0 and tail1[n, top + 1] < 1.0 - beta - 1e-12:
        top -= 1
    guess = 0
    for n1 in range(1, n):
        r1, n2 = most[n1], n - n1
        if n1 >= best:
            break
        if r1 < 0 or n1 + n2 * tail0[n1, r1 + 1] >= best:
            continue
        r = least_r(n, n1, r1, guess, alpha, mass0, tail0)
        guess = r
        size, power = rejects(n, n1, r1, r, mass0, tail0), rejects(n, n1, r1, r, mass1, tail1)
        while r1 >= 0 and r <= top:
            expected = n1 + n2 * tail0[n1, r1 + 1]
            # a smaller r1 stops fewer trials, so what comes after expects even more
            if expected >= best:
                break
            if abs(size - alpha) < 1e-12:
                size = rejects(n, n1, r1, r, mass0, tail0)
            if size > alpha:
                r = least_r(n, n1, r1, r + 1, alpha, mass0, tail0)
                size, power = rejects(n, n1, r1, r, mass0, tail0), rejects(n, n1, r1, r, mass1, tail1)
                continue
            if abs(power - (1.0 - beta)) < 1e-12:
                power = rejects(n, n1, r1, r, mass1, tail1)
            if power >= 1.0 - beta:
                best, found = expected, True
                design[0] = r1
                design[1] = n1
                design[2] = r
                break
            if r == r1:  # r was held up by r1 and may fall with it
                r1 -= 1
                if r1 >= 0:
                    r = least_r(n, n1, r1, r, alpha, mass0, tail0)
                    size, power = rejects(n, n1, r1, r, mass0, tail0), rejects(n, n1, r1, r, mass1, tail1)
                continue
            need = r + 1 - r1
            if need <= n2:
                size += mass0[n1, r1] * tail0[n2, need]
                power += mass1[n1, r1] * tail1[n2, need]
            r1 -= 1
    return best if found else np.inf
