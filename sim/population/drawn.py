"""Patients whose truth is a draw of the parameters, in a trial planned on the fitted ones."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from sim.curve import Curve
from sim.effect import NO_EFFECT, Effect
from sim.population.parameters import Parameters, fingerprint
from sim.population.population import Population
from sim.population.post_cart_failure import PostCartFailure
from sim.population.prognostic import with_prognosis
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError


@dataclass(frozen=True, eq=False)
class _Given(PostCartFailure):
    """The same population with parameters that are given instead of read."""

    given: Parameters | None = None

    @property
    def values(self) -> Parameters:
        if self.given is None:
            raise InputError("population.given is missing; allowed: a parameter set")
        return self.given


@dataclass(frozen=True, eq=False)
class Drawn(Population):
    """Sample patients from one draw of the parameters; state the curves that the sponsor believes, the fitted ones.

    Parameters
    ----------
    fitted : the population on which the trial is planned: its curves, strata and response rates
    draw : number of the draw that is true

    Notes
    -----
    A design takes its null from `curve`, so it is fixed before anybody knows the truth; what varies over draws is who
    comes. The words of a patient are those of the fitted population: draws differ by parameters alone.

    Examples
    --------
    >>> fitted = PostCartFailure()
    >>> Drawn(fitted, 0).curve("pfs").median() == fitted.curve("pfs").median()
    True
    """

    fitted: PostCartFailure
    draw: int

    def __post_init__(self) -> None:
        if not 0 <= self.draw < len(self.fitted.drawn):
            raise InputError(f"population.draw is {self.draw}; allowed: 0 to {len(self.fitted.drawn) - 1}")

    @cached_property
    def truth(self) -> PostCartFailure:
        """The population under the drawn parameters, to whose reading of the paper the draw belongs."""
        p = self.fitted.drawn[self.draw]
        same: dict[str, Any] = {f.name: getattr(self.fitted, f.name) for f in fields(PostCartFailure) if f.name not in ("_cache", "draws")}
        return _Given(**{**same, "denominator": p.denominator}, given=with_prognosis(p, math.inf) if self.fitted.prognostic else p)

    @property
    def deciding_data(self) -> str:
        """A digest of the drawn parameters; those of the fitted are part of its own."""
        return fingerprint(self.truth.values)

    @property
    def strata(self) -> tuple[str, ...]:
        return self.fitted.strata

    @property
    def strata_shares(self) -> Array:
        return self.fitted.strata_shares

    @property
    def time_zero(self) -> str:
        return self.fitted.time_zero

    def sample_strata(self, draws: Draws) -> Flags:
        return self.truth.sample_strata(draws)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        return self.truth.sample(draws, stratum, arm, effect, wants)

    def curve(self, endpoint: str, effect: Effect = NO_EFFECT, stratum: int | None = None) -> Curve:
        return self.fitted.curve(endpoint, effect, stratum)

    def response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        return self.fitted.response_rate(effect, stratum)

    def describe(self) -> list[Assumption]:
        return [*self.fitted.describe(), Assumption("truth", f"draw {self.draw} of the parameters", "parametric bootstrap of the study")]
