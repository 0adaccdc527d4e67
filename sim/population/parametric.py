"""Textbook patients whose curves have a shape: Weibull, log-normal or log-logistic, with or without a cured share, arm by arm if wished."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.curve import Curve
from sim.effect import NO_EFFECT, Effect, HazardProfile, Mechanism
from sim.later import later
from sim.population import textbook_strata
from sim.population.population import Population
from sim.rng import Draws
from sim.shape import Shape
from sim.types import Array, Assumption, Courses, Flags, InputError

exp = later("sim.kernels.vectors", "exp")
log = later("sim.kernels.vectors", "log")

STEP, END = 0.01, 120.0


@dataclass(frozen=True)
class Parametric(Population):
    """Sample one endpoint from named distributions.

    Parameters
    ----------
    curves : distribution of the uncured, one for each stratum
    cured : share of each stratum that never has the event, within [0, 1)
    experimental : distributions of the uncured in the experimental arm, for `effect=own_curve`; or None
    experimental_cured : their cured shares; None: as `cured`
    endpoint : "pfs" or "os", whose curves these are; the other is not modelled
    shares, names, response_rates : of each stratum

    Notes
    -----
    S(t) = cured + (1 - cured) exp(-L(t)). An effect on hazards multiplies the hazard of the uncured; where some are cured the
    hazards of a stratum are then not proportional.

    References
    ----------
    Boag, JRSS B 1949;11:15 (mixture cure model).

    Examples
    --------
    >>> from sim.shape import Weibull
    >>> round(Parametric((Weibull(4.0, 0.8),)).curve("pfs").median(), 6)
    4.0
    """

    curves: tuple[Shape, ...]
    cured: tuple[float, ...] = (0.0,)
    experimental: tuple[Shape, ...] | None = None
    experimental_cured: tuple[float, ...] | None = None
    endpoint: str = "pfs"
    shares: tuple[float, ...] = (1.0,)
    names: tuple[str, ...] = ("all",)
    response_rates: tuple[float, ...] = (0.3,)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "curves", tuple(self.curves))
        set_(self, "names", tuple(str(x) for x in self.names))
        for name in ("cured", "shares", "response_rates", "experimental", "experimental_cured"):
            value = getattr(self, name)
            if value is not None:
                set_(self, name, tuple(value) if name == "experimental" else tuple(float(x) for x in value))
        if self.endpoint not in ("pfs", "os"):
            raise InputError(f"population.endpoint is {self.endpoint!r}; allowed: pfs, os")
        for name in ("cured", "experimental_cured"):
            if not all(0 <= x < 1 for x in getattr(self, name) or ()):
                raise InputError(f"population.{name} is {list(getattr(self, name))}; allowed: shares of 0 or more, below 1")
        textbook_strata.check(self.shares, self.response_rates)
        lists = ("curves", "cured", "shares", "names", "response_rates", "experimental", "experimental_cured")
        lengths = {name: len(getattr(self, name)) for name in lists if getattr(self, name) is not None}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{k} {name}" for name, k in lengths.items())
            raise InputError(f"population: {counts}; allowed: one of each per stratum")
        if self.experimental is None and self.experimental_cured is not None:
            raise InputError("population.experimental_cured is given without population.experimental; allowed: both, or null")

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
        return (self.endpoint,)

    def proportional(self, endpoint: str) -> bool:
        return not any(self.cured)

    def moved_by(self, endpoint: str) -> frozenset[str]:
        return frozenset({"response"} if endpoint == "response" else {"hazard", "curve"})

    @property
    def holds_own_curve(self) -> bool:
        return self.experimental is not None

    def mechanism(self, effect: Effect) -> Mechanism:
        return _mechanism(self, effect)

    def sample_strata(self, draws: Draws) -> Flags:
        return textbook_strata.sample_strata(self.shares, draws)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        change, times, response = self.mechanism(effect), None, None
        for other in {"pfs", "os"} - {self.endpoint}:
            if other in wants:
                raise InputError(
                    f"population: {other.upper()} is not modelled, the curves are of {self.endpoint.upper()} (population.endpoint)"
                )
        if self.endpoint in wants:
            u = (draws.word("event") + 0.5) * 2.0**-32
            times = np.empty(stratum.shape)
            for g in range(len(self.shares)):
                for a in (0, 1):
                    at = (stratum == g) & (arm == a)
                    times[at] = self._times(g, change if a else Mechanism(), u[at])
        if "response" in wants:
            response = textbook_strata.sample_response(self.response_rates, change, draws, (2 * stratum + arm).astype(np.uint8))
        pfs, os = (times, None) if self.endpoint == "pfs" else (None, times)
        return Courses(stratum, pfs, os, response)

    def _of(self, stratum: int, change: Mechanism) -> tuple[Shape, float]:
        """The distribution of the uncured before any hazard ratio, and the cured share."""
        if not change.own_curve or self.experimental is None:
            return self.curves[stratum], self.cured[stratum]
        return self.experimental[stratum], (self.experimental_cured or self.cured)[stratum]

    def _times(self, stratum: int, change: Mechanism, u: Array) -> Array:
        """Turn uniforms into months: those at most the cured share never come."""
        shape, cured = self._of(stratum, change)
        comes = u > cured
        unit = -log(np.where(comes, (u - cured) / (1 - cured), 0.5))
        months = shape.inverse(_undone(unit, shape, change.hazard_of(stratum)))
        out: Array = np.where(comes, months, np.inf)
        return out

    def curve(self, endpoint: str, effect: Effect = NO_EFFECT, stratum: int | None = None) -> Curve:
        if endpoint != self.endpoint:
            raise InputError(f"curve of {endpoint!r}; allowed: {self.endpoint}, whose curves these are (population.endpoint)")
        change, t = self.mechanism(effect), np.arange(round(END / STEP) + 1, dtype=np.float64) * STEP
        groups = range(len(self.shares)) if stratum is None else [stratum]
        survival = np.zeros_like(t)
        for g in groups:
            shape, cured = self._of(g, change)
            hazard = _accumulated(t, shape, change.hazard_of(g))
            survival += (self.shares[g] if stratum is None else 1.0) * (cured + (1 - cured) * exp(-hazard))
        return Curve(STEP, np.minimum.accumulate(np.minimum(survival, 1.0)))

    def response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        return textbook_strata.response_rate(self.response_rates, self.shares, self.mechanism(effect), stratum)

    def describe(self) -> list[Assumption]:
        lines = [Assumption("population", f"textbook: {self.endpoint.upper()} by named distributions", "configuration")]
        for g, name in enumerate(self.names):
            cured = f", {self.cured[g]:.1%} cured" if self.cured[g] else ""
            lines.append(
                Assumption(f"control curve, {name}", f"{self.curves[g].label}{cured}, share {self.shares[g]:.3f}", "configuration")
            )
            if self.experimental is not None:
                lines.append(Assumption(f"experimental curve of effect=own_curve, {name}", self.experimental[g].label, "configuration"))
        return lines


def _pieces(shape: Shape, profile: HazardProfile) -> Array:
    """float64[k + 1], control cumulative hazard at the breaks of a profile, 0 first and infinity last."""
    later = np.array(profile.breaks[1:])
    inside = shape.cumulative_hazard(later) if len(later) else later
    return np.concatenate([[0.0], inside, [np.inf]])


def _accumulated(t: Array, shape: Shape, profile: HazardProfile) -> Array:
    """The cumulative hazard under a profile at months t, the first of which is 0."""
    x = np.concatenate([[0.0], shape.cumulative_hazard(t[1:])])
    edges, out = _pieces(shape, profile), np.zeros_like(x)
    for ratio, low, high in zip(profile.ratios, edges, edges[1:], strict=False):
        out += ratio * np.minimum(np.maximum(x - low, 0.0), high - low)
    return out


def _undone(unit: Array, shape: Shape, profile: HazardProfile) -> Array:
    """The control cumulative hazard at which that under the profile is `unit`."""
    edges, out, reached = _pieces(shape, profile), np.zeros_like(unit), 0.0
    for ratio, low, high in zip(profile.ratios, edges, edges[1:], strict=False):
        out += np.minimum(np.maximum(unit - reached, 0.0) / ratio, high - low)
        reached += ratio * (high - low)
    return out


@lru_cache(maxsize=256)
def _mechanism(population: Parametric, effect: Effect) -> Mechanism:
    return population.solved(effect)
