"""The random number generator Philox 4x32-10 against the known-answer vectors of Random123: every bit.

Salmon, Moraes, Dror & Shaw, SC11, 2011; file kat_vectors of Random123 1.09.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.kernels.philox import fill_words
from sim.validation.check import Check, compare

FAMILY = "random_numbers"


@dataclass(frozen=True)
class KnownAnswer:
    """A counter and a key of 32-bit words, and the four words that they give."""

    id: str
    counter: tuple[int, int, int, int]
    key: tuple[int, int]
    answer: tuple[int, int, int, int]
    package: str = "Random123"
    version: str = "1.09"
    function: str = "philox4x32-10"


VECTORS = (
    KnownAnswer("philox-1", (0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    KnownAnswer("philox-2", (0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    KnownAnswer(
        "philox-3",
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


def words(vector: KnownAnswer) -> tuple[int, ...]:
    """Return the four words that this installation gives for a vector."""
    out = np.empty((4, 1, 1), dtype=np.uint32)
    counter, key = vector.counter, vector.key
    replicate = np.uint64(counter[0] | counter[1] << 32).astype(np.int64)
    fill_words(np.uint64(key[0] | key[1] << 32), replicate, np.uint32(counter[2]), np.uint32(counter[3]), out)
    return tuple(int(word) for word in out[:, 0, 0])


def checks(vectors: Sequence[KnownAnswer] = VECTORS) -> list[Check]:
    """Hold the generator's words against the known answers."""
    return [compare(FAMILY, vector, "four 32-bit words", vector.answer, words(vector)) for vector in vectors]
