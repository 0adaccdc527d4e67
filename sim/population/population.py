"""What every population can do: sample courses for addressed patients, and state its own curves exactly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any

from sim.benchmark import Benchmark
from sim.curve import Curve
from sim.effect import NO_EFFECT, Effect, Mechanism
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

    @property
    def levers(self) -> tuple[str, ...]:
        """Ways in which a treatment can act on these patients, the default first: among `hazard`, `response`, `durable`, `both`."""
        return ("hazard",)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that a treatment acts on, the default first: among `pfs`, `os`."""
        return ("pfs",)

    def mechanism(self, effect: Effect) -> Mechanism:
        """Return what the effect changes in these patients; a population that is asked often keeps it."""
        return self.solved(effect)

    def solved(self, effect: Effect) -> Mechanism:
        """Solve what the effect changes, and hold it against what these patients have."""
        found, strata = effect.mechanism(self), len(self.strata)
        if len(found.hazards) not in (1, strata):
            raise InputError(f"effect: {len(found.hazards)} hazard ratios for {strata} strata; allowed: one for each stratum")
        if found.own_curve and not self.holds_own_curve:
            raise InputError("effect=own_curve: this population holds no curve of the experimental arm; allowed: population.experimental")
        return found

    @property
    def holds_own_curve(self) -> bool:
        """Whether the population holds a curve of the experimental arm, for an effect that is one."""
        return False

    def reference(self) -> Population:
        """Return the patients as configured, before a trial selects among them by its mix: those on whom an effect is solved."""
        return self

    def check_acts_on(self, wants: Collection[str]) -> None:
        """Raise InputError where a treatment acts on nothing of what a design wants of these patients."""
        wanted = {"pfs", "os"} & set(wants)
        if wanted and not wanted & set(self.endpoints):
            raise InputError(f"effect: none acts on {', '.join(sorted(wanted))} in this population; allowed: {', '.join(self.endpoints)}")

    def proportional(self, endpoint: str) -> bool:
        """Tell whether the patients of a stratum are all alike: then their own hazard ratio is that of the stratum."""
        return False

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` returns; a population that keeps anything keeps it under `key`."""
        return make()

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

    def strata_curves(self, endpoint: str, effect: Effect = NO_EFFECT) -> tuple[Curve, ...]:
        """Return the exact curve of each stratum, in their order."""
        return tuple(self.curve(endpoint, effect, stratum) for stratum in range(len(self.strata)))

    @abstractmethod
    def response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        """Return the exact probability of a response under `effect`."""

    def complete_response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float | None:
        """Return the exact probability of a complete response under `effect`; None where the population has none of its own."""
        return None

    def durable_share(self, effect: Effect = NO_EFFECT) -> float:
        """Return the exact probability that a response which can be durable is; InputError where no response is durable."""
        raise InputError(f"{type(self).__name__} has no durable responses; allowed: a population that is calibrated")

    def moved_by(self, endpoint: str) -> frozenset[str]:
        """Return which of the things that an effect may change (`Effect.changes`) move `pfs`, `os` or `response` here."""
        survival = {"pfs": {"hazard"}, "os": {"hazard", "death"}}
        return frozenset(survival.get(endpoint, {"response"}))

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
