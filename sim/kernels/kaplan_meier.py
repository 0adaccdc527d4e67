"""Kaplan-Meier curves of a tile read at one time: survival, Greenwood's sum, the area below and its variance, by arm."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import float_of
from sim.kernels.transforms import INLINE

SURVIVAL, GREENWOOD, AREA, AREA_VARIANCE, AT_RISK, PATIENTS, FOLLOWED, FIELDS = 0, 1, 2, 3, 4, 5, 6, 7


@numba.njit(**INLINE)
def time_of(key: int, strata_bits: int) -> float:
    """Return the time in a key of `logrank.pack`."""
    body = key & ((np.int64(1) << (63 - strata_bits)) - 1) & np.int64(-4)
    return float_of(body << strata_bits)  # type: ignore[call-arg]


@numba.njit("void(int64[:, ::1], int64[:, ::1], int64, float64, float64[:, :, :, ::1])", **OPTIONS)
def at_horizon(keys: np.ndarray, counts: np.ndarray, strata_bits: int, horizon: float, out: np.ndarray) -> None:
    """Fill out[i, stratum, arm] with (S, G, A, V, R, N, F) at the horizon.

    S = product of 1 - d/n over the event times <= horizon; G = sum of d / (n (n - d)), without a term that empties the
    arm (S is then 0); A = area under S up to the horizon, the last value continuing; V = sum of (area of S from the
    event time to the horizon)^2 d / (n (n - d)); R = patients watched at least until the horizon;
    N = patients; F = those of them who are not censored before the horizon.
    keys : int64[m, n], sorted rows of `logrank.pack`; out : float64[m, strata, arms, 7]; one arm: the arm bit is ignored
    """
    m, strata, arms, _ = out.shape
    top = 63 - strata_bits
    n = np.zeros(2, dtype=np.int64)
    d = np.zeros(2, dtype=np.int64)
    gone = np.zeros(2, dtype=np.int64)
    since = np.zeros(2)
    slope = np.zeros(2)
    mask = np.int64(arms - 1)
    for i in range(m):
        total = counts[i, 0]
        start = np.int64(0)
        for stratum in range(strata):
            n[:] = 0
            since[:] = 0.0
            slope[:] = 0.0
            stop = start
            while stop < total and keys[i, stop] >> top == stratum:
                n[keys[i, stop] & mask] += 1
                stop += 1
            for a in range(arms):
                out[i, stratum, a, SURVIVAL] = 1.0
                out[i, stratum, a, GREENWOOD] = 0.0
                out[i, stratum, a, AREA] = 0.0
                out[i, stratum, a, AREA_VARIANCE] = 0.0
                out[i, stratum, a, AT_RISK] = n[a]
                out[i, stratum, a, PATIENTS] = n[a]
                out[i, stratum, a, FOLLOWED] = n[a]
            j = start
            while j < stop:
                t = time_of(keys[i, j], strata_bits)
                if t > horizon:
                    break
                d[:] = 0
                gone[:] = 0
                k = j
                while k < stop and (keys[i, k] | 3) == (keys[i, j] | 3):
                    a = keys[i, k] & mask
                    d[a] += 1 - ((keys[i, k] >> 1) & 1)
                    gone[a] += 1
                    k += 1
                for a in range(arms):
                    row = out[i, stratum, a]
                    if d[a] > 0:
                        # every earlier event's remaining area grows by the same step, so three sums suffice
                        step = row[SURVIVAL] * (t - since[a])
                        row[AREA] += step
                        row[AREA_VARIANCE] += step * (2.0 * slope[a] + step * row[GREENWOOD])
                        slope[a] += step * row[GREENWOOD]
                        since[a] = t
                        if d[a] < n[a]:
                            row[SURVIVAL] *= np.float64(n[a] - d[a]) / np.float64(n[a])
                            row[GREENWOOD] += np.float64(d[a]) / (np.float64(n[a]) * np.float64(n[a] - d[a]))
                        else:
                            row[SURVIVAL] = 0.0
                    n[a] -= gone[a]
                    if t < horizon:
                        row[AT_RISK] = n[a]
                        row[FOLLOWED] -= gone[a] - d[a]
                j = k
            for a in range(arms):
                row = out[i, stratum, a]
                step = row[SURVIVAL] * (horizon - since[a])
                row[AREA] += step
                row[AREA_VARIANCE] += step * (2.0 * slope[a] + step * row[GREENWOOD])
            start = stop
