"""What the experimental treatment changes. Effects are choices; populations apply them patient by patient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sim.limits import MONTHS, RATIO
from sim.types import Assumption, InputError


@dataclass(frozen=True)
class HazardProfile:
    """The hazard of leaving the progression-free state, experimental / control, by months since time zero.

    `ratios[k]` holds on (breaks[k], breaks[k + 1]]; breaks start at 0.
    """

    breaks: tuple[float, ...] = (0.0,)
    ratios: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class EffectFacts:
    """What an effect changes, as data.

    hazard_ratio : of leaving the progression-free state, from `delay` months on; 1 where it stays as it is
    after_progression : hazard ratio of death after a progression
    response_difference : experimental minus control response rate
    stated : the report's words where the other facts do not say it all
    """

    hazard_ratio: float = 1.0
    delay: float = 0.0
    after_progression: float = 1.0
    response_difference: float = 0.0
    stated: str = ""


class Effect(ABC):
    """What a treatment does: a hazard profile while free of progression, a hazard ratio of death after it, and a response rate."""

    @property
    @abstractmethod
    def hazard(self) -> HazardProfile:
        """The hazard profile of the experimental arm."""

    @property
    def after_progression(self) -> float:
        """Hazard ratio of death after progression, experimental / control."""
        return 1.0

    @property
    def facts(self) -> EffectFacts:
        """What the effect changes, as data; an effect that does not state its facts is told in the words of its first line."""
        return EffectFacts(stated=self.describe()[0].value)

    @property
    def changes(self) -> frozenset[str]:
        """What the effect can change at any value of its keys: "hazard", "response", or both; what it changes nothing of it cannot improve."""
        return frozenset({"hazard", "response"})

    @abstractmethod
    def response_rate(self, control: float) -> float:
        """Return the experimental response rate where the control's is `control`."""

    @abstractmethod
    def describe(self) -> list[Assumption]:
        """Return the lines for the report."""


@dataclass(frozen=True)
class NoEffect(Effect):
    """Leave everything as it is: the null hypothesis."""

    @property
    def changes(self) -> frozenset[str]:
        return frozenset()

    @property
    def hazard(self) -> HazardProfile:
        return HazardProfile()

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts()

    def response_rate(self, control: float) -> float:
        return control

    def describe(self) -> list[Assumption]:
        return [Assumption("effect", "none (null hypothesis)", "configuration")]


NO_EFFECT = NoEffect()


@dataclass(frozen=True)
class HazardRatio(Effect):
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
    Patients who were transplanted are left as they are, before and after a relapse.

    Examples
    --------
    >>> HazardRatio(0.45, delay=1.5).hazard
    HazardProfile(breaks=(0.0, 1.5), ratios=(1.0, 0.45))
    """

    hr: float
    delay: float = 0.0
    hr_after_progression: float = 1.0

    def __post_init__(self) -> None:
        RATIO.check("effect.hr", self.hr)
        MONTHS.check("effect.delay", self.delay)
        RATIO.check("effect.hr_after_progression", self.hr_after_progression)

    @property
    def changes(self) -> frozenset[str]:
        return frozenset({"hazard"})

    @property
    def hazard(self) -> HazardProfile:
        if self.delay == 0:
            return HazardProfile((0.0,), (float(self.hr),))
        return HazardProfile((0.0, float(self.delay)), (1.0, float(self.hr)))

    @property
    def after_progression(self) -> float:
        return float(self.hr_after_progression)

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts(float(self.hr), float(self.delay), self.after_progression)

    def response_rate(self, control: float) -> float:
        return control

    def describe(self) -> list[Assumption]:
        late = f" after {self.delay:g} months (1 before)" if self.delay else ""
        value = f"hazard ratio {self.hr:g}{late}, on each patient's own hazard"
        lines = [Assumption("effect on progression-free survival", value, "configuration")]
        if self.hr_after_progression != 1:
            value = f"hazard ratio {self.hr_after_progression:g}, none after a transplant"
            lines.append(Assumption("effect on death after progression", value, "configuration"))
        return lines


@dataclass(frozen=True)
class ResponseRateChange(Effect):
    """Raise the response rate by `difference`; what follows from a response follows from the population.

    Parameters
    ----------
    difference : float in (-1, 1), experimental minus control response rate

    Examples
    --------
    >>> ResponseRateChange(0.20).response_rate(0.45).__round__(12)
    0.65
    """

    difference: float

    def __post_init__(self) -> None:
        if not -1 < self.difference < 1:
            raise InputError(f"effect.difference is {self.difference}; allowed: between -1 and 1")

    @property
    def changes(self) -> frozenset[str]:
        return frozenset({"response"})

    @property
    def hazard(self) -> HazardProfile:
        return HazardProfile()

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts(response_difference=float(self.difference))

    def response_rate(self, control: float) -> float:
        rate = control + self.difference
        if not 0 <= rate <= 1:
            raise InputError(
                f"effect.difference is {self.difference}: with a control rate of {control:.3f} the response rate would be {rate:.3f}; allowed: within [0, 1]"
            )
        return rate

    def describe(self) -> list[Assumption]:
        return [
            Assumption(
                "effect on response", f"response rate {self.difference:+.0%} points, absolute".replace("%", " percentage"), "configuration"
            )
        ]
