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
INLINE = {"nogil": True, "error_model": "numpy"}
LANES = 4  # trials whose sums run side by side: each addition waits for the one before it, those of four trials wait together


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


@numba.njit(**INLINE)
def finish(out, i, u, v, information) -> None:  # type: ignore[no-untyped-def]
    """Write one trial's result."""
    out[i, 0] = u
    out[i, 1] = v
    out[i, 2] = exp(u / information) if v > 0.0 else np.nan


@numba.njit(**INLINE)
def tied(keys, i, total):  # type: ignore[no-untyped-def]
    """Return whether two events of row i share a time: their keys differ at most in the arm bit."""
    found = np.int64(0)
    for j in range(total - 1):
        found |= np.int64((keys[i, j] ^ keys[i, j + 1]) < 2) & (1 - ((keys[i, j] >> 1) & 1))
    return found != 0


@numba.njit(**INLINE)
def terms(keys, i, total, n1, reciprocal, at_risk, du, dv) -> None:  # type: ignore[no-untyped-def]
    """Fill du and dv with each patient's share of U and V of an untied, unweighted row, 0 for who is censored or not there."""
    for j in range(total):
        at_risk[j] = np.float64(n1)
        n1 -= keys[i, j] & 1
    for j in range(total):
        key = keys[i, j]
        seen = np.float64(1 - ((key >> 1) & 1))
        r = reciprocal[total - j]
        p = at_risk[j] * r
        du[j] = seen * (np.float64(key & 1) - p)
        # the other arm is counted, not 1 - p: with one arm left the variance is exactly 0
        dv[j] = seen * (p * ((np.float64(total - j) - at_risk[j]) * r))
    for j in range(total, len(du)):
        du[j] = 0.0
        dv[j] = 0.0


@numba.njit(**INLINE)
def add_lanes(du, dv, waiting, first, lanes, out) -> None:  # type: ignore[no-untyped-def]
    """Add up the terms of the lanes that wait, each in the order of its patients."""
    for lane in range(LANES):
        if (lane >= lanes) | (waiting[lane] == 0):
            du[lane] = 0.0
            dv[lane] = 0.0
    u0 = u1 = u2 = u3 = v0 = v1 = v2 = v3 = 0.0
    for j in range(du.shape[1]):
        u0 += du[0, j]
        u1 += du[1, j]
        u2 += du[2, j]
        u3 += du[3, j]
        v0 += dv[0, j]
        v1 += dv[1, j]
        v2 += dv[2, j]
        v3 += dv[3, j]
    u, v = (u0, u1, u2, u3), (v0, v1, v2, v3)
    for lane in range(lanes):
        if waiting[lane] == 1:
            finish(out, first + lane, u[lane], v[lane], v[lane])


@numba.njit(**INLINE)
def untied_weighted(keys, i, total, n1, reciprocal, rho, gamma):  # type: ignore[no-untyped-def]
    """Return (U, V, I) of an untied row, exponents 0 or 1, without a branch: a censored patient weighs 0."""
    u = v = information = 0.0
    survival = 1.0
    for j in range(total):
        key = keys[i, j]
        a = key & 1
        seen = np.float64(1 - ((key >> 1) & 1))
        r = reciprocal[total - j]
        p = np.float64(n1) * r
        w = (1.0 - rho + rho * survival) * (1.0 - gamma * survival) * seen
        u += w * (np.float64(a) - p)
        h = w * (p * (np.float64(total - j - n1) * r))
        v += w * h
        information += h
        survival *= 1.0 - seen * r
        n1 -= a
    return u, v, information


@numba.njit(**INLINE)
def weighted(keys, i, total, top, reciprocal, rho, gamma):  # type: ignore[no-untyped-def]
    """Return (U, V, I) of a row by strata, any ties and any exponents."""
    u = v = information = 0.0
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
    return u, v, information


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
    m, n = keys.shape
    at_risk, du, dv = np.empty(n), np.empty((LANES, n)), np.empty((LANES, n))
    waiting = np.zeros(LANES, dtype=np.uint8)
    plain = (rho == 0.0) & (gamma == 0.0) & (strata_bits == 0)
    simple = ((rho == 0.0) | (rho == 1.0)) & ((gamma == 0.0) | (gamma == 1.0)) & (strata_bits == 0)
    for i in range(m):
        total, n1, lane = counts[i, 0], counts[i, 2], i % LANES
        untied = not tied(keys, i, total)
        waiting[lane] = untied & plain
        if untied & plain:
            terms(keys, i, total, n1, reciprocal, at_risk, du[lane], dv[lane])
        elif untied & simple:
            u, v, information = untied_weighted(keys, i, total, n1, reciprocal, rho, gamma)
            finish(out, i, u, v, information)
        else:
            u, v, information = weighted(keys, i, total, 63 - strata_bits, reciprocal, rho, gamma)
            finish(out, i, u, v, information)
        if plain & ((lane == LANES - 1) | (i == m - 1)):
            add_lanes(du, dv, waiting, i - lane, lane + 1, out)
