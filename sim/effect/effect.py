"""What every effect can do: say what it changes in given patients. A protocol states an effect; a population applies its mechanism."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from sim.curve import Curve
from sim.effect.facts import EffectFacts
from sim.types import Array, Assumption

if TYPE_CHECKING:
    from sim.effect.mechanism import Mechanism


class Patients(Protocol):
    """What an effect may ask of the patients on whom it is solved; every population can answer."""

    @property
    def strata(self) -> tuple[str, ...]: ...
    @property
    def strata_shares(self) -> Array: ...
    @property
    def levers(self) -> tuple[str, ...]:
        """Ways in which a treatment can act here, the default first: among `hazard`, `response`, `durable`, `both`."""
        ...

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that an effect acts on here, the default first: among `pfs`, `os`."""
        ...

    def strata_curves(self, endpoint: str, effect: Effect) -> tuple[Curve, ...]:
        """Return the exact curve of each stratum."""
        ...

    def response_rate(self, effect: Effect, stratum: int | None = None) -> float: ...
    def complete_response_rate(self, effect: Effect) -> float | None:
        """Return the exact probability of a complete response; None where the population has no complete responses of its own."""
        ...

    def durable_share(self, effect: Effect) -> float:
        """Return the exact probability that a response which can be durable is."""
        ...

    def reference(self) -> Patients:
        """Return the patients as configured, before a trial selects among them by its mix."""
        ...

    def proportional(self, endpoint: str) -> bool:
        """Tell whether the patients of a stratum are all alike, so that their own hazard ratio is that of the stratum."""
        ...

    def mechanism(self, effect: Effect) -> Mechanism:
        """Return what the effect changes here, solved once."""
        ...

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` returns, kept by the population under `key` where it keeps anything."""
        ...


class Effect(ABC):
    """What a treatment does, as somebody states it. Concrete effects are frozen dataclasses."""

    @abstractmethod
    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        """Return what changes in these patients.

        given : what other effects change beforehand, in a list of effects that act together; the result includes it

        Raises
        ------
        InputError : the patients have nothing that such an effect could act on, or it cannot be reached
        """

    @abstractmethod
    def describe(self) -> list[Assumption]:
        """Return the lines for the report."""

    def on_draw(self, planned: Patients) -> Effect:
        """Return the effect where a draw of the parameters is the truth of a trial planned on `planned`; what is solved is solved anew."""
        return self

    def stated(self, patients: Patients) -> tuple[float, str] | None:
        """Return the one hazard ratio that a formula would be given, and its endpoint; None where the effect states none."""
        return None

    @property
    def facts(self) -> EffectFacts:
        """What the effect changes, as data; an effect that does not state its facts is told in the words of its first line."""
        return EffectFacts(stated=self.describe()[0].value)

    def changes(self, patients: Patients) -> frozenset[str]:
        """Return what the effect can change in these patients at any value of its keys: `hazard`, `response`, `durable`, `death`, `curve`.

        What it changes nothing of it cannot improve (`Population.moved_by`); by default it may change anything.
        """
        return frozenset({"hazard", "response", "durable", "death", "curve"})

    @property
    def solved(self) -> bool:
        """Whether a number of the mechanism is found by solving an equation on the patients."""
        return False

    @property
    def is_null(self) -> bool:
        """Whether the effect changes nothing, whoever the patients are."""
        return False
