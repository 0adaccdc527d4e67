"""The experimental arm has a curve of its own, which the population holds."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.effect import Effect, Patients
from sim.effect.mechanism import Mechanism
from sim.types import Assumption


@dataclass(frozen=True)
class OwnCurve(Effect):
    """Let the experimental arm follow `population.experimental`, whatever the ratio to the control's curve is.

    Examples
    --------
    >>> OwnCurve().mechanism(None).own_curve
    True
    """

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        own = Mechanism(own_curve=True)
        return own if given is None else given.together(own)

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"curve"})

    def describe(self) -> list[Assumption]:
        return [Assumption("effect", "the experimental arm has a curve of its own", "population.experimental")]
