"""What an effect comes down to in given patients: all that a sampler and a quadrature need to know."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.effect.effect import Effect, Patients
from sim.types import Array, Assumption, InputError


@dataclass(frozen=True)
class HazardProfile:
    """The hazard of leaving the progression-free state, experimental / control, by months since time zero.

    `ratios[k]` holds on (breaks[k], breaks[k + 1]]; breaks start at 0.
    """

    breaks: tuple[float, ...] = (0.0,)
    ratios: tuple[float, ...] = (1.0,)

    def times(self, other: HazardProfile) -> HazardProfile:
        """Return the product of two profiles.

        Examples
        --------
        >>> HazardProfile((0.0, 2.0), (1.0, 0.5)).times(HazardProfile((0.0,), (0.8,)))
        HazardProfile(breaks=(0.0, 2.0), ratios=(0.8, 0.4))
        """
        breaks = tuple(sorted({*self.breaks, *other.breaks}))
        return HazardProfile(breaks, tuple(self.at(b) * other.at(b) for b in breaks))

    def at(self, month: float) -> float:
        """Return the ratio just after a month."""
        return next(r for b, r in zip(reversed(self.breaks), reversed(self.ratios), strict=True) if b <= month)


def with_odds_ratio(rate: Array | float, odds_ratio: float) -> Array | float:
    """Return the probability whose odds are `odds_ratio` times those of `rate`.

    Examples
    --------
    >>> with_odds_ratio(0.25, 3.0)
    0.5
    """
    return rate if odds_ratio == 1.0 else odds_ratio * rate / (1 - rate + odds_ratio * rate)


@dataclass(frozen=True)
class Mechanism(Effect):
    """Say in full what changes in the experimental arm.

    Parameters
    ----------
    hazards : ratio of each patient's own hazard of leaving the progression-free state; one profile for everybody, or one a stratum
    odds_ratio : of a response, on complete and on any response alike; what follows a response stays as it is
    response_difference : experimental minus control response rate, before the odds ratio
    durable_odds_ratio : of a response's being durable
    after_progression : hazard ratio of death after progression
    own_curve : the experimental arm follows a curve of its own that the population holds, before any ratio

    Examples
    --------
    >>> Mechanism((HazardProfile((0.0,), (0.5,)),)).hazard.ratios
    (0.5,)
    """

    hazards: tuple[HazardProfile, ...] = (HazardProfile(),)
    odds_ratio: float = 1.0
    response_difference: float = 0.0
    durable_odds_ratio: float = 1.0
    after_progression: float = 1.0
    own_curve: bool = False

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        return self if given is None else given.together(self)

    @property
    def by_stratum(self) -> bool:
        """Whether hazard ratios differ by stratum."""
        return len(set(self.hazards)) > 1

    @property
    def hazard(self) -> HazardProfile:
        """The hazard profile of everybody; InputError where strata have their own."""
        if self.by_stratum:
            raise InputError("effect: hazard ratios differ by stratum; allowed here: one for everybody")
        return self.hazards[0]

    def hazard_of(self, stratum: int) -> HazardProfile:
        """Return the hazard profile of a stratum."""
        return self.hazards[stratum if len(self.hazards) > 1 else 0]

    @property
    def changes_response(self) -> bool:
        """Whether the response rate differs between the arms."""
        return self.response_difference != 0 or self.odds_ratio != 1

    @property
    def is_null(self) -> bool:
        return all(set(h.ratios) == {1.0} for h in self.hazards) and self.without_hazards == Mechanism()

    @property
    def without_hazards(self) -> Mechanism:
        """The rest, were the hazard of leaving the progression-free state left alone."""
        return replace(self, hazards=(HazardProfile(),))

    def response_rate(self, control: float) -> float:
        """Return the experimental response rate where the control's is `control`."""
        rate = control + self.response_difference
        if not 0 <= rate <= 1:
            raise InputError(
                f"effect.difference is {self.response_difference}: with a control rate of {control:.3f} the response rate would be {rate:.3f}; allowed: within [0, 1]"
            )
        return float(with_odds_ratio(rate, self.odds_ratio))

    def durable(self, control: float) -> float:
        """Return the experimental probability of a durable response where the control's is `control`."""
        return float(with_odds_ratio(control, self.durable_odds_ratio))

    def together(self, other: Mechanism) -> Mechanism:
        """Return both acting together: ratios multiply, differences add."""
        strata = max(len(self.hazards), len(other.hazards))
        return Mechanism(
            tuple(self.hazard_of(g).times(other.hazard_of(g)) for g in range(strata)),
            self.odds_ratio * other.odds_ratio,
            self.response_difference + other.response_difference,
            self.durable_odds_ratio * other.durable_odds_ratio,
            self.after_progression * other.after_progression,
            self.own_curve or other.own_curve,
        )

    def changes(self, patients: Patients) -> frozenset[str]:
        found = {
            "hazard": any(set(h.ratios) != {1.0} for h in self.hazards),
            "response": self.changes_response,
            "durable": self.durable_odds_ratio != 1,
            "death": self.after_progression != 1,
            "curve": self.own_curve,
        }
        return frozenset(name for name, does in found.items() if does)

    def describe(self) -> list[Assumption]:
        return [Assumption("mechanism of the effect", self.words(), "kept as solved")]

    def words(self) -> str:
        """Say in a line what changes."""
        parts = [profile_words(h) for h in dict.fromkeys(self.hazards) if set(h.ratios) != {1.0}]
        parts = [f"each patient's hazard ratio {' / '.join(parts)}"] if parts else []
        parts += [f"response rate {self.response_difference:+.1%} points"] if self.response_difference else []
        parts += [f"odds ratio of response {self.odds_ratio:.4g}"] if self.odds_ratio != 1 else []
        parts += [f"odds ratio of a durable response {self.durable_odds_ratio:.4g}"] if self.durable_odds_ratio != 1 else []
        parts += [f"hazard ratio of death after progression {self.after_progression:g}"] if self.after_progression != 1 else []
        parts += ["a curve of its own"] if self.own_curve else []
        return ", ".join(parts) or "none"


def profile_words(profile: HazardProfile) -> str:
    """Say a hazard profile in words.

    Examples
    --------
    >>> profile_words(HazardProfile((0.0, 2.0), (1.0, 0.65)))
    '1, 0.65 from month 2'
    """
    first, *later = zip(profile.breaks, profile.ratios, strict=True)
    return ", ".join([f"{first[1]:.4g}", *(f"{r:.4g} from month {b:g}" for b, r in later)])
