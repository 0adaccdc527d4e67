"""Observed and expected events of single-arm trials against a null curve given on a uniform grid."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS


@numba.njit(
    "void(float64[:, ::1], float64[:, ::1], uint8[:, ::1], float64[::1], float64, float64[::1], int64[:, ::1], float64[::1])",
    **OPTIONS,
)
def observed_expected(
    entry: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    cut: np.ndarray,
    step: float,
    hazard: np.ndarray,
    counts: np.ndarray,
    expected: np.ndarray,
) -> None:
    """Fill counts[i] with (enrolled, observed events, 0) and expected[i] with the sum of null cumulative hazards at the cut.

    hazard : float64[k], cumulative null hazard at 0, step, 2 step, …; linear between, the last slope continues
    """
    m, n = entry.shape
    last = hazard.shape[0] - 2
    inverse = 1.0 / step
    for i in range(m):
        enrolled = 0
        events = 0
        total = 0.0
        c = cut[i]
        for j in range(n):
            here = np.int64(entry[i, j] <= c)
            seen = np.int64((entry[i, j] + time[i, j] <= c) & (event[i, j] == 1)) & here
            t = max(min(time[i, j], c - entry[i, j]), 0.0)
            t = time[i, j] if seen == 1 else t
            x = t * inverse
            k = min(np.int64(min(x, 4e9)), last)
            value = hazard[k] + (x - np.float64(k)) * (hazard[k + 1] - hazard[k])
            total += value if here == 1 else 0.0
            enrolled += here
            events += seen
        counts[i, 0] = enrolled
        counts[i, 1] = events
        counts[i, 2] = 0
        expected[i] = total
