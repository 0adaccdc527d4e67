"""A hazard ratio that changes with time: a delay, an effect that wanes, hazards that cross."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_ratio
from sim.effect.effect import Effect, Patients
from sim.effect.mechanism import HazardProfile, Mechanism, profile_words
from sim.types import Assumption, InputError


@dataclass(frozen=True)
class Piecewise(Effect):
    """Multiply each patient's own hazard by a ratio that changes at given months.

    Parameters
    ----------
    breaks : rising months since time zero at which the ratios begin, the first 0
    ratios : one a break, each above 0

    Examples
    --------
    >>> Piecewise((0.0, 2.0, 14.0), (1.0, 0.65, 1.0)).describe()[0].value
    "hazard ratio 1, 0.65 from month 2, 1 from month 14, on each patient's own hazard"
    """

    breaks: tuple[float, ...]
    ratios: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("breaks", "ratios"):
            object.__setattr__(self, name, tuple(float(x) for x in getattr(self, name)))
        if self.breaks[:1] != (0.0,) or list(self.breaks) != sorted(set(self.breaks)) or self.breaks[-1] == float("inf"):
            raise InputError(f"effect.breaks is {list(self.breaks)}; allowed: rising months that start at 0")
        if len(self.ratios) != len(self.breaks):
            raise InputError(f"effect.ratios has {len(self.ratios)} values for {len(self.breaks)} breaks; allowed: one for each")
        for ratio in self.ratios:
            check_ratio("ratios", ratio)

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        own = Mechanism((HazardProfile(self.breaks, self.ratios),))
        return own if given is None else given.together(own)

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"hazard"})

    def describe(self) -> list[Assumption]:
        value = f"hazard ratio {profile_words(HazardProfile(self.breaks, self.ratios))}, on each patient's own hazard"
        return [Assumption("effect", value, "configuration")]
