"""What is known at a cut, as one sorted row of keys a trial: the common start of every time-to-event test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.types import Array, Observations

kernel = later("sim.kernels.logrank")
empty = later("sim.kernels.scratch", "empty")
sort_rows = later("sim.kernels.sorting", "sort_rows")

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Sorted keys of m trials at their cuts.

    keys : int64[m, n], stratum, time, censored and arm packed, rising along a row
    bits : how many bits hold the stratum, 0 when strata are ignored
    enrolled, events, experimental : int64[m], at the cut
    """

    keys: Counts
    counts: Counts
    bits: int

    @property
    def enrolled(self) -> Counts:
        return self.counts[:, 0]

    @property
    def events(self) -> Counts:
        return self.counts[:, 1]

    @property
    def experimental(self) -> Counts:
        return self.counts[:, 2]


def risk_sets(observations: Observations, cut: Array, stratified: bool = False) -> RiskSets:
    """Return what is known at the calendar months `cut` : float64[m], by stratum when `stratified`."""
    o = observations
    assert o.time is not None
    assert o.event is not None
    bits = (o.strata - 1).bit_length() if stratified else 0
    m, n = o.entry.shape
    keys = empty((m, n), np.int64)
    counts = np.empty((m, 3), dtype=np.int64)
    kernel.pack(o.entry, o.time, o.event, o.arm, o.stratum, cut, bits, keys, counts)
    sort_rows(keys)
    return RiskSets(keys, counts, bits)


@lru_cache(maxsize=256)
def reciprocals(n: int) -> Array:
    """Return float64[n + 1]: 0, 1, 1/2, … 1/n; read only."""
    out = np.zeros(n + 1)
    out[1:] = 1.0 / np.arange(1, n + 1)
    return out
