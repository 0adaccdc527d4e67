"""From scores and variances to z values, one call for a whole tile: a dozen short vector operations would each pass Python's lock on."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS


@numba.njit("void(float64[:, ::1], int64[:], int64, int64, float64[::1], uint8[::1])", **OPTIONS)
def standardise(scores: np.ndarray, events: np.ndarray, no_events: int, empty: int, z: np.ndarray, code: np.ndarray) -> None:
    """Fill z[i] with -U / sqrt(V), and code[i] with 0; where V is not positive z is 0 and the code says why.

    scores : float64[m, k], U and V in the first two columns; events : int64[m]; no_events, empty : codes without and with events
    """
    for i in range(len(z)):
        u, v = scores[i, 0], scores[i, 1]
        z[i] = -u / np.sqrt(v) if v > 0.0 else 0.0
        code[i] = np.uint8(0 if v > 0.0 else (no_events if events[i] == 0 else empty))
