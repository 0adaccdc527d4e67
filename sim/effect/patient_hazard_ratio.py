"""A hazard ratio of each patient: the mechanism itself, stated."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_months, check_ratio
from sim.effect.effect import Effect, Patients
from sim.effect.facts import EffectFacts
from sim.effect.mechanism import HazardProfile, Mechanism
from sim.types import Assumption


@dataclass(frozen=True)
class PatientHazardRatio(Effect):
    """Multiply each patient's own hazard of leaving the progression-free state by `hr`, from `delay` months on.

    The hazard of death after a progression is multiplied by a ratio of its own.

    Parameters
    ----------
    hr : float > 0, experimental / control; below 1 favours the experimental arm
    delay : float >= 0, months during which the hazard ratio is 1
    hr_after_progression : float > 0, experimental / control, of death after a progression; above 1 the treatment harms
        those it no longer helps, for example because the next treatments work less well

    Notes
    -----
    Patients who were transplanted are left as they are, before and after a relapse. Where patients differ the trial reports a
    ratio nearer to 1 than `hr`; `HazardRatio` states the one that is reported.

    References
    ----------
    Struthers & Kalbfleisch, Biometrika 1986;73:363.

    Examples
    --------
    >>> PatientHazardRatio(0.45, delay=1.5).profile
    HazardProfile(breaks=(0.0, 1.5), ratios=(1.0, 0.45))
    """

    hr: float
    delay: float = 0.0
    hr_after_progression: float = 1.0

    def __post_init__(self) -> None:
        check_ratio("hr", self.hr)
        check_months("delay", self.delay)
        check_ratio("hr_after_progression", self.hr_after_progression)

    @property
    def profile(self) -> HazardProfile:
        """The hazard profile of the experimental arm."""
        if self.delay == 0:
            return HazardProfile((0.0,), (float(self.hr),))
        return HazardProfile((0.0, float(self.delay)), (1.0, float(self.hr)))

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        own = Mechanism((self.profile,), after_progression=float(self.hr_after_progression))
        return own if given is None else given.together(own)

    def stated(self, patients: Patients) -> tuple[float, str] | None:
        return (float(self.hr), patients.endpoints[0]) if self.delay == 0 else None

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"hazard", "death"})

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts(float(self.hr), float(self.delay), float(self.hr_after_progression))

    def describe(self) -> list[Assumption]:
        late = f" after {self.delay:g} months (1 before)" if self.delay else ""
        value = f"hazard ratio {self.hr:g}{late}, on each patient's own hazard"
        lines = [Assumption("effect on progression-free survival", value, "configuration")]
        if self.hr_after_progression != 1:
            value = f"hazard ratio {self.hr_after_progression:g}, none after a transplant"
            lines.append(Assumption("effect on death after progression", value, "configuration"))
        return lines
