"""Scores weighted by the inverse of the pooled Kaplan-Meier curve, capped."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp
from sim.kernels.kaplan_meier import time_of
from sim.kernels.risk_set import next_event_time, stratum_end


@numba.njit("void(int64[:, ::1], int64[:, ::1], int64, float64[::1], float64, float64, boolean, float64[:, ::1])", **OPTIONS)
def scores(
    keys: np.ndarray,
    counts: np.ndarray,
    strata_bits: int,
    reciprocal: np.ndarray,
    t_star: float,
    s_star: float,
    last_weight: bool,
    out: np.ndarray,
) -> None:
    """Fill out[i] with (U, V, one-step hazard ratio, W) of the weights 1 / max(S(t-), S(t_star), s_star).

    In each stratum U = sum w (d1 - d n1 / n), V = sum w^2 v, v the hypergeometric variance, S the Kaplan-Meier curve of
    the pooled arms. `last_weight` (simtrial): S(t_star) is read just before the last event time up to t_star, and the
    strata's U and V are summed; else (nphRCT) just before t_star, and strata are summed after scaling U by
    sqrt(sum v / V), so that V becomes sum v. The ratio is exp(sum U / sum w v) and W = sum w^2 v without that scaling.
    keys, counts : as `logrank.pack` makes them, rows sorted; reciprocal : float64[n + 1] of 1 / k
    """
    m = keys.shape[0]
    top = 63 - strata_bits
    for i in range(m):
        total = counts[i, 0]
        u = 0.0
        v = 0.0
        raw = 0.0
        unscaled = 0.0
        information = 0.0
        j = 0
        while j < total:
            stop, n1 = stratum_end(keys, i, j, total, top) if strata_bits > 0 else (total, counts[i, 2])
            survival = 1.0
            least = 1.0
            us = 0.0
            vs = 0.0
            v1 = 0.0
            while j < stop:
                first, j, d1, n1 = next_event_time(keys, i, j, stop, n1)
                d = j - first
                if d == 0:
                    break
                n = stop - first
                t = time_of(keys[i, first], strata_bits)
                early = t <= t_star
                if early & last_weight:
                    least = survival
                w = 1.0 / max(survival if early else max(survival, least), s_star)
                p = np.float64(n1) * reciprocal[n]
                x = np.float64(d) * (p - p * p) * np.float64(n - d) * reciprocal[max(n - 1, 1)]
                us += w * (np.float64(d1) - np.float64(d) * p)
                vs += w * w * x
                v1 += x
                information += w * x
                survival *= 1.0 - np.float64(d) * reciprocal[n]
                if not last_weight and t < t_star:
                    least = survival
                n1 -= d1
            # strata as nphRCT: each one's z by the square root of its log-rank variance
            scale = np.sqrt(v1 / vs) if strata_bits > 0 and not last_weight and vs > 0.0 else 1.0
            raw += us
            unscaled += vs
            u += scale * us
            v += scale * scale * vs
        out[i, 0] = u
        out[i, 1] = v
        out[i, 2] = exp(raw / information) if information > 0.0 else np.nan
        out[i, 3] = unscaled
