"""When patients enter: patient number is the order of arrival."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import cast

import numpy as np

from sim.later import later
from sim.limits import ARRIVALS, ARRIVALS_OR_NONE, POSITIVE_MONTHS
from sim.rng import Draws
from sim.types import Array, Assumption, InputError

cumulative_gaps = later("sim.kernels.arrivals", "cumulative_gaps")
invert_intensity = later("sim.kernels.arrivals", "invert_intensity")
rescale_to_interval = later("sim.kernels.arrivals", "rescale_to_interval")
empty = later("sim.kernels.scratch", "empty")


class Accrual(ABC):
    """A process of arrivals."""

    @abstractmethod
    def entries(self, draws: Draws) -> Array:
        """Return float64[m, n], calendar months at which patients enter, rising along each row."""

    @abstractmethod
    def expected_duration(self, n: int) -> float:
        """Return the expected months until the n-th patient has entered."""

    @abstractmethod
    def expected_entries(self, n: int) -> tuple[Array, Array]:
        """Return (calendar months, patients expected to have entered by each), float64[k] each, from (0, 0) to the n-th; straight between."""

    @property
    def by_rate(self) -> bool:
        """Whether arrivals have a rate of their own, so that more places change nothing before the places of fewer are taken."""
        return True

    def entered(self, n: int, month: Array) -> Array:
        """Return float64[k], the patients expected to have come by each month if places never ended; under a fixed duration, of n.

        Examples
        --------
        >>> UniformAccrual(rate=2.0).entered(10, np.array([-1.0, 4.0, 100.0])).tolist()
        [0.0, 8.0, 200.0]
        >>> UniformAccrual(duration=5.0).entered(10, np.array([-1.0, 4.0, 100.0])).tolist()
        [0.0, 8.0, 10.0]
        """
        places, (corners, entered) = n, self.expected_entries(n)
        while self.by_rate and corners[-1] < month.max(initial=0.0):
            places *= 2
            corners, entered = self.expected_entries(places)
        out: Array = np.interp(month, corners, entered)
        return out

    @abstractmethod
    def describe(self) -> list[Assumption]:
        """Return the lines for the report."""


@dataclass(frozen=True)
class UniformAccrual(Accrual):
    """Enrol at a constant rate, given as patients per month or as the months that the whole accrual takes.

    With `rate`, arrivals are a Poisson process: the trial of 100 is the prefix of the trial of 200. With `duration`, the
    n arrivals are uniform on (0, duration), sorted; they are made from the same gaps, rescaled.

    Parameters
    ----------
    duration : float > 0, months, or None
    rate : float > 0, patients per month, or None; exactly one of the two
    """

    duration: float | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        if (self.duration is None) == (self.rate is None):
            raise InputError(f"accrual: duration is {self.duration} and rate is {self.rate}; allowed: exactly one of them")
        name, value = ("duration", self.duration) if self.rate is None else ("rate", self.rate)
        assert value is not None
        (POSITIVE_MONTHS if name == "duration" else ARRIVALS).check(f"accrual.{name}", value)

    def entries(self, draws: Draws) -> Array:
        out = empty((draws.m, draws.n))
        cumulative_gaps(draws.word("arrival"), out)
        if self.duration is not None:
            rescale_to_interval(out, draws.next_unit("arrival"), self.duration)
        else:
            out /= cast(float, self.rate)
        return out

    def expected_duration(self, n: int) -> float:
        if self.duration is not None:
            return self.duration * n / (n + 1)
        assert self.rate is not None
        return n / self.rate

    def expected_entries(self, n: int) -> tuple[Array, Array]:
        end = self.duration if self.rate is None else n / self.rate
        return np.array([0.0, cast(float, end)]), np.array([0.0, float(n)])

    @property
    def by_rate(self) -> bool:
        return self.duration is None

    def describe(self) -> list[Assumption]:
        what = f"{self.rate:g} patients per month (Poisson)" if self.duration is None else f"uniform over {self.duration:g} months"
        return [Assumption("accrual", what, "configuration")]


@dataclass(frozen=True)
class PiecewiseAccrual(Accrual):
    """Enrol by a Poisson process with piecewise constant rate; the last rate goes on until the last patient is in.

    Parameters
    ----------
    durations : months that each rate lasts; one fewer than the rates
    rates : patients per month, none negative, the last above 0
    """

    durations: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "durations", tuple(float(x) for x in self.durations))
        object.__setattr__(self, "rates", tuple(float(x) for x in self.rates))
        if len(self.rates) != len(self.durations) + 1:
            raise InputError(
                f"accrual.rates has {len(self.rates)} values for {len(self.durations)} durations; allowed: one rate more than durations"
            )
        for months in self.durations:
            POSITIVE_MONTHS.check("accrual.durations", months, list(self.durations))
        for rate in self.rates:
            ARRIVALS_OR_NONE.check("accrual.rates", rate, list(self.rates))
        if self.rates[-1] == 0:
            raise InputError(
                f"accrual.rates is {list(self.rates)}: with a last rate of 0 accrual may never end; allowed: a last rate above 0"
            )

    @property
    def _tables(self) -> tuple[Array, Array, Array]:
        starts = np.concatenate([[0.0], np.cumsum(self.durations)])
        expected = np.concatenate([[0.0], np.cumsum(np.multiply(self.durations, self.rates[:-1]))])
        return starts, expected, np.array(self.rates)

    def entries(self, draws: Draws) -> Array:
        out = empty((draws.m, draws.n))
        cumulative_gaps(draws.word("arrival"), out)
        invert_intensity(out, *self._tables)
        return out

    def expected_duration(self, n: int) -> float:
        starts, expected, rates = self._tables
        k = int(np.searchsorted(expected, n, side="left")) - 1
        k = max(min(k, len(rates) - 1), 0)
        return float(starts[k] + (n - expected[k]) / rates[k])

    def expected_entries(self, n: int) -> tuple[Array, Array]:
        starts, expected, _ = self._tables
        before = expected < n
        return np.append(starts[before], self.expected_duration(n)), np.append(expected[before], float(n))

    def describe(self) -> list[Assumption]:
        pieces = ", ".join(f"{r:g} per month for {d:g} months" for r, d in zip(self.rates, self.durations, strict=False))
        return [Assumption("accrual", f"{pieces}, then {self.rates[-1]:g} per month (Poisson)", "configuration")]
