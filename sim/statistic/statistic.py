"""What every test can do: from an enrolled trial and a calendar cut to a z value, favourable when positive."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.effect.cox_limit import LargeTrial
from sim.statistic.null_trial import NullLook
from sim.types import Array, Flags, Observations

Level = float | Array
"""The one-sided nominal level that a look is judged at, one for all trials or float64[m]; `NO_LEVEL`: at none, at several, or not known yet."""
NO_LEVEL = math.nan


class Code(IntEnum):
    """Why a replicate's row is not ordinary. Only FAILED leaves the analysis; the others count as not rejected when untestable."""

    OK = 0
    NO_EVENTS = 1  # nothing to test with, not even a variance under the null: z is 0, not rejected
    EMPTY_ARM = 2  # nobody at risk in one arm at any event: z is 0, not rejected
    TARGET_NOT_REACHED = 3  # tested at max_duration with the events there were
    TIED_AT_CUT = 4  # two events at the very calendar time of the cut: one more event than planned
    FAILED = 9  # a computation broke


@dataclass(frozen=True, eq=False)
class TestResult:
    """One look at m trials.

    z : float64[m], positive favours the experimental arm; estimate : float64[m], named by the statistic
    enrolled, events : int64[m], cumulative, at the cut; tested : int64[m], patients in the test; code : uint8[m], a `Code`
    information : float64[m], of what is tested, as found in the data, in the unit of `Statistic.null_information`; None: the events
    """

    z: Array
    estimate: Array
    enrolled: NDArray[np.int64]
    events: NDArray[np.int64]
    tested: NDArray[np.int64]
    code: Flags
    information: Array | None = None

    def __post_init__(self) -> None:
        if self.information is None:
            object.__setattr__(self, "information", self.events.astype(np.float64))

    __test__ = False  # not a test for pytest


class Statistic(ABC):
    """A test. Concrete tests are frozen dataclasses.

    arms : how many arms it compares: 2, or 1 where it does not look at the arms and holds the patients against a null value
    outcome : what it compares: "survival" (times to an event) or "response"
    stratified : whether patients are compared within strata only
    """

    arms: ClassVar[int]
    outcome: ClassVar[str]
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
    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        """Return the test of what is known at the calendar months `cut` : float64[m], which is judged at `level`.

        Two z may differ by the level only where both fall on the same side of its critical value.
        """

    def null_information(self, look: NullLook) -> Array:
        """Return the null covariance of the k scores that are tested at a look, float64[k, k].

        Notes
        -----
        What a later look adds is uncorrelated with it: Cov(U_j, U_k) is that of the earlier look. One score: its variance, or one over the
        variance of an estimate. By default the number of events, to which it is proportional where every event weighs alike.
        """
        return np.array([[float(look.events)]])

    def estimand(self, trial: Callable[[bool], LargeTrial]) -> float:
        """Return what the estimate tends to in a large trial; NaN where that is not known.

        trial : of True, with risk sets by stratum; of False, of everybody
        """
        return float("nan")
