"""Several Fleming-Harrington scores and their covariance in one pass over the risk sets."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, log
from sim.kernels.risk_set import next_event_time, stratum_end
from sim.kernels.transforms import INLINE


@numba.njit(**INLINE)
def raised(x: float, a: float) -> float:
    """Return x^a for x in [0, 1] and a >= 0, exactly for a = 0, 1 and 2; 0^0 is 1."""
    if a == 0.0:
        return 1.0
    if a == 1.0:
        return x
    if a == 2.0:
        return x * x
    return exp(a * log(x)) if x > 0.0 else 0.0


@numba.njit(
    "void(int64[:, ::1], int64[:, ::1], int64, float64[::1], float64[::1], float64[::1], float64[:, ::1], float64[:, :, ::1])", **OPTIONS
)
def scores(
    keys: np.ndarray,
    counts: np.ndarray,
    strata_bits: int,
    reciprocal: np.ndarray,
    rho: np.ndarray,
    gamma: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
) -> None:
    """Fill u : float64[m, k] and v : float64[m, k, k] with the scores of k weights and their covariance.

    U_a = sum w_a (d1 - d n1 / n), V_ab = sum w_a w_b d (n1 / n) (1 - n1 / n) (n - d) / (n - 1) over the distinct event
    times of each stratum, w_a = S(t-)^rho_a (1 - S(t-))^gamma_a with S the Kaplan-Meier curve of the stratum's pooled arms.
    keys, counts : as `logrank.pack` makes them, rows sorted; reciprocal : float64[n + 1] of 1 / k
    """
    m = keys.shape[0]
    count = rho.shape[0]
    top = 63 - strata_bits
    w = np.empty(count)
    for i in range(m):
        total = counts[i, 0]
        u[i] = 0.0
        v[i] = 0.0
        j = 0
        while j < total:
            stop, n1 = stratum_end(keys, i, j, total, top) if strata_bits > 0 else (total, counts[i, 2])
            survival = 1.0
            while j < stop:
                first, j, d1, n1 = next_event_time(keys, i, j, stop, n1)
                d = j - first
                if d == 0:
                    break
                n = stop - first
                p = np.float64(n1) * reciprocal[n]
                score = np.float64(d1) - np.float64(d) * p
                variance = np.float64(d) * (p - p * p) * np.float64(n - d) * reciprocal[max(n - 1, 1)]
                for a in range(count):
                    w[a] = raised(survival, rho[a]) * raised(1.0 - survival, gamma[a])
                    u[i, a] += w[a] * score
                    x = w[a] * variance
                    for b in range(a + 1):
                        v[i, a, b] += x * w[b]
                survival *= 1.0 - np.float64(d) * reciprocal[n]
                n1 -= d1
        for a in range(count):
            for b in range(a):
                v[i, b, a] = v[i, a, b]
