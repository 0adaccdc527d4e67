"""What every test can do: from an enrolled trial and a calendar cut to a z value, favourable when positive."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sim.types import Array, Flags, Observations


class Code(IntEnum):
    """Why a replicate's row is not ordinary. Only FAILED leaves the analysis; the others count as not rejected when untestable."""

    OK = 0
    NO_EVENTS = 1  # nothing to test with: z is 0, not rejected
    EMPTY_ARM = 2  # nobody at risk in one arm at any event: z is 0, not rejected
    TARGET_NOT_REACHED = 3  # tested at max_duration with the events there were
    TIED_AT_CUT = 4  # two events at the very calendar time of the cut: one more event than planned
    FAILED = 9  # a computation broke


@dataclass(frozen=True, eq=False)
class TestResult:
    """One look at m trials.

    z : float64[m], positive favours the experimental arm; estimate : float64[m], named by the statistic
    enrolled, events : int64[m], cumulative, at the cut; tested : int64[m], patients in the test; code : uint8[m], a `Code`
    """

    z: Array
    estimate: Array
    enrolled: NDArray[np.int64]
    events: NDArray[np.int64]
    tested: NDArray[np.int64]
    code: Flags

    __test__ = False  # not a test for pytest


class Statistic(ABC):
    """A test. Concrete tests are frozen dataclasses.

    stratified : whether patients are compared within strata only
    """

    stratified: bool = False

    @property
    @abstractmethod
    def label(self) -> str:
        """The test's name in a report."""

    @property
    @abstractmethod
    def estimate_label(self) -> str:
        """What `TestResult.estimate` is."""

    @abstractmethod
    def test(self, observations: Observations, cut: Array) -> TestResult:
        """Return the test of what is known at the calendar months `cut` : float64[m]."""
