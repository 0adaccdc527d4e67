"""Permuted-block randomisation: one word per block picks one of the equally likely arrangements."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS


@numba.njit("void(uint32[:, ::1], uint8[:, ::1], uint8[:, ::1])", **OPTIONS)
def assign(words: np.ndarray, arrangements: np.ndarray, out: np.ndarray) -> None:
    """Fill out : uint8[m, n] in order of entry; words : uint32[m, blocks]; arrangements : uint8[c, size]."""
    m, n = out.shape
    count, size = arrangements.shape
    for i in range(m):
        j = 0
        block = 0
        while j < n:
            pick = np.int64((np.uint64(words[i, block]) * np.uint64(count)) >> np.uint64(32))
            for k in range(min(size, n - j)):
                out[i, j + k] = arrangements[pick, k]
            j += size
            block += 1


@numba.njit("void(uint32[:, :, ::1], uint8[:, ::1], uint8[:, ::1], uint8[:, ::1])", **OPTIONS)
def assign_by_stratum(words: np.ndarray, stratum: np.ndarray, arrangements: np.ndarray, out: np.ndarray) -> None:
    """Fill out in order of entry with blocks of their own in each stratum; words : uint32[strata, m, blocks]."""
    m, n = out.shape
    count, size = arrangements.shape
    strata = words.shape[0]
    seen = np.zeros(strata, dtype=np.int64)
    for i in range(m):
        seen[:] = 0
        for j in range(n):
            g = stratum[i, j]
            block = seen[g] // size
            pick = np.int64((np.uint64(words[g, i, block]) * np.uint64(count)) >> np.uint64(32))
            out[i, j] = arrangements[pick, seen[g] - block * size]
            seen[g] += 1
