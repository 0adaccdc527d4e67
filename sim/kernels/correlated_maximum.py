"""P-values of the maximum of correlated standard normals: by quadrature up to rank 3, on a lattice above it."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.conditioning import factor, limits, outside
from sim.kernels.elementary import normal_quantile, upper_tail
from sim.kernels.maximum_quadrature import by_quadrature
from sim.kernels.transforms import INLINE


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
