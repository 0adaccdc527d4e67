"""Correlated standard normals below one limit, one variable after the other.

Z = L x with x independent standard normals and L a pivoted Cholesky factor of the correlation, of any rank. A row of L
limits the last variable it depends on, given those before it.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels.elementary import upper_tail
from sim.kernels.transforms import INLINE

TOLERANCE = 1e-10  # conditional variance below which a row depends on the earlier ones


@numba.njit(**INLINE)
def factor(correlation: np.ndarray, count: int, lower: np.ndarray, last: np.ndarray) -> int:
    """Fill lower with a pivoted Cholesky factor and last with each row's last column; return the rank.

    The first two pivots are the least correlated pair, which keeps the later steps of the tail wide.
    """
    residual = np.ones(count)
    lower[:count, :count] = 0.0
    last[:count] = -1
    first, second, least = 0, 0, 2.0
    for a in range(count):
        for b in range(a):
            if correlation[a, b] < least:
                first, second, least = b, a, correlation[a, b]
    rank = 0
    for column in range(count):
        pivot = first if column == 0 else second
        if column > 1:
            pivot = 0
            for a in range(count):
                if residual[a] > residual[pivot]:
                    pivot = a
        if residual[pivot] <= TOLERANCE:
            break
        size = np.sqrt(residual[pivot])
        for a in range(count):
            if residual[a] > TOLERANCE or a == pivot:
                x = correlation[a, pivot]
                for c in range(column):
                    x -= lower[a, c] * lower[pivot, c]
                x = x / size
                lower[a, column] = size if a == pivot else x
                if abs(x) > 1e-9 or a == pivot:
                    last[a] = column
                residual[a] = 0.0 if a == pivot else residual[a] - x * x
        residual[pivot] = 0.0
        rank += 1
    return rank


@numba.njit(**INLINE)
def limits(lower: np.ndarray, last: np.ndarray, count: int, column: int, m: float, x: np.ndarray) -> tuple[float, float]:
    """Return the interval of x[column] in which every row that ends there stays below m, given x[:column]."""
    low, high = -np.inf, np.inf
    for a in range(count):
        if last[a] == column:
            rest = m
            for c in range(column):
                rest -= lower[a, c] * x[c]
            rest = rest / lower[a, column]
            if lower[a, column] > 0.0:
                high = min(high, rest)
            else:
                low = max(low, rest)
    return low, high


@numba.njit(**INLINE)
def outside(low: float, high: float) -> float:
    """Return the normal probability outside (low, high)."""
    if low >= high:
        return 1.0
    return upper_tail(high) + upper_tail(-low) if low > -np.inf else upper_tail(high)
