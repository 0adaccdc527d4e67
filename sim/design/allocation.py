"""Who gets which arm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.rng import Draws
from sim.types import Flags, InputError

assign = later("sim.kernels.permuted_blocks", "assign")
assign_by_stratum = later("sim.kernels.permuted_blocks", "assign_by_stratum")
empty = later("sim.kernels.scratch", "empty")

MAX_ARRANGEMENTS = 100_000


class Allocation(ABC):
    """A rule that gives each patient an arm, in order of entry.

    compared : how many arms there are to compare
    """

    compared: ClassVar[int]

    @property
    @abstractmethod
    def label(self) -> str:
        """The arms in a few words, as the report writes them."""

    @property
    def stratified(self) -> bool:
        """Whether patients are allocated within strata of which there are several."""
        return False

    @abstractmethod
    def arms(self, draws: Draws, stratum: Flags) -> Flags:
        """Return uint8[m, n], 1 = experimental; stratum : uint8[m, n]."""

    @property
    @abstractmethod
    def experimental_share(self) -> float:
        """The share of patients that the experimental arm is planned to have."""


@dataclass(frozen=True)
class SingleArm(Allocation):
    """Give everybody the experimental treatment."""

    compared: ClassVar[int] = 1

    @property
    def label(self) -> str:
        return "single arm"

    def arms(self, draws: Draws, stratum: Flags) -> Flags:
        return np.ones((draws.m, draws.n), dtype=np.uint8)

    @property
    def experimental_share(self) -> float:
        return 1.0


@dataclass(frozen=True)
class PermutedBlocks(Allocation):
    """Randomise in permuted blocks, within strata or over all patients.

    Parameters
    ----------
    ratio : (experimental, control) patients in the smallest block
    block_size : a multiple of the ratio's sum
    by_stratum : blocks of their own in each stratum, in order of arrival
    strata : number of strata of the population

    Examples
    --------
    >>> PermutedBlocks((1, 1), 4).arrangements.shape
    (6, 4)
    """

    compared: ClassVar[int] = 2

    ratio: tuple[int, int] = (1, 1)
    block_size: int = 4
    by_stratum: bool = False
    strata: int = 1

    def __post_init__(self) -> None:
        a, b = self.ratio
        if a < 1 or b < 1:
            raise InputError(f"design.ratio is {list(self.ratio)}; allowed: two positive whole numbers, experimental then control")
        if self.block_size < 1 or self.block_size % (a + b):
            raise InputError(
                f"design.block_size is {self.block_size}; allowed: a multiple of {a + b}, the sum of design.ratio {list(self.ratio)}"
            )
        if self.block_size > 1_000 or comb(self.block_size, self.block_size * a // (a + b)) > MAX_ARRANGEMENTS:
            raise InputError(
                f"design.block_size is {self.block_size}: more than {MAX_ARRANGEMENTS:,} arrangements; allowed: a smaller block"
            )

    @property
    def label(self) -> str:
        return f"randomised {self.ratio[0]}:{self.ratio[1]}"

    @property
    def stratified(self) -> bool:
        return self.by_stratum and self.strata > 1

    @property
    def arrangements(self) -> Flags:
        """uint8[c, block_size], every order of a block, in lexicographic order of the experimental places."""
        return _arrangements(self.block_size, self.block_size * self.ratio[0] // sum(self.ratio))

    @property
    def experimental_share(self) -> float:
        return self.ratio[0] / sum(self.ratio)

    def arms(self, draws: Draws, stratum: Flags) -> Flags:
        out = empty((draws.m, draws.n), np.uint8)
        blocks = -(-draws.n // self.block_size)
        if not self.by_stratum:
            assign(draws.blocks("permuted_block", 0, blocks), self.arrangements, out)
            return out
        words = np.stack([draws.blocks("permuted_block", 65536 * g, blocks) for g in range(self.strata)])
        assign_by_stratum(words, stratum, self.arrangements, out)
        return out


@lru_cache(maxsize=32)
def _arrangements(size: int, experimental: int) -> Flags:
    places = list(combinations(range(size), experimental))
    out = np.zeros((len(places), size), dtype=np.uint8)
    for row, chosen in enumerate(places):
        out[row, list(chosen)] = 1
    return out
