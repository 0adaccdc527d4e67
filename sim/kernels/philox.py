"""Philox 4x32-10: a counter-based generator, so that a draw is a function of its address.

Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011), section 3.3.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from sim.kernels import OPTIONS

M0 = np.uint64(0xD2511F53)
M1 = np.uint64(0xCD9E8D57)
W0 = np.uint64(0x9E3779B9)
W1 = np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


@numba.njit("void(uint64, int64, uint32, uint32, uint32[:, :, ::1])", **OPTIONS)
def fill_words(seed: Any, first: Any, unit0: Any, call: Any, out: np.ndarray) -> None:
    """Fill out[w, i, j] with word w of counter (replicate first + i, unit unit0 + j, call) under key `seed`.

    seed : uint64; first : int64, first replicate; unit0, call : uint32; out : uint32[4, m, n]
    """
    m, n = out.shape[1], out.shape[2]
    for i in range(m):
        replicate = np.uint64(first + i)
        r_low = replicate & LOW
        r_high = replicate >> SHIFT
        for j in range(n):
            c0, c1, c2, c3 = r_low, r_high, (np.uint64(unit0) + np.uint64(j)) & LOW, np.uint64(call)
            k0, k1 = np.uint64(seed) & LOW, np.uint64(seed) >> SHIFT
            for _ in range(10):
                p0 = M0 * c0
                p1 = M1 * c2
                c0 = (p1 >> SHIFT) ^ c1 ^ k0
                c2 = (p0 >> SHIFT) ^ c3 ^ k1
                c1 = p1 & LOW
                c3 = p0 & LOW
                k0 = (k0 + W0) & LOW
                k1 = (k1 + W1) & LOW
            out[0, i, j] = np.uint32(c0)
            out[1, i, j] = np.uint32(c1)
            out[2, i, j] = np.uint32(c2)
            out[3, i, j] = np.uint32(c3)
