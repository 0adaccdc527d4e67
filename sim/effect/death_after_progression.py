"""An effect on death after a progression alone."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_ratio
from sim.effect.effect import Effect, Patients
from sim.effect.facts import EffectFacts
from sim.effect.mechanism import Mechanism
from sim.types import Assumption


@dataclass(frozen=True)
class DeathAfterProgression(Effect):
    """Multiply each patient's hazard of death after a progression; who was transplanted is left as they are.

    Parameters
    ----------
    hr : float > 0, experimental / control; above 1 the treatment harms those it no longer helps

    Examples
    --------
    >>> DeathAfterProgression(1.5).mechanism(None).after_progression
    1.5
    """

    hr: float

    def __post_init__(self) -> None:
        check_ratio("hr", self.hr)

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        own = Mechanism(after_progression=float(self.hr))
        return own if given is None else given.together(own)

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"death"})

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts(after_progression=float(self.hr))

    def describe(self) -> list[Assumption]:
        return [Assumption("effect on death after progression", f"hazard ratio {self.hr:g}, none after a transplant", "configuration")]
