"""The walk over the risk sets of a row of `logrank.pack`'s sorted keys: stratum by stratum, event time by event time."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels.transforms import INLINE

# compiled as part of the caller: as calls they made stratified scores slower
WALK = {**INLINE, "inline": "always"}


@numba.njit(**WALK)
def stratum_end(keys: np.ndarray, i: int, j: int, total: int, top: int) -> tuple[int, int]:
    """Return (index after the stratum that starts at keys[i, j], its patients of the experimental arm); top : its lowest bit."""
    stratum = keys[i, j] >> top
    stop = j
    n1 = np.int64(0)
    while stop < total and keys[i, stop] >> top == stratum:
        n1 += keys[i, stop] & 1
        stop += 1
    return stop, n1


@numba.njit(**WALK)
def next_event_time(keys: np.ndarray, i: int, j: int, stop: int, n1: int) -> tuple[int, int, int, int]:
    """Return (first, after, d1, n1) of the next distinct event time from keys[i, j] on, `stop` ending the stratum.

    keys[i, first:after] are its tied events, d1 of them in the experimental arm, where n1 are at risk; stop - first are at
    risk in both arms. Given n1 at j, those censored before the event time leave it. No event left: first = after = stop.
    """
    first = j
    while first < stop and (keys[i, first] >> 1) & 1:
        n1 -= keys[i, first] & 1
        first += 1
    d1 = np.int64(0)
    after = first
    while after < stop and (keys[i, after] | 1) == (keys[i, first] | 1):
        d1 += keys[i, after] & 1
        after += 1
    return first, after, d1, n1
