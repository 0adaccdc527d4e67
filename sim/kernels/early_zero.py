"""Log-rank scores that leave out the first months: who is at risk counts from then on."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp
from sim.kernels.kaplan_meier import time_of
from sim.kernels.risk_set import next_event_time, stratum_end


@numba.njit("void(int64[:, ::1], int64[:, ::1], int64, float64[::1], float64, float64[:, ::1])", **OPTIONS)
def scores(keys: np.ndarray, counts: np.ndarray, strata_bits: int, reciprocal: np.ndarray, early_period: float, out: np.ndarray) -> None:
    """Fill out[i] with (U, V, exp(U / V), events that count) of the log-rank test whose events before early_period weigh 0.

    U = sum (d1 - d n1 / n), V = sum of hypergeometric variances, over the distinct event times from early_period on, of
    each stratum. keys, counts : as `logrank.pack` makes them, rows sorted; reciprocal : float64[n + 1] of 1 / k
    """
    m = keys.shape[0]
    top = 63 - strata_bits
    for i in range(m):
        total = counts[i, 0]
        u = 0.0
        v = 0.0
        late = np.int64(0)
        j = 0
        while j < total:
            stop, n1 = stratum_end(keys, i, j, total, top) if strata_bits > 0 else (total, counts[i, 2])
            while j < stop:
                first, j, d1, n1 = next_event_time(keys, i, j, stop, n1)
                d = j - first
                if d == 0:
                    break
                if time_of(keys[i, first], strata_bits) >= early_period:
                    late += d
                    n = stop - first
                    p = np.float64(n1) * reciprocal[n]
                    u += np.float64(d1) - np.float64(d) * p
                    # the other arm is counted, not 1 - p: with one arm left the variance is exactly 0
                    v += np.float64(d) * (p * (np.float64(n - n1) * reciprocal[n])) * np.float64(n - d) * reciprocal[max(n - 1, 1)]
                n1 -= d1
        out[i, 0] = u
        out[i, 1] = v
        out[i, 2] = exp(u / v) if v > 0.0 else np.nan
        out[i, 3] = np.float64(late)
