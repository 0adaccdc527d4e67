"""The normal distribution's upper tail and its inverse, filled into arrays."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import normal_quantile, upper_tail


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
