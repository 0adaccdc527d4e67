"""The upper tail of the maximum of correlated standard normals of rank 3 or less, by quadrature.

P(max Z >= m) is a sum of upper tails, so that small p-values lose nothing: variables but the last by Gauss-Legendre, the
last by the normal distribution. Limits have kinks where two rows meet, and steps where a row hardly depends on its last
variables: panels end there.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels.conditioning import limits, outside
from sim.kernels.elementary import exp, upper_tail_near
from sim.kernels.transforms import INLINE

FARTHEST = 6.0  # |x| beyond which a standard normal is left out: 2e-9
STEEP = 4.0  # a row steps where its dependence on one variable exceeds that on all later ones so many times
FOOT = 5.0  # and its step is over so many standard deviations of the later ones away
ROOT_TWO_PI = 2.5066282746310002


@numba.njit(**INLINE)
def panels(points: np.ndarray, count: int, low: float, high: float) -> int:
    """Keep those of points[1:count] inside (low, high), sorted, between the ends; return how many panels they bound."""
    kept = 1
    for i in range(1, count):
        p = points[i]
        if low + 1e-6 < p < high - 1e-6:
            j = kept
            while j > 1 and points[j - 1] > p:
                points[j] = points[j - 1]
                j -= 1
            points[j] = p
            kept += 1
    points[0] = low
    points[kept] = high
    return kept


@numba.njit(**INLINE)
def breaks(lower: np.ndarray, last: np.ndarray, count: int, column: int, m: float, x: np.ndarray, points: np.ndarray) -> int:
    """Fill points[1:] with the places in x[column] where panels should end; return their number + 1.

    They are where the limits that two rows set to x[column + 1] meet, and both feet of a step: where a row that hardly
    depends on later variables reaches m by its earlier terms alone, FOOT of its remaining deviations to either side.
    """
    n = 1
    for a in range(count):
        if last[a] > column:
            rest = m
            for c in range(column):
                rest -= lower[a, c] * x[c]
            width = 0.0
            for c in range(column + 1, last[a] + 1):
                width += lower[a, c] * lower[a, c]
            if lower[a, column] * lower[a, column] > STEEP * STEEP * width:
                foot = FOOT * np.sqrt(width)
                points[n] = (rest - foot) / lower[a, column]
                points[n + 1] = (rest + foot) / lower[a, column]
                n += 2
        for b in range(a):
            if last[a] == column + 1 and last[b] == column + 1:
                det = lower[a, column] * lower[b, column + 1] - lower[b, column] * lower[a, column + 1]
                if abs(det) > 1e-9:
                    rest_a, rest_b = m, m
                    for c in range(column):
                        rest_a -= lower[a, c] * x[c]
                        rest_b -= lower[b, c] * x[c]
                    points[n] = (rest_a * lower[b, column + 1] - rest_b * lower[a, column + 1]) / det
                    n += 1
    return n


@numba.njit(**INLINE)
def last_but_one(
    lower: np.ndarray,
    last: np.ndarray,
    count: int,
    column: int,
    m: float,
    x: np.ndarray,
    nodes: np.ndarray,
    points: np.ndarray,
    work: np.ndarray,
) -> float:
    """Return P(some row >= m | x[:column]) when the rows end at `column` or the next one."""
    low, high = limits(lower, last, count, column, m, x)
    total = outside(low, high)
    low, high = max(low, -FARTHEST), min(high, FARTHEST)
    if low >= high:
        return total
    q = nodes.shape[1]
    here, above, below = work[0], work[1], work[2]
    n = breaks(lower, last, count, column, m, x, points)
    two_sided = False
    for a in range(count):
        if last[a] == column + 1:
            two_sided |= lower[a, column + 1] < 0.0
    n = panels(points, n, low, high)
    for panel in range(n):
        half = 0.5 * (points[panel + 1] - points[panel])
        middle = 0.5 * (points[panel + 1] + points[panel])
        for i in range(q):
            here[i] = middle + half * nodes[0, i]
            above[i] = np.inf
            below[i] = np.inf
        for a in range(count):
            if last[a] == column + 1:
                rest = m
                for c in range(column):
                    rest -= lower[a, c] * x[c]
                inverse = 1.0 / lower[a, column + 1]
                rest *= inverse
                slope = lower[a, column] * inverse
                if inverse > 0.0:
                    for i in range(q):
                        above[i] = min(above[i], rest - slope * here[i])
                else:
                    for i in range(q):
                        below[i] = min(below[i], slope * here[i] - rest)
        for i in range(q):
            here[i] = exp(-0.5 * here[i] * here[i])
        if two_sided:
            for i in range(q):
                here[i] *= min(upper_tail_near(above[i]) + upper_tail_near(below[i]), 1.0)
        else:
            for i in range(q):
                here[i] *= upper_tail_near(above[i])
        part = 0.0
        for i in range(q):
            part += nodes[1, i] * here[i]
        total += part * half / ROOT_TWO_PI
    return total


@numba.njit(**INLINE)
def by_quadrature(
    lower: np.ndarray,
    last: np.ndarray,
    count: int,
    rank: int,
    m: float,
    x: np.ndarray,
    nodes: np.ndarray,
    points: np.ndarray,
    work: np.ndarray,
) -> float:
    """Return P(max >= m) for rank 1, 2 or 3."""
    low, high = limits(lower, last, count, 0, m, x)
    if rank == 1:
        return outside(low, high)
    if rank == 2:
        return last_but_one(lower, last, count, 0, m, x, nodes, points[0], work)
    total = outside(low, high)
    low, high = max(low, -FARTHEST), min(high, FARTHEST)
    if low >= high:
        return total
    n = panels(points[1], breaks(lower, last, count, 0, m, x, points[1]), low, high)
    for panel in range(n):
        half = 0.5 * (points[1, panel + 1] - points[1, panel])
        middle = 0.5 * (points[1, panel + 1] + points[1, panel])
        part = 0.0
        for i in range(nodes.shape[1]):
            x[0] = middle + half * nodes[0, i]
            part += nodes[1, i] * exp(-0.5 * x[0] * x[0]) * last_but_one(lower, last, count, 1, m, x, nodes, points[0], work)
        total += part * half / ROOT_TWO_PI
    return total
