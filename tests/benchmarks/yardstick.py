"""The fixed kernel that every benchmark is held against: it measures the machine, never the engine. Do not tune it."""

from __future__ import annotations

import numba
import numpy as np

PATIENTS = 160
SCALE = np.float32(2.0**-32)
QUIET = 1e6  # trials per second, by definition, on the quiet core for which the targets are stated


@numba.njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _log(x):
    """Natural logarithm in single precision, Cephes logf (Moshier 1989), with selects."""
    b = np.float32(x).view(np.int32)
    k = (b - np.int32(0x3F3504F3)) >> np.int32(23)
    f = np.int32(b - (k << np.int32(23))).view(np.float32) - np.float32(1)
    z = f * f
    p = np.float32(7.0376836292e-2) * f - np.float32(1.1514610310e-1)
    p = p * f + np.float32(1.1676998740e-1)
    p = p * f - np.float32(1.2420140846e-1)
    p = p * f + np.float32(1.4249322787e-1)
    p = p * f - np.float32(1.6668057665e-1)
    p = p * f + np.float32(2.0000714765e-1)
    p = p * f - np.float32(2.4999993993e-1)
    p = p * f + np.float32(3.3333331174e-1)
    return f + f * z * p - np.float32(0.5) * z + np.float32(k) * np.float32(0.6931471806)


@numba.njit("float64(int64, int64)", nogil=True, cache=True, error_model="numpy")
def yardstick(first, trials):
    """Sample `trials` trials of 160 patients: one Philox 4x32-10 call, three of its words and two logarithms each."""
    out = np.empty(PATIENTS, dtype=np.float32)
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    total = 0.0
    for i in range(first, first + trials):
        for j in range(PATIENTS):
            c0, c1, c2, c3 = np.uint64(i) & low, np.uint64(i) >> shift, np.uint64(j), np.uint64(0)
            k0, k1 = np.uint64(1), np.uint64(0)
            for _ in range(10):
                p0 = np.uint64(0xD2511F53) * c0
                p1 = np.uint64(0xCD9E8D57) * c2
                c0, c2 = (p1 >> shift) ^ c1 ^ k0, (p0 >> shift) ^ c3 ^ k1
                c1, c3 = p1 & low, p0 & low
                k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
            event = -_log((np.float32(np.int64(c0)) + np.float32(0.5)) * SCALE)
            dropout = -_log((np.float32(np.int64(c1)) + np.float32(0.5)) * SCALE)
            out[j] = min(event * np.float32(4), dropout * np.float32(50)) + np.float32(np.int64(c2)) * SCALE
        total += out[i % PATIENTS]
    return total
