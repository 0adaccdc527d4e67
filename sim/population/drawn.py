"""Patients whose truth is a draw of the parameters, or every draw in turn, in a trial planned on the fitted ones."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from sim.curve import Curve
from sim.effect import NO_EFFECT, Effect, Mechanism
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
class _Planned(Population):
    """What a sponsor believes of the patients: everything of the fitted population, save who comes.

    Parameters
    ----------
    fitted : the population on which the trial is planned: its curves, strata and response rates
    """

    fitted: PostCartFailure

    @property
    @abstractmethod
    def deciding_data(self) -> str:
        """A digest of the drawn parameters; those of the fitted are part of its own."""

    @property
    def strata(self) -> tuple[str, ...]:
        return self.fitted.strata

    @property
    def strata_shares(self) -> Array:
        return self.fitted.strata_shares

    @property
    def time_zero(self) -> str:
        return self.fitted.time_zero

    def curve(self, endpoint: str, effect: Effect = NO_EFFECT, stratum: int | None = None) -> Curve:
        return self.fitted.curve(endpoint, effect, stratum)

    def response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        return self.fitted.response_rate(effect, stratum)

    @property
    def levers(self) -> tuple[str, ...]:
        return self.fitted.levers

    @property
    def endpoints(self) -> tuple[str, ...]:
        return self.fitted.endpoints

    def mechanism(self, effect: Effect) -> Mechanism:
        return self.fitted.mechanism(effect)

    def moved_by(self, endpoint: str) -> frozenset[str]:
        return self.fitted.moved_by(endpoint)

    def complete_response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float | None:
        return self.fitted.complete_response_rate(effect, stratum)

    def published_median(self, endpoint: str) -> float:
        return self.fitted.published_median(endpoint)


@dataclass(frozen=True, eq=False)
class Drawn(_Planned):
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

    draw: int

    def __post_init__(self) -> None:
        if not 0 <= self.draw < len(self.fitted.drawn):
            raise InputError(f"population.draw is {self.draw}; allowed: 0 to {len(self.fitted.drawn) - 1}")

    @cached_property
    def truth(self) -> PostCartFailure:
        """The population under the drawn parameters, to whose reading of the paper the draw belongs."""
        return _under(self.fitted, self.fitted.drawn[self.draw])

    @property
    def deciding_data(self) -> str:
        return fingerprint(self.truth.values)

    def sample_strata(self, draws: Draws) -> Flags:
        return self.truth.sample_strata(draws)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        return self.truth.sample(draws, stratum, arm, effect.on_draw(self.fitted), wants)

    def describe(self) -> list[Assumption]:
        return [*self.fitted.describe(), Assumption("truth", f"draw {self.draw} of the parameters", "parametric bootstrap of the study")]


@dataclass(frozen=True, eq=False)
class EveryDraw(_Planned):
    """Sample replicates from the draws of the parameters in turn: over whole rounds, rejections average over the draws.

    Parameters
    ----------
    fitted : the population on which the trial is planned; its `draws` says how many draws (K)
    each : consecutive replicates from one draw: replicate r comes from draw (r // each) mod K

    Notes
    -----
    The average power over what the benchmark leaves uncertain is the assurance (O'Hagan, Stevens & Campbell,
    Pharmaceutical Statistics 2005;4:187). The error of a proportion of independent replicates holds it, and a little more:
    the draws are strata of equal size.

    Examples
    --------
    >>> EveryDraw(PostCartFailure(draws=3)).sample_strata(Draws(seed=1, first=0, m=4, n=5)).shape
    (4, 5)
    """

    each: int = 1

    def __post_init__(self) -> None:
        if self.fitted.draws is None:
            raise InputError("population.draws is null; allowed here: 1 or more draws")
        if self.each < 1:
            raise InputError(f"population.each is {self.each}; allowed: 1 or more replicates")

    @cached_property
    def truths(self) -> tuple[PostCartFailure, ...]:
        """The population under each draw."""
        return tuple(_under(self.fitted, p) for p in self.fitted.drawn[: self.fitted.draws])

    @property
    def deciding_data(self) -> str:
        return "".join(fingerprint(truth.values) for truth in self.truths)

    def _turns(self, draws: Draws) -> Iterator[tuple[PostCartFailure, slice, Draws]]:
        """Yield each draw's turn within a tile: the truth, its rows and their addresses."""
        first, end = draws.first, draws.first + draws.m
        while first < end:
            stop = min((first // self.each + 1) * self.each, end)
            truth = self.truths[first // self.each % len(self.truths)]
            yield truth, slice(first - draws.first, stop - draws.first), replace(draws, first=first, m=stop - first)
            first = stop

    def sample_strata(self, draws: Draws) -> Flags:
        return np.concatenate([truth.sample_strata(own) for truth, _, own in self._turns(draws)])

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        stated = effect.on_draw(self.fitted)
        parts = [truth.sample(own, stratum[rows], arm[rows], stated, wants) for truth, rows, own in self._turns(draws)]

        def together(name: str) -> Any:
            return np.concatenate([getattr(part, name) for part in parts]) if getattr(parts[0], name) is not None else None

        return Courses(stratum, together("pfs"), together("os"), together("response"), together("cr"))

    def describe(self) -> list[Assumption]:
        return [*self.fitted.describe(), Assumption("truth", "every draw of the parameters in turn", "parametric bootstrap of the study")]


def _under(fitted: PostCartFailure, p: Parameters) -> PostCartFailure:
    """The fitted population's choices under other parameters, in the reading of the paper that belongs to them."""
    same: dict[str, Any] = {f.name: getattr(fitted, f.name) for f in fields(PostCartFailure) if f.init and f.name != "draws"}
    return _Given(**{**same, "denominator": p.denominator}, given=with_prognosis(p, math.inf) if fitted.prognostic else p)
