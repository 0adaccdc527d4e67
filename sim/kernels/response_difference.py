"""Two responder counts: the restricted maximum likelihood under a margin, and Fisher's exact tail."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS

BISECTIONS = 60


@numba.njit("void(int64[::1], int64[::1], int64[::1], int64[::1], float64, float64[::1], float64[::1])", **OPTIONS)
def restricted_rates(x1: np.ndarray, n1: np.ndarray, x0: np.ndarray, n0: np.ndarray, margin: float, p1: np.ndarray, p0: np.ndarray) -> None:
    """Fill p1, p0 with the rates that maximise the likelihood of x1 of n1 and x0 of n0 responders given p1 - p0 = margin.

    The log likelihood is concave in p0, so its derivative is bisected over the rates that the margin allows.
    """
    low_end = max(0.0, -margin)
    high_end = min(1.0, 1.0 - margin)
    for i in range(x1.shape[0]):
        a, b, c, d = np.float64(x1[i]), np.float64(n1[i] - x1[i]), np.float64(x0[i]), np.float64(n0[i] - x0[i])
        low, high = low_end, high_end
        for _ in range(BISECTIONS):
            p = 0.5 * (low + high)
            q = p + margin
            # an absent count adds nothing, whatever its denominator
            slope = 0.0
            slope += a / q if a > 0.0 else 0.0
            slope -= b / (1.0 - q) if b > 0.0 else 0.0
            slope += c / p if c > 0.0 else 0.0
            slope -= d / (1.0 - p) if d > 0.0 else 0.0
            if slope > 0.0:
                low = p
            else:
                high = p
        p = 0.5 * (low + high)
        p0[i] = min(max(p, 0.0), 1.0)
        p1[i] = min(max(p + margin, 0.0), 1.0)


@numba.njit("void(int64[::1], int64[::1], int64[::1], int64[::1], float64[::1])", **OPTIONS)
def fisher_tail(x1: np.ndarray, n1: np.ndarray, x0: np.ndarray, n0: np.ndarray, p: np.ndarray) -> None:
    """Fill p with P(X >= x1), X hypergeometric: the experimental responders given all margins of the table.

    Weights are ratios to the most likely table, so that nothing overflows.
    """
    for i in range(x1.shape[0]):
        responders = x1[i] + x0[i]
        least = max(np.int64(0), responders - n0[i])
        most = min(responders, n1[i])
        mode = min(max((responders + 1) * (n1[i] + 1) // (n1[i] + n0[i] + 2), least), most)
        total = 0.0
        tail = 0.0
        w = 1.0
        for k in range(mode, most + 1):
            total += w
            tail += w if k >= x1[i] else 0.0
            w *= np.float64(n1[i] - k) * np.float64(responders - k) / (np.float64(k + 1) * np.float64(n0[i] - responders + k + 1))
        w = 1.0
        for k in range(mode, least, -1):
            w *= np.float64(k) * np.float64(n0[i] - responders + k) / (np.float64(n1[i] - k + 1) * np.float64(responders - k + 1))
            total += w
            tail += w if k - 1 >= x1[i] else 0.0
        p[i] = tail / total
