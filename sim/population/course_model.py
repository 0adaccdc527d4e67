"""What a model of the course after CAR-T offers to the population that samples from it; which one, its parameter file says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.benchmark import Benchmark
from sim.effect import Mechanism
from sim.population.state_courses import Course
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError


@dataclass(frozen=True)
class Choices:
    """What a population's user chooses of its patients, apart from the parameters; see `PostCartFailure` for each."""

    time_zero: str = "first_line_start"
    refractory_share: float | None = None
    regimen: str = "mix"
    stratify_by: str = "day30"
    eligible: Mapping[str, Any] = field(default_factory=dict)
    prognostic: bool = False
    draws: int | None = None

    @property
    def time_zero_event(self) -> str:
        """Time zero in plain words."""
        return {"infusion": "CAR-T infusion", "progression": "progression after CAR-T", "first_line_start": "start of first-line therapy"}[
            self.time_zero
        ]

    def refuse_response(self, effect: Mechanism) -> None:
        """Raise InputError for a response rate that is stated where nobody has started first line yet."""
        if self.time_zero != "first_line_start" and effect.response_difference != 0:
            raise InputError(
                f"effect: a response is one to first line, and population.time_zero is {self.time_zero!r}; allowed: first_line_start, or an effect on hazards"
            )


class CourseModel(ABC):
    """Sampler and exact curves under one set of parameters and choices. Concrete models are frozen dataclasses."""

    @property
    @abstractmethod
    def regimens(self) -> tuple[str, ...]:
        """Names of the first-line regimens."""

    @property
    @abstractmethod
    def marks(self) -> Mapping[str, Any]:
        """What hangs on the course without steering it: response to CAR-T, baseline covariates."""

    @property
    @abstractmethod
    def strata(self) -> tuple[str, ...]:
        """Names of the strata."""

    @property
    @abstractmethod
    def strata_shares(self) -> Array:
        """float64[S], share of each stratum at time zero; sums to 1."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """A digest of the parameters' values."""

    @abstractmethod
    def sample_strata(self, draws: Draws) -> Flags:
        """Return uint8[m, n], the stratum of each addressed patient."""

    @abstractmethod
    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Mechanism, wants: Collection[str]) -> Courses:
        """Return the courses of the addressed patients, as `Population.sample`."""

    @abstractmethod
    def curves(self, effect: Mechanism) -> dict[str, tuple[Array, ...]]:
        """Return PFS and OS of each stratum on the grid of `multi_state`, float64[n] each, by endpoint; nothing is kept."""

    @abstractmethod
    def states(self, effect: Mechanism, stratum: int, t: Array) -> Course:
        """Return the course of a stratum kept apart by state, from time zero, on a grid of months."""

    @abstractmethod
    def response_rate(self, effect: Mechanism, stratum: int | None = None, complete: bool = False) -> float:
        """Return the exact probability of a response, or of a complete one, at time zero."""

    @abstractmethod
    def durable_share(self, effect: Mechanism) -> float:
        """Return the exact probability that a response which can be durable is."""

    @abstractmethod
    def describe(self, notes: Mapping[str, Any], benchmark: Benchmark) -> list[Assumption]:
        """Return the lines for the report; notes : what the parameter file says of its parameters; benchmark : the published source."""
