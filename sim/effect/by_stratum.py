"""A hazard ratio for each stratum."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_ratio
from sim.effect.effect import Effect, Patients
from sim.effect.mechanism import HazardProfile, Mechanism
from sim.types import Assumption, InputError


@dataclass(frozen=True)
class ByStratum(Effect):
    """Multiply each patient's own hazard by the ratio of the patient's stratum.

    Parameters
    ----------
    ratios : one for each stratum of the population, in its order, each above 0; 1 leaves a stratum as it is

    Examples
    --------
    >>> ByStratum((0.6, 0.7)).describe()[0].value
    "hazard ratios by stratum 0.6, 0.7, on each patient's own hazard"
    """

    ratios: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratios", tuple(float(x) for x in self.ratios))
        for ratio in self.ratios:
            check_ratio("ratios", ratio)

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        if len(self.ratios) != len(patients.strata):
            raise InputError(
                f"effect.ratios has {len(self.ratios)} values for the strata {', '.join(patients.strata)}; allowed: one for each"
            )
        own = Mechanism(tuple(HazardProfile((0.0,), (ratio,)) for ratio in self.ratios))
        return own if given is None else given.together(own)

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"hazard"})

    def describe(self) -> list[Assumption]:
        ratios = ", ".join(f"{ratio:g}" for ratio in self.ratios)
        return [Assumption("effect", f"hazard ratios by stratum {ratios}, on each patient's own hazard", "configuration")]
