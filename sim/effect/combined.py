"""Several effects that act together."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.effect import Effect, Patients
from sim.effect.mechanism import Mechanism
from sim.types import Assumption, InputError


@dataclass(frozen=True)
class Combined(Effect):
    """Let several effects act together; at most one is solved, last, given the others.

    Parameters
    ----------
    effects : two or more

    Notes
    -----
    Ratios multiply, differences add. A stated hazard ratio, median or milestone is what the trial shows of all of them together.

    Examples
    --------
    >>> from sim.effect.death_after_progression import DeathAfterProgression
    >>> from sim.effect.patient_hazard_ratio import PatientHazardRatio
    >>> Combined((PatientHazardRatio(0.5), DeathAfterProgression(1.5))).mechanism(None).words()
    "each patient's hazard ratio 0.5, hazard ratio of death after progression 1.5"
    """

    effects: tuple[Effect, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "effects", tuple(self.effects))
        if len(self.effects) < 2:
            raise InputError(f"effect.effects has {len(self.effects)}; allowed: two or more")
        solved = [type(effect).__name__ for effect in self.effects if effect.solved]
        if len(solved) > 1:
            raise InputError(f"effect.effects holds {' and '.join(solved)}, which are solved for; allowed: at most one such, one equation")

    @property
    def solved(self) -> bool:
        return any(effect.solved for effect in self.effects)

    @property
    def is_null(self) -> bool:
        return all(effect.is_null for effect in self.effects)

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        found = given or Mechanism()
        for effect in sorted(self.effects, key=lambda effect: effect.solved):
            found = effect.mechanism(patients, found)
        return found

    def on_draw(self, planned: Patients) -> Effect:
        kept = any(effect.on_draw(planned) is not effect for effect in self.effects)
        return planned.mechanism(self) if kept else self

    def stated(self, patients: Patients) -> tuple[float, str] | None:
        # what is solved last holds of all of them together; any other ratio does not
        solved = [effect for effect in self.effects if effect.solved]
        return solved[0].stated(patients) if solved else None

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset(name for effect in self.effects for name in effect.changes(patients))

    def describe(self) -> list[Assumption]:
        parts = [effect.describe() for effect in self.effects]
        together = Assumption("effect", ", and ".join(lines[0].value for lines in parts), "configuration")
        return [together, *(line for lines in parts for line in lines[1:])]
