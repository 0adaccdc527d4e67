"""Quantiles of pooled Kaplan-Meier curves and their limits by inverting the pointwise test."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.kaplan_meier import time_of
from sim.kernels.risk_set import next_event_time
from sim.kernels.transforms import transform

SAME = 1.4901161193847656e-08  # how near to the level a step counts as on it, as in R's survfit


@numba.njit("void(int64[:, ::1], int64[:, ::1], float64, float64, int64, boolean, float64[:, ::1])", **OPTIONS)
def quantiles(keys: np.ndarray, counts: np.ndarray, level: float, z: float, which: int, survfit: bool, out: np.ndarray) -> None:
    """Fill out[i] with the time at which S falls to `level`, and its limits; infinity where never.

    A time t lies within the limits when |g(S(t)) - g(level)| <= z g'(S) S sqrt(greenwood): the limits are the first times
    at which the lower and the upper band fall to the level. Where S stays on the level, `survfit` takes the middle of
    that stretch, to the last time watched if S never falls further, and knows no band where S is 0; else the quantile
    is the end of the stretch, and the band of S = 0 is 0.
    keys, counts : as `logrank.pack` makes them without strata, rows sorted; which : a code of `transforms`
    """
    m = keys.shape[0]
    s = np.empty(1)
    value = np.empty(1)
    slope = np.empty(1)
    s[0] = level
    transform(s, which, value, slope)
    target = value[0]
    for i in range(m):
        total = counts[i, 0]
        survival = 1.0
        greenwood = 0.0
        out[i] = np.inf
        flat = -1.0
        j = 0
        while j < total:
            first, j, _, _ = next_event_time(keys, i, j, total, 0)
            if j == first:
                break
            d = np.float64(j - first)
            n = np.float64(total - first)
            t = time_of(keys[i, first], 0)
            survival = survival * (n - d) / n
            if flat >= 0.0:
                out[i, 0] = 0.5 * (flat + t)
                flat = -1.0
            elif out[i, 0] == np.inf and survival <= level + SAME:
                on = abs(survival - level) <= SAME
                if survfit or not on:
                    out[i, 0] = t
                if survfit and on:
                    flat = t
            if d < n:
                greenwood += d / (n * (n - d))
                s[0] = survival
                transform(s, which, value, slope)
                distance = value[0] - target
                width = z * slope[0] * survival * np.sqrt(greenwood)
                if out[i, 1] == np.inf and distance <= width:
                    out[i, 1] = t
                if out[i, 2] == np.inf and distance <= -width:
                    out[i, 2] = t
            elif not survfit:
                out[i, 1] = min(out[i, 1], t)
                out[i, 2] = min(out[i, 2], t)
        if flat >= 0.0:
            out[i, 0] = 0.5 * (flat + time_of(keys[i, total - 1], 0))
