"""What every population can do: sample courses for addressed patients, and state its own curves exactly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection

from sim.benchmark import Benchmark
from sim.curve import Curve
from sim.effect import NO_EFFECT, Effect
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError


class Population(ABC):
    """Who the patients are, from their time zero on. Concrete populations are frozen dataclasses."""

    @property
    @abstractmethod
    def strata(self) -> tuple[str, ...]:
        """Names of the strata, in the order of `Courses.stratum`."""

    @property
    @abstractmethod
    def strata_shares(self) -> Array:
        """float64[g], share of each stratum at time zero; sums to 1."""

    @property
    @abstractmethod
    def time_zero(self) -> str:
        """The event at which a patient's clock starts, for example `first_line_start`."""

    @property
    def deciding_data(self) -> object:
        """What decides the samples besides the fields, for the store's key: a dataclass read from files, or None."""
        return None

    @abstractmethod
    def sample_strata(self, draws: Draws) -> Flags:
        """Return uint8[m, n], the stratum of each addressed patient (needed before arms are assigned)."""

    @abstractmethod
    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        """Return the courses of the addressed patients.

        Parameters
        ----------
        draws : the addresses (seed, m replicates, n patients)
        stratum : uint8[m, n], from `sample_strata`
        arm : uint8[m, n], 1 = experimental: these patients' hazards and response follow `effect`
        effect : what the experimental treatment changes
        wants : names among `pfs`, `os`, `response`, `cr`; anything else stays None and costs nothing
        """

    @abstractmethod
    def curve(self, endpoint: str, effect: Effect = NO_EFFECT, stratum: int | None = None) -> Curve:
        """Return the exact curve of `pfs` or `os` under `effect`, of everybody or of one stratum; no Monte Carlo."""

    @abstractmethod
    def response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        """Return the exact probability of a response under `effect`."""

    def complete_response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        """Return the exact probability of a complete response under `effect`; InputError where responses have no kinds."""
        raise InputError(
            f"{type(self).__name__} does not tell complete from partial responses; allowed: a population calibrated to a benchmark"
        )

    def with_benchmark(self, benchmark: Benchmark) -> Population:
        """Return the population that takes its published medians from `benchmark`; itself where no published source stands behind it."""
        return self

    def published_median(self, endpoint: str) -> float:
        """Return the published median of `pfs` or `os` in months from progression; InputError where nothing was published."""
        raise InputError(
            f"{type(self).__name__} has no published {endpoint.upper()} median; allowed: a population calibrated to a benchmark that has one"
        )

    @abstractmethod
    def describe(self) -> list[Assumption]:
        """Return the lines for the report's table of assumptions, each with its source."""
