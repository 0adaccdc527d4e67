"""How long patients are watched: dropout, and the calendar time of each look."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.limits import HAZARD, PROPER_PROBABILITY
from sim.rng import Draws
from sim.types import Array, Assumption, Flags, InputError, Observations

calendar_of_events = later("sim.kernels.piecewise", "calendar_of_events")
censor_at_exponential = later("sim.kernels.piecewise", "censor_at_exponential")
months_of_looks = later("sim.kernels.piecewise", "months_of_looks")
empty = later("sim.kernels.scratch", "empty")
sort_rows = later("sim.kernels.sorting", "sort_rows")


class Dropout(ABC):
    """Loss to follow-up before the event."""

    @abstractmethod
    def watch(self, draws: Draws, time: Array) -> tuple[Array, Flags]:
        """Return (time to event or dropout, 1 where the event came first), both [m, n]; `time` may be overwritten."""

    @property
    @abstractmethod
    def hazard_per_month(self) -> float:
        """The dropout hazard."""

    @abstractmethod
    def describe(self) -> list[Assumption]:
        """Return the lines for the report."""


@dataclass(frozen=True)
class NoDropout(Dropout):
    """Lose nobody."""

    def watch(self, draws: Draws, time: Array) -> tuple[Array, Flags]:
        return time, np.ones(time.shape, dtype=np.uint8)

    @property
    def hazard_per_month(self) -> float:
        return 0.0

    def describe(self) -> list[Assumption]:
        return [Assumption("dropout", "none", "configuration")]


@dataclass(frozen=True)
class ExponentialDropout(Dropout):
    """Lose patients at a constant hazard, given itself or as the probability of loss in one month.

    Parameters
    ----------
    hazard : float > 0 per month, or None
    monthly_probability : float in (0, 1), or None; hazard = -log(1 - probability). Exactly one of the two.
    """

    hazard: float | None = None
    monthly_probability: float | None = None

    def __post_init__(self) -> None:
        if (self.hazard is None) == (self.monthly_probability is None):
            raise InputError(
                f"dropout: hazard is {self.hazard} and monthly_probability is {self.monthly_probability}; allowed: exactly one of them"
            )
        # dropout=none is for no dropout
        if self.hazard is not None:
            HAZARD.check("dropout.hazard", self.hazard)
        if self.monthly_probability is not None:
            PROPER_PROBABILITY.check("dropout.monthly_probability", self.monthly_probability)

    @property
    def hazard_per_month(self) -> float:
        if self.hazard is not None:
            return float(self.hazard)
        assert self.monthly_probability is not None
        return _hazard_of(float(self.monthly_probability))

    def watch(self, draws: Draws, time: Array) -> tuple[Array, Flags]:
        event = empty(time.shape, np.uint8)
        censor_at_exponential(draws.word("dropout"), self.hazard_per_month, time, event)
        return time, event

    def describe(self) -> list[Assumption]:
        yearly = -math.expm1(-12 * self.hazard_per_month)
        value = f"exponential, hazard {self.hazard_per_month:.4f} per month: {yearly:.1%} a year"
        return [Assumption("dropout", value, "configuration (dropout): an assumption")]


@lru_cache(maxsize=64)
def _hazard_of(monthly_probability: float) -> float:
    # correctly rounded, as the C library's log1p is not on every processor
    return -float((1 - Decimal(monthly_probability)).ln())


class Cut(ABC):
    """The calendar time of each look."""

    @property
    @abstractmethod
    def looks(self) -> int:
        """The number of planned looks."""

    @abstractmethod
    def calendar(self, observations: Observations) -> tuple[Array, Flags]:
        """Return float64[looks, m], the calendar months of the looks, and uint8[looks, m], 1 where the planned number was reached.

        A look that has the month of the one before it is the same analysis: the trial ends with the earlier of them.
        """

    def planned_events(self, look: int) -> int | None:
        """Return the number of events that calls this look; None where something else does."""
        return None

    def expected_months(self, events_by: Callable[[float], float], entry_of: Callable[[int], float], n: int) -> tuple[float, ...]:
        """Return the calendar month of each look in a large trial of these proportions; NaN where it is not known.

        events_by : calendar month -> expected events of n patients; entry_of : k -> expected month at which the k-th patient enters
        """
        return (math.nan,) * self.looks

    @property
    def deadline(self) -> float:
        """Calendar months after which the trial is analysed in any case; infinity where it waits for its patients."""
        return math.inf

    def last_of_all(self, look: Array, month: Array) -> NDArray[np.bool_]:
        """Return bool[k]: no analysis could follow this one, held at `month` as look 1, 2, … of the plan."""
        return look >= self.looks


@dataclass(frozen=True)
class CutAtEvents(Cut):
    """Look when the d-th event has occurred, that event included; at `max_duration` with what there is.

    Parameters
    ----------
    events : rising numbers of events, one per look
    max_duration : months from the first possible enrolment after which the trial is analysed in any case
    """

    events: tuple[int, ...]
    max_duration: float = 120.0

    @property
    def looks(self) -> int:
        return len(self.events)

    def planned_events(self, look: int) -> int:
        return self.events[look]

    def expected_months(self, events_by: Callable[[float], float], entry_of: Callable[[int], float], n: int) -> tuple[float, ...]:
        return tuple(_month_of(events_by, d, self.max_duration) for d in self.events)

    @property
    def deadline(self) -> float:
        return self.max_duration

    def last_of_all(self, look: Array, month: Array) -> NDArray[np.bool_]:
        return (look >= self.looks) | (month >= self.max_duration)

    def calendar(self, observations: Observations) -> tuple[Array, Flags]:
        return _months_of_events(observations, self.events, self.max_duration)


@dataclass(frozen=True)
class CutAtMonths(Cut):
    """Look at fixed calendar months, and for the last time when the d-th event has occurred, that event included.

    Parameters
    ----------
    months : rising calendar months from the first possible enrolment, of the looks before the last
    events : the number that calls the last look; where it comes before a month, the trial ends with it
    max_duration : months after which the trial is analysed in any case
    """

    months: tuple[float, ...]
    events: int
    max_duration: float = 120.0

    @property
    def looks(self) -> int:
        return len(self.months) + 1

    def planned_events(self, look: int) -> int | None:
        return self.events if look == len(self.months) else None

    def expected_months(self, events_by: Callable[[float], float], entry_of: Callable[[int], float], n: int) -> tuple[float, ...]:
        end = _month_of(events_by, self.events, self.max_duration)
        return (*(min(month, end) for month in self.months), end)

    @property
    def deadline(self) -> float:
        return self.max_duration

    def last_of_all(self, look: Array, month: Array) -> NDArray[np.bool_]:
        # the events, or the deadline, came before the month that calls the look
        called = np.append(self.months, np.inf)[np.minimum(look, self.looks) - 1]
        return (look >= self.looks) | (month < called)

    def calendar(self, observations: Observations) -> tuple[Array, Flags]:
        end, came = _months_of_events(observations, (self.events,), self.max_duration)
        cuts = np.vstack([np.minimum(np.array(self.months)[:, None], end), end])
        reached = (cuts < end) | (came == 1)
        return cuts, reached.astype(np.uint8)


def _month_of(events_by: Callable[[float], float], events: float, longest: float) -> float:
    """Return the month by which so many events are expected, at most `longest`; by halving."""
    low, high = 0.0, longest
    if events_by(high) <= events:
        return longest
    while high - low > 1e-7:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if events_by(middle) < events else (low, middle)
    return high


def _months_of_events(observations: Observations, numbers: tuple[int, ...], longest: float) -> tuple[Array, Flags]:
    """Return float64[k, m], the calendar month of each of these numbers of events, at most `longest`, and uint8[k, m], 1 where it came by then."""
    assert observations.time is not None
    assert observations.event is not None
    at = empty(observations.time.shape)
    calendar_of_events(observations.entry, observations.time, observations.event, at)
    places = np.array(numbers, dtype=np.int64) - 1
    # months are positive, so their bits are in the same order; sorting short rows is faster than a partition
    sort_rows(at.view(np.int64))
    months, reached = np.empty((len(places), len(at))), np.empty((len(places), len(at)), dtype=np.uint8)
    months_of_looks(at, places, longest, months, reached)
    return months, reached


@dataclass(frozen=True)
class CutAtFollowUp(Cut):
    """Look once, when the last enrolled patient has been followed for `months`."""

    months: float

    @property
    def looks(self) -> int:
        return 1

    def calendar(self, observations: Observations) -> tuple[Array, Flags]:
        cut = observations.entry[:, -1] + self.months
        return cut[None, :], np.ones((1, len(cut)), dtype=np.uint8)

    def expected_months(self, events_by: Callable[[float], float], entry_of: Callable[[int], float], n: int) -> tuple[float, ...]:
        return (entry_of(n) + self.months,)


@dataclass(frozen=True)
class CutAtPatients(Cut):
    """Look when the first k patients have all been followed for `months`.

    Parameters
    ----------
    patients : rising numbers of patients, one per look
    months : follow-up of the last of them
    """

    patients: tuple[int, ...]
    months: float

    @property
    def looks(self) -> int:
        return len(self.patients)

    def calendar(self, observations: Observations) -> tuple[Array, Flags]:
        cuts = observations.entry.T[[k - 1 for k in self.patients]] + self.months
        return cuts, np.ones(cuts.shape, dtype=np.uint8)

    def expected_months(self, events_by: Callable[[float], float], entry_of: Callable[[int], float], n: int) -> tuple[float, ...]:
        return tuple(entry_of(k) + self.months for k in self.patients)
