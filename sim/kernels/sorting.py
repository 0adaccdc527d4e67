"""Sort the rows of a tile: numpy's vector code within segments, merges without branches between them.

numpy sorts up to 256 numbers by a network of vector compares; beyond, it partitions first, which takes two to four times as long an element.
So a longer row is cut into a power of two of nearly equal segments, each sorted by numpy, and neighbours are merged from both ends at once.
"""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from sim.kernels import OPTIONS

NETWORK = 256  # the longest row that numpy sorts at one go


@numba.njit(nogil=True, error_model="numpy")
def merge(x: np.ndarray, low: int, middle: int, high: int, out: np.ndarray) -> None:
    """Fill out[low:high] with the two sorted stretches of x in order: as many as the shorter holds from each end, the rest in between."""
    short = min(middle - low, high - middle)
    i, j, p, q = low, middle, middle - 1, high - 1
    for k in range(short):
        # neither stretch can run out before `short` were taken from this end
        a, b, c, d = x[np.uint64(i)], x[np.uint64(j)], x[np.uint64(p)], x[np.uint64(q)]
        out[low + k] = min(a, b)
        out[high - 1 - k] = max(c, d)
        first, last = np.int64(a <= b), np.int64(c > d)
        i += first
        j += 1 - first
        p -= last
        q -= 1 - last
    for k in range(low + short, high - short):
        take = i <= p and (j > q or x[i] <= x[j])
        out[k] = x[i] if take else x[j]
        i += np.int64(take)
        j += np.int64(not take)


@numba.njit("void(int64[:, ::1], int64[::1])", **OPTIONS)
def merge_segments(keys: np.ndarray, edges: np.ndarray) -> None:
    """Merge the sorted segments of each row, pair by pair; edges : int64[2^k + 1], from 0 to the row's length."""
    m, n = keys.shape
    here, there = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for i in range(m):
        here[:] = keys[i]
        width = 1
        while width < len(edges) - 1:
            for k in range(0, len(edges) - 1, 2 * width):
                merge(here, edges[k], edges[k + width], edges[k + 2 * width], there)
            here, there = there, here
            width *= 2
        keys[i] = here


def sort_rows(keys: NDArray[np.int64]) -> None:
    """Sort each row of int64[m, n] in place, rising.

    Examples
    --------
    >>> x = np.arange(900, dtype=np.int64)[::-1].reshape(1, 900).copy()
    >>> sort_rows(x)
    >>> bool((x[0] == np.arange(900)).all())
    True
    """
    n = keys.shape[1]
    segments = 1
    while n > NETWORK * segments:
        segments *= 2
    if segments == 1:
        keys.sort(axis=1)
        return
    edges = np.array([n * k // segments for k in range(segments + 1)], dtype=np.int64)
    for low, high in pairwise(edges):
        keys[:, low:high].sort(axis=1)
    merge_segments(keys, edges)
