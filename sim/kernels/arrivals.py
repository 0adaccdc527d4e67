"""Arrival times from unit-exponential gaps: a Poisson process, or its order statistics on a fixed interval."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exponential


@numba.njit("void(uint32[:, ::1], float64[:, ::1])", **OPTIONS)
def cumulative_gaps(words: np.ndarray, out: np.ndarray) -> None:
    """Fill out[i, j] with the sum of the first j + 1 unit exponentials of row i; words : uint32[m, n]."""
    m, n = words.shape
    for i in range(m):
        for j in range(n):
            out[i, j] = exponential(words[i, j])
        if i % 4 == 3:
            # each sum waits for the one before it; four rows at a time wait together
            a = b = c = d = 0.0
            for j in range(n):
                a += out[i - 3, j]
                b += out[i - 2, j]
                c += out[i - 1, j]
                d += out[i, j]
                out[i - 3, j], out[i - 2, j], out[i - 1, j], out[i, j] = a, b, c, d
    for i in range(m - m % 4, m):
        total = 0.0
        for j in range(n):
            total += out[i, j]
            out[i, j] = total


@numba.njit("void(float64[:, ::1], uint32[::1], float64)", **OPTIONS)
def rescale_to_interval(arrivals: np.ndarray, last_gap: np.ndarray, duration: float) -> None:
    """Turn cumulated gaps, in place, into order statistics of n uniforms on (0, duration).

    S_j / S_(n + 1) of a unit-rate Poisson process are the order statistics of n uniforms; `last_gap` : uint32[m] draws
    the gap after the last patient.
    """
    m, n = arrivals.shape
    for i in range(m):
        scale = duration / (arrivals[i, n - 1] + exponential(last_gap[i]))
        for j in range(n):
            arrivals[i, j] *= scale


@numba.njit("void(float64[:, ::1], float64[::1], float64[::1], float64[::1])", **OPTIONS)
def invert_intensity(arrivals: np.ndarray, starts: np.ndarray, expected: np.ndarray, rates: np.ndarray) -> None:
    """Turn cumulated gaps, in place, into arrivals of a Poisson process with piecewise constant intensity.

    starts : float64[k], months at which each rate begins; expected : float64[k], expected arrivals by then;
    rates : float64[k], patients per month, the last above 0
    """
    m, n = arrivals.shape
    pieces = rates.shape[0]
    for i in range(m):
        k = 0
        for j in range(n):
            s = arrivals[i, j]
            while k + 1 < pieces and s > expected[k + 1]:
                k += 1
            arrivals[i, j] = starts[k] + (s - expected[k]) / rates[k]
