"""Log-rank scores of a tile: pack each patient into one sortable integer, sort the rows, pass once over the risk sets.

Key, from the highest bit: stratum, time, censored, arm. The time's low bits make room for the others, so two times
closer than 2^-48 of their size count as tied; events come before censorings at the same time.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import bits_of, exp, log
from sim.kernels.risk_set import next_event_time, stratum_end

NOT_ENROLLED = np.int64(0x7FFFFFFFFFFFFFFF)


@numba.njit(
    "void(float64[:, ::1], float64[:, ::1], uint8[:, ::1], uint8[:, ::1], uint8[:, ::1], float64[::1], int64, int64[:, ::1], int64[:, ::1])",
    **OPTIONS,
)
def pack(
    entry: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    arm: np.ndarray,
    stratum: np.ndarray,
    cut: np.ndarray,
    strata_bits: int,
    keys: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Fill keys : int64[m, n] with what is known at the calendar cut, and counts : int64[m, 3] (enrolled, events, experimental).

    An event counts when entry + time <= cut: the same sum that found the cut, so the deciding event is never lost to
    rounding. Who has not entered by the cut gets the highest key.
    """
    m, n = entry.shape
    shift = strata_bits
    top = 63 - strata_bits
    for i in range(m):
        enrolled = 0
        events = 0
        experimental = 0
        c = cut[i]
        for j in range(n):
            here = np.int64(entry[i, j] <= c)
            seen = np.int64((entry[i, j] + time[i, j] <= c) & (event[i, j] == 1))
            t = time[i, j] if seen == 1 else min(time[i, j], c - entry[i, j])
            body = (bits_of(max(t, 0.0)) >> shift) & np.int64(-4)
            a = np.int64(arm[i, j])
            key = (np.int64(stratum[i, j]) << top) | body | ((1 - seen) << 1) | a if strata_bits > 0 else body | ((1 - seen) << 1) | a
            keys[i, j] = key if here == 1 else NOT_ENROLLED
            enrolled += here
            events += seen & here
            experimental += a & here
        counts[i, 0] = enrolled
        counts[i, 1] = events
        counts[i, 2] = experimental


@numba.njit("void(int64[:, ::1], int64[:, ::1], int64, float64[::1], float64, float64, float64[:, ::1])", **OPTIONS)
def scores(
    keys: np.ndarray, counts: np.ndarray, strata_bits: int, reciprocal: np.ndarray, rho: float, gamma: float, out: np.ndarray
) -> None:
    """Fill out[i] with (U, V, exp(U / I)): weighted observed minus expected events of the experimental arm, its variance, Peto's ratio.

    U = sum w (d1 - d n1 / n), V = sum w^2 h, I = sum w h, h = d n1 (n - n1) (n - d) / (n^2 (n - 1)), over the distinct
    event times of each stratum, w = S(t-)^rho (1 - S(t-))^gamma with S the Kaplan-Meier curve of the stratum's pooled
    arms. E(U) is about log(hazard ratio) I: with weights, V in its place would depend on the scale of w.
    keys : int64[m, n], each row sorted; counts as `pack` makes them; reciprocal : float64[n + 1] of 1 / k
    """
    m, n_max = keys.shape
    at_risk, du, dv = np.empty(n_max), np.empty(n_max), np.empty(n_max)
    top = 63 - strata_bits
    simple = ((rho == 0.0) | (rho == 1.0)) & ((gamma == 0.0) | (gamma == 1.0))
    for i in range(m):
        total = counts[i, 0]
        ties = np.int64(0)
        for j in range(total - 1):
            # two events at one time differ at most in the arm bit
            ties |= np.int64((keys[i, j] ^ keys[i, j + 1]) < 2) & (1 - ((keys[i, j] >> 1) & 1))
        u = 0.0
        v = 0.0
        information = 0.0
        if ties == 0 and strata_bits == 0 and rho == 0.0 and gamma == 0.0:
            # the usual case: all terms at once, which vectorises, then their sums in the order of the general case
            n1 = counts[i, 2]
            for j in range(total):
                at_risk[j] = np.float64(n1)
                n1 -= keys[i, j] & 1
            for j in range(total):
                key = keys[i, j]
                seen = np.float64(1 - ((key >> 1) & 1))
                r = reciprocal[total - j]
                p = at_risk[j] * r
                du[j] = seen * (np.float64(key & 1) - p)
                dv[j] = seen * (p * ((np.float64(total - j) - at_risk[j]) * r))
            for j in range(total):
                u += du[j]
                v += dv[j]
            information = v
        elif ties == 0 and strata_bits == 0 and simple:
            # without a branch: a censored patient weighs 0
            n1 = counts[i, 2]
            survival = 1.0
            for j in range(total):
                key = keys[i, j]
                a = key & 1
                seen = np.float64(1 - ((key >> 1) & 1))
                r = reciprocal[total - j]
                p = np.float64(n1) * r
                w = (1.0 - rho + rho * survival) * (1.0 - gamma * survival) * seen
                u += w * (np.float64(a) - p)
                # the other arm is counted, not 1 - p: with one arm left the variance is exactly 0
                h = w * (p * (np.float64(total - j - n1) * r))
                v += w * h
                information += h
                survival *= 1.0 - seen * r
                n1 -= a
        else:
            j = 0
            while j < total:
                stop, n1 = stratum_end(keys, i, j, total, top)
                survival = 1.0
                while j < stop:
                    first, j, d1, n1 = next_event_time(keys, i, j, stop, n1)
                    d = j - first
                    if d == 0:
                        break
                    n = stop - first
                    w = 1.0
                    if rho != 0.0:
                        w = exp(rho * log(survival))
                    if gamma != 0.0:
                        below = 1.0 - survival
                        w = w * (exp(gamma * log(below)) if below > 0.0 else 0.0)
                    p = np.float64(n1) * reciprocal[n]
                    u += w * (np.float64(d1) - np.float64(d) * p)
                    if n > 1:
                        h = np.float64(d) * (p * (np.float64(n - n1) * reciprocal[n])) * np.float64(n - d) * reciprocal[n - 1]
                        v += w * w * h
                        information += w * h
                    survival *= 1.0 - np.float64(d) * reciprocal[n]
                    n1 -= d1
        out[i, 0] = u
        out[i, 1] = v
        out[i, 2] = exp(u / information) if v > 0.0 else np.nan
