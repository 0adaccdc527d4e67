"""Sample courses of addressed patients in classes: named words in, months out, by the kernels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.effect import HazardProfile
from sim.later import later
from sim.population.failure_classes import background
from sim.population.failure_classes.levers import Levers
from sim.population.failure_classes.parameters import REFERENCE_TIME, ClassParameters
from sim.population.failure_classes.times import fates
from sim.rng import Draws
from sim.types import Array, Flags

class_course = later("sim.kernels.class_course")
empty = later("sim.kernels.scratch", "empty")
log = later("sim.kernels.vectors", "log")

# Compiled signatures are checked by numba, not by the type checker.
kernel: Any = class_course

PFS_WORDS = ("regimen", "response", "durable", "event", "allo_from_response", "allo_cured", "allo_relapse", "old_age")
OS_WORDS = (
    "exit_is_death", "after_progression", "allo_after_progression", "after_allo_relapse", "allo_cured", "allo_relapse", "old_age",
)  # fmt: skip
MARKS = ("regimen", "response", "durable", "allo_from_response", "died_of_age", "died_at_exit", "allo_after_progression")


def _flat(draws: Draws, names: Collection[str]) -> list[NDArray[np.uint32]]:
    return [draws.word(name).reshape(-1) for name in names]


@dataclass(frozen=True, eq=False)
class Arms:
    """First line of both arms as the kernels read it; built once for many tiles."""

    share: Array
    response: Array
    complete: Array
    lasting: Array
    reached: Array
    ratios: Array
    frailty: Array
    old: Array


def arms(p: ClassParameters, control: Levers, experimental: Levers) -> Arms:
    """Lay both arms out for the kernels."""
    profiles = [control.profiles[0], *experimental.profiles]
    breaks = tuple(sorted({b for profile in profiles for b in profile.breaks}))
    ratios = np.array([[_ratio_at(profile, b) for b in breaks] for profile in profiles])
    reached = np.array([[0.0, *np.cumsum(np.diff(breaks) * r[:-1]), np.inf] for r in ratios])
    lasting = np.array([[0.0, x.durable_in_partial, x.durable_in_complete] for x in (control, experimental)])
    cumulative = np.cumsum(control.weights)[:-1]
    cumulative[int(np.flatnonzero(control.weights)[-1]) :] = 2.0
    return Arms(
        cumulative, np.array([control.response, experimental.response]), np.array([control.complete, experimental.complete]), lasting,
        reached, ratios, np.array([p.frailty, p.frailty * experimental.after_progression]), background.times(p),
    )  # fmt: skip


def _ratio_at(profile: HazardProfile, start: float) -> float:
    """The ratio that holds just after `start`."""
    return [r for b, r in zip(profile.breaks, profile.ratios, strict=True) if b <= start][-1]


def _rates(p: ClassParameters) -> Array:
    """float64[K, 4, R]: rate of leaving first line by class, (none, partial, complete, durable) and regimen."""
    base = p.exit_rate * np.array([k.multiplier for k in p.regimens])
    by_kind = np.array([base, base * p.partial_ratio, base * p.partial_ratio * p.complete_to_partial_ratio])
    durable = np.full((p.classes, 1, len(base)), p.durable_exit_rate)
    return np.ascontiguousarray(np.concatenate([p.frailty[:, None, None] * by_kind, durable], axis=1))


def _numbers(p: ClassParameters) -> Array:
    """float64[9], in the order that the kernels read."""
    return np.array([
        p.allo_from_response_rate, p.allo_cured_in_response, p.allo_cured_after_progression, p.allo_relapse_rate, p.allo_death_rate,
        p.exit_death_share, p.allo_after_progression_rate, p.post_rate, p.post_shape,
    ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Courses from the start of first line; arrays are flat, in the order of the addresses. marks : uint8[7, n], `MARKS`."""

    pfs: Array
    os: Array | None
    marks: Flags


def choose_class(draws: Draws, stratum: Flags, shares: Array) -> Flags:
    """Return uint8[m n], the class of each addressed patient given the stratum; shares : float64[S, K]."""
    steps = np.ascontiguousarray((np.cumsum(shares, axis=1) / np.sum(shares, axis=1)[:, None])[:, :-1])
    out: Flags = empty((stratum.size,), np.uint8)
    kernel.choose_class(stratum.reshape(-1), draws.word("failure_class").reshape(-1), steps, out)
    return out


def first_line(p: ClassParameters, x: Arms, draws: Draws, stratum: Flags, class_: Flags, arm: Flags, os: bool) -> Trajectories:
    """Return courses from the start of first line: to progression, and when asked for to death."""
    n = stratum.size
    pfs, marks = empty((n,)), empty((len(MARKS), n), np.uint8)
    words = _flat(draws, PFS_WORDS)
    flat = [arm.reshape(-1), stratum.reshape(-1), class_]
    kernel.until_progression(
        *flat, *words, x.share, x.response, x.complete, x.lasting, _rates(p), x.reached, x.ratios, _numbers(p), x.old, pfs, marks[:5]
    )
    if not os:
        return Trajectories(pfs, None, marks)
    death = empty((n,))
    kernel.until_death(arm.reshape(-1), class_, *_flat(draws, OS_WORDS), x.frailty, _numbers(p), x.old, pfs, marks[:5], death, marks[5:])
    return Trajectories(pfs, death, marks)


@dataclass(frozen=True, eq=False)
class AfterProgression:
    """Courses from progression: wait and path (2 = treated, 1 = died waiting, 0 = supportive care), then first line."""

    wait: Array
    path: Flags
    first_line: Trajectories

    @property
    def pfs(self) -> Array:
        """Months to the next progression or death."""
        out: Array = np.where(self.path == 2, self.wait + self.first_line.pfs, self.wait)
        return out

    @property
    def os(self) -> Array:
        """Months to death."""
        out: Array = np.where(self.path == 2, self.wait + np.asarray(self.first_line.os), self.wait)
        return out


def progression(
    p: ClassParameters, x: Arms, intended: Array, draws: Draws, stratum: Flags, class_: Flags, arm: Flags, os: bool
) -> AfterProgression:
    """Return courses from progression; intended : float64[S, K], P(treatment intended) by stratum and class."""
    n = stratum.size
    wait, path = empty((n,)), empty((n,), np.uint8)
    numbers = np.array([p.start_rate, p.waiting_death_rate, p.supportive_median, p.supportive_shape])
    words = _flat(draws, ("intended", "waiting", "start_or_death", "supportive_care"))
    kernel.before_first_line(stratum.reshape(-1), class_, *words, np.ascontiguousarray(intended), p.frailty, numbers, wait, path)
    return AfterProgression(wait, path, first_line(p, x, draws, stratum, class_, arm, os))


@dataclass(frozen=True, eq=False)
class AfterInfusion:
    """Courses from infusion; fate 0 = day-30 refractory, 1 = progresses later, 2 = dies without progression, 3 = cured."""

    bridging: Flags
    fate: Flags
    time: Array
    class_: Flags
    progression: AfterProgression

    @property
    def os(self) -> Array:
        """Months from infusion to death."""
        out: Array = np.where(self.fate < 2, self.time + self.progression.os, self.time)
        return out


def infusion(p: ClassParameters, x: Arms, draws: Draws, group: Flags, arm: Flags, os: bool) -> AfterInfusion:
    """Return courses from infusion for patients of known day-30 group (0 = refractory and a later failure, 1 = all others)."""
    n, share = group.size, fates(p)
    given = np.cumsum(share[::-1, 1:3], axis=1) / (1 - share[::-1, :1])  # row 0 = not bridged
    r = p.bridged * p.refractory_bridged + (1 - p.bridged) * p.refractory_not
    bridged = np.array([p.bridged * p.refractory_bridged / r, p.bridged * (1 - p.refractory_bridged) / (1 - r)])
    medians = log([p.progressive_median, p.stable_median, p.late_progression_median, p.death_without_progression_median, REFERENCE_TIME])
    sigmas = (p.progressive_sigma, p.stable_sigma, p.late_progression_sigma, p.death_without_progression_sigma)
    pairs = [v for pair in zip(medians[:4], sigmas, strict=True) for v in pair]
    numbers = np.array([*pairs, p.progressive_at_day30, p.late_progression_shift, p.time_to_class, medians[4]])
    bridging, fate, class_ = (np.empty(n, dtype=np.uint8) for _ in range(3))
    time = np.empty(n)
    words = _flat(
        draws, ("bridging", "day30_group", "progressive_at_day30", "time_to_progression", "cart_background_death", "failure_class")
    )
    kernel.after_infusion(
        group.reshape(-1), *words, bridged, np.ascontiguousarray(given), numbers, np.array(p.cuts), x.old, bridging, fate, time, class_
    )
    return AfterInfusion(bridging, fate, time, class_, progression(p, x, p.intended, draws, group, class_, arm, os))
