"""Textbook patients: piecewise exponential progression-free survival by stratum, independent response."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

import numpy as np

from sim.curve import LN2, Curve
from sim.effect import NO_EFFECT, Effect, HazardProfile, Mechanism
from sim.later import later
from sim.limits import HAZARD_OR_NONE, MONTHS, POSITIVE_MONTHS
from sim.population import textbook_strata
from sim.population.population import Population
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError

invert_hazard = later("sim.kernels.piecewise", "invert_hazard")
empty = later("sim.kernels.scratch", "empty")
exp = later("sim.kernels.vectors", "exp")

NAMES = {"pfs": "progression-free", "os": "overall"}
GRID_STEP, GRID_END = 0.01, 120.0  # months; curves between grid points are exact when breaks lie on the grid


@dataclass(frozen=True)
class PiecewiseExponential(Population):
    """Sample from hazards that anybody can check by hand.

    Parameters
    ----------
    medians : control median PFS by stratum, months, for constant hazards; or None
    hazards : control hazards by stratum, a list of one value per piece; or None. Exactly one of medians and hazards.
    breaks : months at which the pieces begin, starting at 0 (for `hazards`)
    shares : share of each stratum; sums to 1
    names : names of the strata
    response_rates : control response rate by stratum
    survival_after_progression_median : months, exponential, for OS = PFS + residual; None: OS is not modelled
    endpoint : "pfs" or "os", whose hazards these are; "os": overall survival with a median of its own, and PFS is not modelled

    Notes
    -----
    S(t) = sum over strata of share exp(-integral of hazard). The effect multiplies the hazard, piece by piece.

    Examples
    --------
    >>> round(PiecewiseExponential(medians=(2.8,)).curve("pfs").median(), 9)
    2.8
    """

    medians: tuple[float, ...] | None = None
    hazards: tuple[tuple[float, ...], ...] | None = None
    breaks: tuple[float, ...] = (0.0,)
    shares: tuple[float, ...] = (1.0,)
    names: tuple[str, ...] = ("all",)
    response_rates: tuple[float, ...] = (0.3,)
    survival_after_progression_median: float | None = None
    endpoint: str = "pfs"

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for name in ("breaks", "shares", "response_rates"):
            set_(self, name, tuple(float(x) for x in getattr(self, name)))
        set_(self, "names", tuple(str(x) for x in self.names))
        if (self.medians is None) == (self.hazards is None):
            raise InputError(
                f"population: medians is {self.medians} and hazards is {self.hazards}; allowed: exactly one of them, the other null"
            )
        if self.medians is not None:
            set_(self, "medians", tuple(float(x) for x in self.medians))
            for median in self.medians:
                POSITIVE_MONTHS.check("population.medians", median, list(self.medians))
        if self.hazards is not None:
            set_(self, "hazards", tuple(tuple(float(x) for x in row) for row in self.hazards))
            self._check_hazards(self.hazards)
            if any(len(row) != len(self.breaks) for row in self.hazards):
                raise InputError(
                    f"population.hazards has rows of {[len(r) for r in self.hazards]} pieces for {len(self.breaks)} breaks; allowed: as many pieces as breaks"
                )
        if self.breaks[:1] != (0.0,) or list(self.breaks) != sorted(set(self.breaks)):
            raise InputError(f"population.breaks is {list(self.breaks)}; allowed: rising months that start at 0")
        for months in self.breaks:
            MONTHS.check("population.breaks", months, list(self.breaks))
        textbook_strata.check(self.shares, self.response_rates)
        lengths = {len(self._control), len(self.shares), len(self.names), len(self.response_rates)}
        if len(lengths) > 1:
            raise InputError(
                f"population: {len(self._control)} hazard rows, {len(self.shares)} shares, {len(self.names)} names, "
                f"{len(self.response_rates)} response rates; allowed: one of each per stratum"
            )
        if self.endpoint not in ("pfs", "os"):
            raise InputError(f"population.endpoint is {self.endpoint!r}; allowed: pfs, os")
        after = self.survival_after_progression_median
        if after is not None and self.endpoint == "os":
            raise InputError("population.survival_after_progression_median is given with population.endpoint os; allowed: null")
        if after is not None:
            POSITIVE_MONTHS.check("population.survival_after_progression_median", after)

    @staticmethod
    def _check_hazards(hazards: tuple[tuple[float, ...], ...]) -> None:
        shown = [list(row) for row in hazards]
        for hazard in (h for row in hazards for h in row):
            HAZARD_OR_NONE.check("population.hazards", hazard, shown)
        if not any(h for row in hazards for h in row):
            raise InputError(f"population.hazards is {shown}: nobody would ever progress; allowed: a hazard above 0 somewhere")

    @cached_property
    def _control(self) -> Array:
        """float64[g, k]"""
        if self.medians is not None:
            return np.repeat(LN2 / np.array(self.medians)[:, None], len(self.breaks), axis=1)
        return np.array(self.hazards, dtype=float)

    @property
    def strata(self) -> tuple[str, ...]:
        return self.names

    @property
    def strata_shares(self) -> Array:
        return np.array(self.shares)

    @property
    def time_zero(self) -> str:
        return "randomisation"

    @property
    def endpoints(self) -> tuple[str, ...]:
        return (self.endpoint,) if self.survival_after_progression_median is None else ("pfs", "os")

    def proportional(self, endpoint: str) -> bool:
        return endpoint == self.endpoint

    def mechanism(self, effect: Effect) -> Mechanism:
        return _mechanism(self, effect)

    def sample_strata(self, draws: Draws) -> Flags:
        return textbook_strata.sample_strata(self.shares, draws)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        group = arm if len(self.shares) == 1 else (2 * stratum + arm).astype(np.uint8)
        pfs = os = response = None
        change = self.mechanism(effect)
        if self.endpoint == "os" and "pfs" in wants:
            raise InputError("population: PFS is not modelled, the hazards are of OS (population.endpoint); allowed: a design of OS")
        if "pfs" in wants or "os" in wants:
            pfs = empty(stratum.shape)
            invert_hazard(draws.word("event"), group, *self._tables(change.hazards), pfs)
        if self.endpoint == "os":
            pfs, os = None, pfs
        elif "os" in wants:
            after = self._after_progression()
            os = empty(stratum.shape)
            rates = np.array([[after], [after * change.after_progression]])
            invert_hazard(draws.word("after_progression"), arm, *_tables(rates, (0.0,)), os)
            np.add(os, cast(Array, pfs), out=os)
        if "response" in wants:
            response = textbook_strata.sample_response(self.response_rates, change, draws, group)
        return Courses(stratum, pfs, os, response)

    def _after_progression(self) -> float:
        if self.survival_after_progression_median is None:
            raise InputError("population: overall survival needs population.survival_after_progression_median (months)")
        return LN2 / self.survival_after_progression_median

    def _tables(self, profiles: tuple[HazardProfile, ...]) -> tuple[Array, Array, Array]:
        return _group_tables(self, profiles)

    def _merge(self, profiles: tuple[HazardProfile, ...]) -> tuple[Array, Array, Array]:
        """Inverse hazards, cumulative hazards and widths of (stratum, arm) groups on the merged breaks; one profile, or one a stratum."""
        merged = tuple(sorted({*self.breaks, *(b for profile in profiles for b in profile.breaks)}))
        piece = np.searchsorted(self.breaks, merged, side="right") - 1
        ratio = np.array([[profile.at(b) for b in merged] for profile in profiles])
        control = self._control[:, piece]
        return _tables(np.stack([control, control * ratio], axis=1).reshape(-1, len(merged)), merged)

    def curve(self, endpoint: str, effect: Effect = NO_EFFECT, stratum: int | None = None) -> Curve:
        change = self.mechanism(effect)
        inverse, before, width = self._tables(change.hazards)
        t = np.arange(round(GRID_END / GRID_STEP) + 1) * GRID_STEP
        edges = np.concatenate([[0.0], np.cumsum(width[0][:-1]), [np.inf]])
        groups = range(len(self.shares)) if stratum is None else [stratum]
        weights = self.strata_shares if stratum is None else np.ones(len(self.shares))
        survival = np.zeros_like(t)
        for g in groups:
            hazard = np.where(inverse[2 * g + 1] >= 1e300, 0.0, 1 / inverse[2 * g + 1])
            k = np.searchsorted(edges, t, side="right") - 1
            s = exp(-(before[2 * g + 1][k] + hazard[k] * (t - edges[k])))
            if endpoint == self.endpoint:
                pass
            elif endpoint == "os":
                s = _add_exponential(s, self._after_progression() * change.after_progression, GRID_STEP)
            else:
                raise InputError(f"curve of {endpoint!r}; allowed: {', '.join(self.endpoints)}")
            survival += weights[g] * s
        return Curve(GRID_STEP, np.minimum(survival, 1.0))

    def response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        return textbook_strata.response_rate(self.response_rates, self.shares, self.mechanism(effect), stratum)

    def describe(self) -> list[Assumption]:
        lines = [Assumption("population", f"textbook: piecewise exponential {NAMES[self.endpoint]} survival", "configuration")]
        for g, name in enumerate(self.names):
            hazard = ", ".join(f"{h:.4f}" for h in self._control[g])
            lines.append(Assumption(f"control hazard, {name}", f"{hazard} per month, share {self.shares[g]:.3f}", "configuration"))
        return lines


@lru_cache(maxsize=256)
def _group_tables(population: PiecewiseExponential, profiles: tuple[HazardProfile, ...]) -> tuple[Array, Array, Array]:
    # a tile asks for them each time; making them anew would cost a tenth of the trial
    return population._merge(profiles)


@lru_cache(maxsize=256)
def _mechanism(population: PiecewiseExponential, effect: Effect) -> Mechanism:
    return population.solved(effect)


def _tables(hazard: Array, breaks: tuple[float, ...]) -> tuple[Array, Array, Array]:
    """Turn hazards [g, k] on breaks [k] into what the kernel reads; a hazard of 0 becomes a huge inverse."""
    width = np.append(np.diff(breaks), np.inf)
    before = np.zeros(hazard.shape)
    before[:, 1:] = np.cumsum(hazard[:, :-1] * width[:-1], axis=1)
    inverse = np.where(hazard > 0, 1 / np.where(hazard > 0, hazard, 1.0), 1e300)
    return np.ascontiguousarray(inverse), before, np.broadcast_to(width, hazard.shape).copy()


def _add_exponential(survival: Array, rate: float, step: float) -> Array:
    """Return the curve of T + X with T of `survival` and X exponential, by exact steps with T's mass spread evenly in each cell."""
    decay = exp([-rate * step])[0]
    within = (1 - decay) / (rate * step)
    alive_after = np.zeros_like(survival)
    mass = -np.diff(survival)
    for i, p in enumerate(mass):
        alive_after[i + 1] = alive_after[i] * decay + p * within
    return survival + alive_after
