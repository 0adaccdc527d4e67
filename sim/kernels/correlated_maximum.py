"""The upper tail of the maximum of correlated standard normals, by conditioning: one variable of the factor after the other.

Z = L x with x independent standard normals and L a pivoted Cholesky factor of the correlation, of any rank. A row of L
limits the last variable it depends on, given those before it. P(max Z >= m) is then a sum of upper tails, so that small
p-values lose nothing: variables but the last by Gauss-Legendre, the last by the normal distribution. Limits have kinks
where two rows meet, and steps where a row hardly depends on its last variables: panels end there.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, normal_quantile, upper_tail, upper_tail_near
from sim.kernels.transforms import INLINE

TOLERANCE = 1e-10  # conditional variance below which a row depends on the earlier ones
FARTHEST = 6.0  # |x| beyond which a standard normal is left out: 2e-9
STEEP = 4.0  # a row steps where its dependence on one variable exceeds that on all later ones so many times
FOOT = 5.0  # and its step is over so many standard deviations of the later ones away
ROOT_TWO_PI = 2.5066282746310002


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


@numba.njit(**INLINE)
def by_lattice(lower: np.ndarray, last: np.ndarray, count: int, rank: int, m: float, x: np.ndarray, points: int) -> float:
    """Return P(max >= m) for any rank: separation of variables on a folded lattice of square roots of primes (Genz 1992; Richtmyer)."""
    root = (
        1.4142135623730951,
        1.7320508075688772,
        2.23606797749979,
        2.6457513110645907,
        3.3166247903554,
        3.605551275463989,
        4.123105625617661,
    )
    total = 0.0
    for i in range(points):
        inside = 1.0
        missed = 0.0
        for c in range(rank):
            low, high = limits(lower, last, count, c, m, x)
            out = outside(low, high)
            missed += inside * out
            inside *= 1.0 - out
            if c == rank - 1 or inside <= 0.0:
                break
            f = (np.float64(i) + 0.5) * root[c]
            f = f - np.floor(f)
            f = abs(2.0 * f - 1.0)
            below = upper_tail(-low)
            x[c] = normal_quantile(min(max(below + f * (1.0 - out), 1e-300), 1.0 - 1.1e-16))
        total += missed
    return total / np.float64(points)


@numba.njit("void(float64[:, ::1], float64[:, :, ::1], float64[:, ::1], int64, uint8[::1], float64[::1])", **OPTIONS)
def p_values(z: np.ndarray, correlation: np.ndarray, nodes: np.ndarray, lattice: int, wanted: np.ndarray, p: np.ndarray) -> None:
    """Fill p[i], where wanted[i] is 1, with P(max_a Z_a >= max_a z_a) for Z normal with the given correlation.

    z : float64[m, k]; correlation : float64[m, k, k]; a weight without variance has z = -inf and is left out
    nodes : float64[2, q], Gauss-Legendre nodes and weights; lattice : points for ranks above 3
    """
    m, k = z.shape
    lower = np.empty((k, k))
    last = np.empty(k, dtype=np.int64)
    x = np.zeros(k)
    r = np.empty((k, k))
    points = np.empty((2, k * k + 2 * k + 2))
    work = np.empty((3, nodes.shape[1]))
    for i in range(m):
        if wanted[i] == 0:
            continue
        count = 0
        top = -np.inf
        for a in range(k):
            if z[i, a] > -np.inf:
                top = max(top, z[i, a])
                at = 0
                for b in range(a):
                    if z[i, b] > -np.inf:
                        r[count, at] = correlation[i, a, b]
                        r[at, count] = correlation[i, a, b]
                        at += 1
                r[count, count] = 1.0
                count += 1
        rank = factor(r, count, lower, last)
        if rank <= 3:
            value = by_quadrature(lower, last, count, rank, top, x, nodes, points, work)
        else:
            value = by_lattice(lower, last, count, rank, top, x, lattice)
        single = upper_tail(top)
        p[i] = min(max(value, single), min(np.float64(count) * single, 1.0))
