"""Sample courses of addressed patients from each time zero: named words in, months out, by the kernels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.effect import HazardProfile, Mechanism
from sim.later import later
from sim.population import rates
from sim.population.multi_state import UNCHANGED, Infusion, convolve, fate_shares
from sim.population.parameters import NO_CLASSES, Parameters, response_by_class
from sim.population.prognostic import class_of
from sim.rng import Draws
from sim.types import Array, Courses, Flags

first_line = later("sim.kernels.first_line")
post_cart_failure = later("sim.kernels.post_cart_failure")
empty = later("sim.kernels.scratch", "empty")
log = later("sim.kernels.vectors", "log")

# Compiled signatures are checked by numba, not by the type checker.
kernel: Any = post_cart_failure
staged: Any = first_line

FIRST_LINE_WORDS = ("regimen", "response", "durable", "event", "allo_from_response", "allo_cured", "allo_relapse")
RESIDUAL_WORDS = ("exit_is_death", "after_progression", "allo_after_progression", "after_allo_relapse")
MARKS = ("regimen", "response", "durable", "allo_from_response", "died_at_exit", "allo_after_progression")


def _flat(draws: Draws, names: Collection[str]) -> list[NDArray[np.uint32]]:
    return [draws.word(name).reshape(-1) for name in names]


def _profiles(profile: HazardProfile) -> tuple[Array, Array, Array]:
    """Return (breaks, reached, ratios) by arm: no effect for arm 0, `profile` for arm 1, last break infinite."""
    breaks = np.array([*profile.breaks, np.inf])
    ratios = np.array(profile.ratios, dtype=np.float64)
    reached = np.concatenate([[0.0], np.cumsum(np.diff(breaks)[:-1] * ratios[:-1]), [np.inf]])
    return np.array([breaks, breaks]), np.array([breaks, reached]), np.array([np.ones_like(ratios), ratios])


def _deaths(p: Parameters, effect: Mechanism) -> Array:
    """float64[2, 2]: hazard ratio of death after progression by arm and day-30 group."""
    by_group = np.array(p.hazard_ratios)
    return np.array([by_group, by_group * effect.after_progression])


def _numbers(p: Parameters) -> Array:
    """float64[9], in the order that the kernels of first line read."""
    return np.array([
        p.allo_from_response_rate, p.allo_after_progression_rate, p.allo_cured, p.allo_relapse_rate, p.allo_death_rate,
        p.exit_death_share, p.post_rate, p.post_shape, p.durable_share,
    ])  # fmt: skip


def _rates(p: Parameters) -> Array:
    """float64[2, 3, K]: rate of leaving first line by day-30 group, (none, response, durable) and regimen."""
    base = np.array([p.exit_rate * k.multiplier for k in p.regimens])
    durable = np.full_like(base, p.durable_exit_rate)
    return np.array([[base * theta, base * theta * p.responder_ratio, durable] for theta in p.hazard_ratios])


@dataclass(frozen=True, eq=False)
class Therapy:
    """First-line therapy of both arms: what the experimental arm changes acts from its start on.

    weights : float64[K], share of each regimen; control, experimental : float64[K], their response rates by arm
    effect : what else changes in the experimental arm
    """

    weights: Array
    control: Array
    experimental: Array
    effect: Mechanism = UNCHANGED


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Whole courses from the start of first line; arrays are flat, in the order of the addresses."""

    pfs: Array
    os: Array
    marks: Flags


def _shares(weights: Array) -> Array:
    """Cumulative shares, all but the last: a draw above them all is the last regimen that has a share."""
    cumulative = np.cumsum(weights)[:-1]
    last = int(np.flatnonzero(weights)[-1])
    cumulative[last:] = 2.0
    return np.ascontiguousarray(cumulative)


def trajectories(p: Parameters, therapy: Therapy, draws: Draws, group: Flags, arm: Flags, marks: bool) -> Trajectories:
    """Return PFS, OS and, when asked for, marks (uint8[6, m n], `MARKS`) from the start of first line."""
    n = group.size
    pfs, os = empty((n,)), empty((n,))
    kept = np.empty((len(MARKS), n), dtype=np.uint8) if marks else np.empty((0, 0), dtype=np.uint8)
    shares = _shares(therapy.weights)

    def run(own: Parameters, effect: Mechanism, chance: Array, leaving: Array, inputs: list[Any], outputs: list[Any]) -> None:
        staged.first_line_course(*inputs, shares, chance, leaving, *_profiles(effect.hazard), _deaths(own, effect), _numbers(own), *outputs)

    words = [*_flat(draws, FIRST_LINE_WORDS), *_flat(draws, RESIDUAL_WORDS)]
    _in_parts(p, therapy, draws, run, [arm.reshape(-1), group.reshape(-1), *words], [pfs, os, kept])
    return Trajectories(pfs, os, kept)


Run = Callable[[Parameters, Mechanism, Array, Array, list[Any], list[Any]], None]


def treated(p: Parameters, effect: Mechanism) -> Parameters:
    """Return the parameters of the experimental arm: what is a probability of the model and not a hazard ratio."""
    return p if effect.durable_odds_ratio == 1 else replace(p, durable_share=effect.durable(p.durable_share))


def _parts(p: Parameters, effect: Mechanism, arm: Flags, group: Flags) -> Iterator[tuple[Any, Parameters, Mechanism]]:
    """Yield the patients that a kernel can run at once (None: all), their parameters and what changes in the experimental among them."""
    if not effect.by_stratum and effect.durable_odds_ratio == 1:
        yield None, p, effect
        return
    yield arm == 0, p, UNCHANGED
    for stratum in np.unique(group):
        yield (arm == 1) & (group == stratum), treated(p, effect), replace(effect, hazards=(effect.hazard_of(int(stratum)),))


def _chances(p: Parameters, therapy: Therapy) -> Array:
    """float64[c, 2, K], response rates by prognostic class, arm and regimen."""
    return np.ascontiguousarray(np.stack([response_by_class(p, therapy.control), response_by_class(p, therapy.experimental)], axis=1))


def _in_parts(p: Parameters, therapy: Therapy, draws: Draws, run: Run, inputs: list[Any], outputs: list[Any]) -> None:
    """Run a kernel on all patients at once or, where parameters, profiles or rates are not everybody's, on each part by itself.

    inputs : arm, group and words, flat; outputs : last axis as long
    """
    own = class_of(p, draws).reshape(-1) if p.exit_classes != NO_CLASSES else None
    chances = _chances(p, therapy)
    for chosen, parameters, changed in _parts(p, therapy.effect, inputs[0], inputs[1]):
        for k, (_, none, responds, _) in enumerate(p.exit_classes):
            leaving = _rates(parameters)
            leaving[:, 0] *= none
            leaving[:, 1] *= responds
            if chosen is None and own is None:
                run(parameters, changed, chances[k], leaving, inputs, outputs)
                continue
            at = np.flatnonzero(chosen if own is None else own == k if chosen is None else chosen & (own == k))
            parts = [np.empty((*x.shape[:-1], len(at)), dtype=x.dtype) for x in outputs]
            run(parameters, changed, chances[k], leaving, [x[at] for x in inputs], parts)
            for whole, part in zip(outputs, parts, strict=True):
                if whole.size:
                    whole[..., at] = part


def from_first_line(p: Parameters, therapy: Therapy, draws: Draws, stratum: Flags, arm: Flags, wants: Collection[str]) -> Courses:
    """Sample courses from the start of first line; only what `wants` names is computed."""
    shape = stratum.shape
    pfs = os = response = None
    stratum, arm = np.ascontiguousarray(stratum), np.ascontiguousarray(arm)
    if "os" in wants:
        x = trajectories(p, therapy, draws, stratum, arm, marks=False)
        os = x.os.reshape(shape)
        pfs = x.pfs.reshape(shape) if "pfs" in wants else None
    elif "pfs" in wants:
        flat = empty((stratum.size,))
        shares = _shares(therapy.weights)

        def run(own: Parameters, effect: Mechanism, chance: Array, leaving: Array, inputs: list[Any], outputs: list[Any]) -> None:
            staged.first_line_pfs(*inputs, shares, chance, leaving, *_profiles(effect.hazard), _numbers(own), *outputs)

        _in_parts(p, therapy, draws, run, [arm.reshape(-1), stratum.reshape(-1), *_flat(draws, FIRST_LINE_WORDS)], [flat])
        pfs = flat.reshape(shape)
    if "response" in wants or "cr" in wants:
        response = _responds(p, therapy, draws, arm)
    complete = _complete(p, therapy, draws, arm, response) if "cr" in wants and response is not None else None
    return Courses(stratum, pfs, os, response if "response" in wants else None, complete)


def _regimen(therapy: Therapy, draws: Draws) -> NDArray[np.intp]:
    u = (draws.word("regimen") + 0.5) * 2.0**-32
    return np.searchsorted(_shares(therapy.weights), u, side="right")


def _responds(p: Parameters, therapy: Therapy, draws: Draws, arm: Flags) -> Flags:
    """The same tests as in the kernel: the regimen's word, then the response's."""
    own = class_of(p, draws) if p.exit_classes != NO_CLASSES else 0
    limit = _chances(p, therapy)[own, arm, _regimen(therapy, draws)]
    return ((draws.word("response") + 0.5) * 2.0**-32 < limit).astype(np.uint8)


def _complete(p: Parameters, therapy: Therapy, draws: Draws, arm: Flags, response: Flags) -> Flags:
    """Which responses are complete: by a word of its own, as nothing else hangs on it in this model."""
    share = np.array([rates.complete_share(p.regimens, therapy.weights, therapy.control, change) for change in (UNCHANGED, therapy.effect)])
    is_complete = (draws.word("complete_response") + 0.5) * 2.0**-32 < share[arm, _regimen(therapy, draws)]
    return (response * is_complete).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class AfterProgression:
    """Whole courses from progression: wait and path (2 = treated, 1 = died waiting, 0 = supportive care), then first line."""

    wait: Array
    path: Flags
    first_line: Trajectories

    @property
    def pfs(self) -> Array:
        out: Array = np.where(self.path == 2, self.wait + self.first_line.pfs, self.wait)
        return out

    @property
    def os(self) -> Array:
        out: Array = np.where(self.path == 2, self.wait + self.first_line.os, self.wait)
        return out


def after_progression(p: Parameters, therapy: Therapy, draws: Draws, group: Flags, arm: Flags, marks: bool) -> AfterProgression:
    """Sample courses from progression for patients of known day-30 group (0 = refractory)."""
    wait, path = np.empty(group.size), np.empty(group.size, dtype=np.uint8)
    numbers = np.array([p.start_rate, p.waiting_death_rate, p.supportive_median, p.supportive_shape])
    words = _flat(draws, ("intended", "waiting", "start_or_death", "supportive_care"))
    kernel.before_first_line(group.reshape(-1), *words, np.array(p.hazard_ratios), numbers, np.array(p.intended), wait, path)
    return AfterProgression(wait, path, trajectories(p, therapy, draws, group, arm, marks))


def from_progression(p: Parameters, therapy: Therapy, draws: Draws, stratum: Flags, arm: Flags, wants: Collection[str]) -> Courses:
    """Sample courses from progression; response is to first-line therapy, none in those never treated."""
    stratum, arm = np.ascontiguousarray(stratum), np.ascontiguousarray(arm)
    x = after_progression(p, therapy, draws, stratum, arm, marks="response" in wants or "cr" in wants)
    shape = stratum.shape
    pfs = x.pfs.reshape(shape) if "pfs" in wants else None
    os = x.os.reshape(shape) if "os" in wants else None
    responds = None
    if "response" in wants or "cr" in wants:
        responds = (x.first_line.marks[1] * (x.path == 2)).astype(np.uint8).reshape(shape)
    complete = _complete(p, therapy, draws, arm, responds) if "cr" in wants and responds is not None else None
    return Courses(stratum, pfs, os, responds if "response" in wants else None, complete)


@dataclass(frozen=True, eq=False)
class AfterInfusion:
    """Whole courses from infusion; fate 0 = day-30 refractory, 1 = progresses later, 2 = dies without progression, 3 = cured."""

    bridging: Flags
    fate: Flags
    time: Array
    progression: AfterProgression

    @property
    def os(self) -> Array:
        out: Array = np.where(self.fate < 2, self.time + self.progression.os, self.time)
        return out


def bridging_given_group(p: Parameters) -> Array:
    """float64[2]: P(bridging | day-30 refractory), P(bridging | not)."""
    r = p.bridged * p.refractory_bridged + (1 - p.bridged) * p.refractory_not
    return np.array([p.bridged * p.refractory_bridged / r, p.bridged * (1 - p.refractory_bridged) / (1 - r)])


def after_infusion(p: Parameters, therapy: Therapy, draws: Draws, group: Flags, arm: Flags, marks: bool) -> AfterInfusion:
    """Sample courses from infusion for patients of known day-30 group (0 = refractory and a later failure, 1 = all others)."""
    n = group.size
    shares = fate_shares(p)
    given = np.cumsum(shares[::-1, 1:3], axis=1) / (1 - shares[::-1, :1])  # row 0 = not bridged
    medians = log([p.refractory_progression_median, p.late_progression_median, p.death_without_progression_median])
    sigmas = (p.refractory_progression_sigma, p.late_progression_sigma, p.death_without_progression_sigma)
    pairs = [x for pair in zip(medians, sigmas, strict=True) for x in pair]
    numbers = np.array([*pairs, p.late_progression_shift, p.background_death_rate])
    bridging, fate, time = np.empty(n, dtype=np.uint8), np.empty(n, dtype=np.uint8), np.empty(n)
    words = _flat(draws, ("bridging", "day30_group", "time_to_progression", "cart_background_death"))
    kernel.after_infusion(group.reshape(-1), *words, bridging_given_group(p), np.ascontiguousarray(given), numbers, bridging, fate, time)
    return AfterInfusion(bridging, fate, time, after_progression(p, therapy, draws, group, arm, marks))


def from_infusion(p: Parameters, therapy: Therapy, draws: Draws, stratum: Flags, arm: Flags, wants: Collection[str]) -> Courses:
    """Sample courses from infusion: PFS to the first progression or death; response to first line is not offered here."""
    stratum, arm = np.ascontiguousarray(stratum), np.ascontiguousarray(arm)
    x = after_infusion(p, therapy, draws, stratum, arm, marks=False)
    shape = stratum.shape
    return Courses(stratum, x.time.reshape(shape) if "pfs" in wants else None, x.os.reshape(shape) if "os" in wants else None)


def infusion_strata(p: Parameters, x: Infusion, averaged: list[Array]) -> dict[str, tuple[Array, Array]]:
    """Return PFS and OS from infusion by day-30 group: refractory, and everybody else."""
    w = np.array([p.bridged, 1 - p.bridged])
    total = w[0] * x.shares[0] + w[1] * x.shares[1]
    refractory_os: Any = 1 - x.refractory + convolve(x.refractory, averaged[0])
    everyone = {"pfs": w[0] * x.pfs[0] + w[1] * x.pfs[1], "os": w[0] * x.os[0] + w[1] * x.os[1]}
    alone = {"pfs": 1 - x.refractory, "os": refractory_os}
    return {k: (alone[k], (everyone[k] - total[0] * alone[k]) / (1 - total[0])) for k in ("pfs", "os")}
