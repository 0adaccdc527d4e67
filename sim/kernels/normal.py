"""The normal distribution function from published coefficients, and its inverse, the same bits everywhere."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, normal_quantile
from sim.kernels.transforms import INLINE


@numba.njit(**INLINE)
def upper_tail(x: float) -> float:
    """Return 1 - Phi(x), absolute error below 1e-15, relative below 1e-8 for x up to 37 (0 beyond).

    Hart, Computer Approximations, 1968, algorithm 5666, with a continued fraction beyond 7.07 (West, Wilmott 2005;May:70).
    """
    a = abs(x)
    e = exp(-0.5 * a * a)
    num = (
        ((((3.52624965998911e-2 * a + 0.700383064443688) * a + 6.37396220353165) * a + 33.912866078383) * a + 112.079291497871) * a
        + 221.213596169931
    ) * a + 220.206867912376
    den = (
        (
            ((((8.83883476483184e-2 * a + 1.75566716318264) * a + 16.064177579207) * a + 86.7807322029461) * a + 296.564248779674) * a
            + 637.333633378831
        )
        * a
        + 793.826512519948
    ) * a + 440.413735824752
    fraction = a + 1.0 / (a + 2.0 / (a + 3.0 / (a + 4.0 / (a + 0.65))))
    tail = e * num / den if a < 7.07106781186547 else e / (fraction * 2.5066282746310002)
    tail = tail if a < 37.0 else 0.0
    return tail if x >= 0.0 else 1.0 - tail


@numba.njit(**INLINE)
def upper_tail_near(x: float) -> float:
    """Return 1 - Phi(x) as `upper_tail` within 7 of 0, and 0 or 1 beyond: no long chain of divisions, so that loops vectorise."""
    a = min(abs(x), 7.0)
    num = (
        ((((3.52624965998911e-2 * a + 0.700383064443688) * a + 6.37396220353165) * a + 33.912866078383) * a + 112.079291497871) * a
        + 221.213596169931
    ) * a + 220.206867912376
    den = (
        (
            ((((8.83883476483184e-2 * a + 1.75566716318264) * a + 16.064177579207) * a + 86.7807322029461) * a + 296.564248779674) * a
            + 637.333633378831
        )
        * a
        + 793.826512519948
    ) * a + 440.413735824752
    tail = exp(-0.5 * a * a) * num / den
    tail = tail if a < 7.0 else 0.0
    return tail if x >= 0.0 else 1.0 - tail


@numba.njit("void(float64[::1], float64[::1])", **OPTIONS)
def fill_upper_tail(x: np.ndarray, out: np.ndarray) -> None:
    """Fill out with 1 - Phi(x)."""
    for i in range(x.shape[0]):
        out[i] = upper_tail(x[i])


@numba.njit("void(float64[::1], float64[::1])", **OPTIONS)
def fill_upper_quantile(p: np.ndarray, out: np.ndarray) -> None:
    """Fill out with the z whose upper tail is p, p clipped to [1e-300, 1 - 1e-16]."""
    for i in range(p.shape[0]):
        out[i] = -normal_quantile(min(max(p[i], 1e-300), 1.0 - 1.1e-16))
