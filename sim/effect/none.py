"""No effect: the null hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.effect import Effect, Patients
from sim.effect.facts import EffectFacts
from sim.effect.mechanism import Mechanism
from sim.types import Assumption


@dataclass(frozen=True)
class NoEffect(Effect):
    """Leave everything as it is: the null hypothesis."""

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        return given or Mechanism()

    @property
    def is_null(self) -> bool:
        return True

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset()

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts()

    def describe(self) -> list[Assumption]:
        return [Assumption("effect", "none (null hypothesis)", "configuration")]


NO_EFFECT = NoEffect()
