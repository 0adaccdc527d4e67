"""Addressed random numbers: a draw is a function of (seed, replicate, unit, named stream). Nothing else draws.

The generator is Philox 4x32-10 (Salmon et al. 2011, SC11). Counter = (replicate low, replicate high, unit, call),
key = 64-bit seed; one call gives four 32-bit words, and a named stream is a (call, word) pair of the table below.
So a draw never depends on what was drawn before it: any block size, any worker, any order give the same trial.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.later import later

fill_words = later("sim.kernels.philox", "fill_words")
empty = later("sim.kernels.scratch", "empty")

Words = NDArray[np.uint32]

# Append only: a new stream takes the next free word; moving a line would change every published result.
STREAMS: dict[str, tuple[int, int]] = {
    "arrival": (0, 0),  # unit = patient
    "event": (0, 1),
    "dropout": (0, 2),
    "stratum": (0, 3),
    "response": (1, 0),
    "durable": (1, 1),
    "exit_is_death": (1, 2),
    "after_progression": (1, 3),
    "allo_from_response": (2, 0),
    "allo_after_progression": (2, 1),
    "allo_cured": (2, 2),
    "allo_relapse": (2, 3),
    "after_allo_relapse": (3, 0),
    "regimen": (3, 1),
    "intended": (3, 2),
    "waiting": (3, 3),
    "start_or_death": (4, 0),
    "supportive_care": (4, 1),
    "bridging": (4, 2),
    "day30_group": (4, 3),
    "time_to_progression": (5, 0),
    "second_line": (5, 1),
    "followup": (5, 2),
    "complete_response": (5, 3),
    "permuted_block": (6, 0),  # unit = number of the block within its stratum + 65536 * stratum
    "cart_response": (7, 0),  # unit = patient again
    "cart_background_death": (7, 1),
    "evaluable": (7, 2),
    "cart_complete": (7, 3),
    "day30_status": (8, 0),
    "first_line_on_trial": (8, 1),
    "cd19": (8, 2),
    "age": (8, 3),
    "sex": (9, 0),
    "ecog": (9, 1),
    "histology": (9, 2),
    "lines": (9, 3),
    "ipi": (10, 0),
    "ldh": (10, 1),
    "stage": (10, 2),
    "cell_of_origin": (10, 3),
    "dhde": (11, 0),
    "prior_autologous_hct": (11, 1),
    "cns": (11, 2),
    "product": (11, 3),
    "cart_on_trial": (12, 0),
    "extranodal": (12, 1),
    "crs": (12, 2),
    "icans": (12, 3),
    "tocilizumab": (13, 0),
    "steroids": (13, 1),
    "failure_class": (13, 2),
    "old_age": (13, 3),
    "progressive_at_day30": (14, 0),
    "failure_time_class": (14, 1),
    "ecog_at_failure": (14, 2),
    "ldh_at_failure": (14, 3),
    "haemoglobin_at_failure": (15, 0),
    "extranodal_at_failure": (15, 1),
}


@dataclass(frozen=True, eq=False)
class Draws:
    """The addresses of a tile: m replicates first, first + 1, … of n units each, from `first_unit` on. Words are made once per call.

    Examples
    --------
    >>> Draws(seed=1, first=0, m=2, n=3).word("event").shape
    (2, 3)
    """

    seed: int
    first: int
    m: int
    n: int
    first_unit: int = 0
    _calls: dict[int, Words] = field(default_factory=dict, init=False, repr=False)

    def word(self, stream: str) -> Words:
        """Return uint32[m, n], the raw words of a stream; read only."""
        call, word = STREAMS[stream]
        words = self._calls.get(call)
        if words is None:
            words = empty((4, self.m, self.n), np.uint32)
            fill_words(np.uint64(self.seed), np.int64(self.first), np.uint32(self.first_unit), np.uint32(call), words)
            self._calls[call] = words
        return words[word]

    def next_unit(self, stream: str) -> Words:
        """Return uint32[m], the stream's word for the unit after the last: what the next patient would have drawn."""
        return self._units(stream, self.first_unit + self.n, 1)[:, 0].copy()

    def blocks(self, stream: str, first_unit: int, units: int) -> Words:
        """Return uint32[m, units], the stream's words for units that are not patients (randomisation blocks)."""
        return self._units(stream, first_unit, units)

    def _units(self, stream: str, first_unit: int, units: int) -> Words:
        call, word = STREAMS[stream]
        words = empty((4, self.m, units), np.uint32)
        fill_words(np.uint64(self.seed), np.int64(self.first), np.uint32(first_unit), np.uint32(call), words)
        return words[word]
