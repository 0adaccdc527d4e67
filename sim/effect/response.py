"""An effect on response: what follows a response stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_choice, check_ratio
from sim.effect.effect import Effect, Patients
from sim.effect.facts import EffectFacts
from sim.effect.mechanism import Mechanism
from sim.effect.solve import solve_response
from sim.types import Assumption, InputError

OF = ("any", "complete")


@dataclass(frozen=True)
class ResponseRateChange(Effect):
    """Raise the response rate by `difference`; what follows from a response follows from the population.

    Parameters
    ----------
    difference : float in (-1, 1), experimental minus control response rate

    Notes
    -----
    In a calibrated population regimens move together: 1 - p is multiplied by (1 - p') / (1 - p) when the whole population's rate
    p rises to p', p by p' / p when it falls.

    Examples
    --------
    >>> ResponseRateChange(0.20).difference
    0.2
    """

    difference: float

    def __post_init__(self) -> None:
        _check_difference(self.difference)

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        own = Mechanism(response_difference=float(self.difference))
        return own if given is None else given.together(own)

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"response"})

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts(response_difference=float(self.difference))

    def describe(self) -> list[Assumption]:
        value = f"response rate {self.difference:+.0%} points, absolute".replace("%", " percentage")
        return [Assumption("effect on response", value, "configuration")]


@dataclass(frozen=True)
class Response(Effect):
    """Multiply the odds of complete and of any response by one ratio, stated as itself or as the rise of one of the two rates.

    Parameters
    ----------
    difference : experimental minus control rate of the response named by `of`; or None
    odds_ratio : float > 0, experimental / control; or None. Exactly one of the two
    of : "any" or "complete", the response whose rate rises by `difference`

    Examples
    --------
    >>> Response(difference=None, odds_ratio=2.0).mechanism(None).odds_ratio
    2.0
    """

    difference: float | None = None
    odds_ratio: float | None = None
    of: str = "any"

    def __post_init__(self) -> None:
        if (self.difference is None) == (self.odds_ratio is None):
            raise InputError(f"effect: difference is {self.difference} and odds_ratio is {self.odds_ratio}; allowed: exactly one of them")
        if self.difference is not None:
            _check_difference(self.difference)
        if self.odds_ratio is not None:
            check_ratio("odds_ratio", self.odds_ratio)
        check_choice("of", self.of, OF)

    @property
    def solved(self) -> bool:
        """A difference is met by solving for the odds ratio."""
        return self.difference is not None

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        if self.odds_ratio is not None:
            own = Mechanism(odds_ratio=float(self.odds_ratio))
            return own if given is None else given.together(own)
        assert self.difference is not None
        return solve_response(patients, given or Mechanism(), float(self.difference), self.of)

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"response"})

    def describe(self) -> list[Assumption]:
        if self.odds_ratio is not None:
            value = f"odds ratio {self.odds_ratio:g}, on complete and on any response"
        else:
            which = "complete response rate" if self.of == "complete" else "response rate"
            value = f"{which} {self.difference:+.0%} points, absolute".replace("%", " percentage")
        return [Assumption("effect on response", value, "configuration")]


def _check_difference(difference: float) -> None:
    if not -1 < difference < 1:
        raise InputError(f"effect.difference is {difference}; allowed: between -1 and 1")
