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
    whole = n // size
    for i in range(m):
        for block in range(whole):
            pick = np.int64((np.uint64(words[i, block]) * np.uint64(count)) >> np.uint64(32))
            j = block * size
            if size == 4:
                # the usual size, written out: a loop of unknown length costs four times as much
                out[i, j] = arrangements[pick, 0]
                out[i, j + 1] = arrangements[pick, 1]
                out[i, j + 2] = arrangements[pick, 2]
                out[i, j + 3] = arrangements[pick, 3]
            else:
                for k in range(size):
                    out[i, j + k] = arrangements[pick, k]
        for j in range(whole * size, n):
            pick = np.int64((np.uint64(words[i, whole]) * np.uint64(count)) >> np.uint64(32))
            out[i, j] = arrangements[pick, j - whole * size]


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
