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


@numba.njit(
    "float64(int64, float64, float64, float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], int64[::1])",
    **OPTIONS,
)
def best_first_stage(
    n: int, alpha: float, beta: float, mass0: np.ndarray, tail0: np.ndarray, mass1: np.ndarray, tail1: np.ndarray, design: np.ndarray
) -> float:
    """Find, for n patients, the design that meets both errors with the smallest EN(p0); fill design with r1, n1, r.

    Returns EN(p0), or infinity where no design of n patients meets both errors.
    """
    best = np.inf
    for n1 in range(1, n):
        # the largest r1 that stops no more than beta of the trials under the alternative
        r1 = -1
        while r1 < n1 - 1 and 1.0 - tail1[n1, r1 + 2] <= beta:
            r1 += 1
        while r1 >= 0:
            expected = n1 + (n - n1) * tail0[n1, r1 + 1]
            # a smaller r1 stops fewer trials, so what comes after expects even more
            if expected >= best:
                break
            low, high = r1, n
            while low < high:
                r = (low + high) // 2
                if rejects(n, n1, r1, r, mass0, tail0) <= alpha:
                    high = r
                else:
                    low = r + 1
            if rejects(n, n1, r1, low, mass1, tail1) >= 1.0 - beta:
                best = expected
                design[0] = r1
                design[1] = n1
                design[2] = low
                break
            r1 -= 1
    return best
