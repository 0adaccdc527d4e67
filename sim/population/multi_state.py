"""Exact curves of the multi-state model by quadrature on a uniform grid: no Monte Carlo, errors below 1e-4.

Exits of first line are piecewise exponential, so masses in a cell are exact; convolutions are Stieltjes sums of cell
masses against cell averages of the survival that follows, whose error is of order step^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.curve import LN2
from sim.effect import HazardProfile, Mechanism
from sim.later import later
from sim.population.parameters import Parameters, response_by_class
from sim.types import Array

convolution = later("sim.kernels.convolution")
fill_upper_tail = later("sim.kernels.normal", "fill_upper_tail")
decayed_sum = later("sim.kernels.post_cart_failure", "decayed_sum")
exp = later("sim.kernels.vectors", "exp")
log = later("sim.kernels.vectors", "log")
power = later("sim.kernels.vectors", "power")
relative_exponential = later("sim.kernels.vectors", "relative_exponential")
fill_area = later("sim.kernels.weibull", "fill_area")

STEP = 0.02
END = 120.0
UNCHANGED = Mechanism()


def grid(step: float = STEP, end: float = END) -> Array:
    """Return the grid 0, step, … end, in months."""
    t: Array = np.arange(round(end / step) + 1, dtype=np.float64) * step
    return t


def averages(survival: Array) -> Array:
    """Return the average of a curve over each cell, trapezoid: float64[k - 1]."""
    out: Array = 0.5 * (survival[1:] + survival[:-1])
    return out


def convolve(distribution: Array, average: Array) -> Array:
    """Return the integral of S(t - u) dF(u) on the grid; distribution is F on it, average that of S over each cell."""
    n = len(distribution)
    out = np.zeros(n)
    out[1:] = convolution.convolve(np.diff(distribution), average)[: n - 1]
    return out


def weibull_average(scale: float, shape: float, t: Array) -> Array:
    """Return the average of exp(-(t / scale)^shape) over each cell, exactly: its slope at 0 is infinite for shapes below 1."""
    area = np.empty_like(t)
    fill_area(t, scale, shape, area)
    out: Array = np.diff(area) / (t[1] - t[0])
    return out


def accumulated(profile: HazardProfile, t: Array) -> Array:
    """Return R(t), the integral of the hazard ratio from 0 to t."""
    total = np.zeros_like(t)
    ends = (*profile.breaks[1:], np.inf)
    for start, end, ratio in zip(profile.breaks, ends, profile.ratios, strict=True):
        total += ratio * np.clip(t - start, 0.0, end - start)
    return total


@dataclass(frozen=True, eq=False)
class FirstLine:
    """Curves from the start of first line, each float64[k] on the grid.

    pfs, os : survival; progressed : probability of having progressed from first line, alive at that moment;
    allo : probability of having been transplanted from response; allo_after : after progression
    """

    pfs: Array
    os: Array
    progressed: Array
    allo: Array
    allo_after: Array


def after_allo_by_state(p: Parameters, t: Array) -> tuple[Array, Array]:
    """Return the probabilities of being in remission after transplant, and of having relapsed and being alive."""
    r, n = p.allo_relapse_rate, p.allo_death_rate
    # the difference quotient of exp(-x t) at r and n, written so that r = n is no exception
    relapsed = r * t * exp(-r * t) * relative_exponential((r - n) * t)
    return p.allo_cured + (1 - p.allo_cured) * exp(-r * t), (1 - p.allo_cured) * relapsed


def after_allo(p: Parameters, t: Array) -> Array:
    """Return overall survival from transplant: cured, in remission, or relapsed and alive."""
    remission, relapsed = after_allo_by_state(p, t)
    return remission + relapsed


def post_progression_by_state(p: Parameters, group: int, t: Array, ratio: float = 1.0) -> tuple[Array, Array]:
    """Return the probabilities, since progression on first line, of being alive without a transplant, and of having had one.

    ratio : multiplies the hazard of death without a transplant
    """
    a = p.allo_after_progression_rate
    survival = exp(-power(p.post_rate * t, p.post_shape) * (p.hazard_ratios[group] * ratio) - a * t)
    return survival, np.concatenate([[0.0], np.cumsum(a * averages(survival) * (t[1] - t[0]))])


def post_progression(p: Parameters, group: int, t: Array, ratio: float = 1.0) -> tuple[Array, Array]:
    """Return overall survival since progression on first line, and the probability of having been transplanted since."""
    survival, allo = post_progression_by_state(p, group, t, ratio)
    return survival + convolve(allo, averages(after_allo(p, t))), allo


@dataclass(frozen=True, eq=False)
class ProgressionFree:
    """The progression-free state from the start of first line: its survival and what leaves it, by grid point or cell.

    pfs, exits, allo : float64[k], survival, probability of having left first line otherwise than to transplant, or to it
    response, remission : float64[k], probability of being in response on first line, or in remission after transplant
    relapses : float64[k - 1], probability of a relapse after transplant in each cell
    """

    pfs: Array
    exits: Array
    allo: Array
    response: Array
    remission: Array
    relapses: Array


def progression_free(p: Parameters, group: int, weights: Array, response: Array, profile: HazardProfile, t: Array) -> ProgressionFree:
    """Return the progression-free state of a day-30 group; arguments as in `from_first_line`."""
    step, theta = t[1] - t[0], p.hazard_ratios[group]
    cumulative = accumulated(profile, t)
    rise = np.diff(cumulative)
    exits, arrivals, free = np.zeros_like(t), np.zeros(len(t) - 1), {True: np.zeros_like(t), False: np.zeros_like(t)}
    durable = float(np.sum(weights * response)) * p.durable_share
    classes = [(True, durable, p.durable_exit_rate, 0.0)]
    by_class = response_by_class(p, response)
    for k, (regimen, w) in enumerate(zip(p.regimens, weights, strict=True)):
        h = p.exit_rate * regimen.multiplier * theta
        for orr, (share, none, responds, _) in zip(by_class[:, k], p.exit_classes, strict=True):
            classes.append((False, share * w * (1 - orr), none * h, 0.0))
            classes.append((True, share * w * orr * (1 - p.durable_share), responds * h * p.responder_ratio, p.allo_from_response_rate))
    for in_response, w, h, a in classes:
        if w == 0:
            continue
        stay = w * exp(-h * cumulative - a * t)
        free[in_response] += stay
        exits += w - stay
        if a > 0:
            to_allo = -np.diff(stay) * (a * step / (h * rise + a * step))
            arrivals += to_allo
            exits[1:] -= np.cumsum(to_allo)
    allo, remission = np.concatenate([[0.0], np.cumsum(arrivals)]), np.empty_like(t)
    at_risk = (1 - p.allo_cured) * arrivals
    decayed_sum(at_risk * exp(-0.5 * p.allo_relapse_rate * rise), exp(-p.allo_relapse_rate * rise), remission)
    transplanted = p.allo_cured * allo + remission
    pfs = free[False] + free[True] + transplanted
    return ProgressionFree(pfs, exits, allo, free[True], transplanted, at_risk - np.diff(remission))


def from_first_line(
    p: Parameters, group: int, weights: Array, response: Array, profile: HazardProfile, t: Array, after_progression: float = 1.0
) -> FirstLine:
    """Return the curves of a day-30 group from the start of first line.

    Parameters
    ----------
    weights, response : float64[K], share and response rate of each regimen
    profile : multiplies every hazard of leaving the progression-free state, by months since the start
    after_progression : multiplies the hazard of death after it
    """
    free = progression_free(p, group, weights, response, profile, t)
    relapsed_alive = np.empty_like(t)
    death = np.full(len(t) - 1, p.allo_death_rate * (t[1] - t[0]))
    decayed_sum(free.relapses * exp(-0.5 * death), exp(-death), relapsed_alive)
    progressed = (1 - p.exit_death_share) * free.exits
    after, allo_after = post_progression(p, group, t, after_progression)
    os = free.pfs + relapsed_alive + convolve(progressed, averages(after))
    return FirstLine(free.pfs, os, progressed, free.allo, convolve(progressed, averages(allo_after)))


def treated_pfs(p: Parameters, group: int, weights: Array, response: Array, t: Array) -> Array:
    """Return PFS from progression among the treated of a day-30 group: nobody progresses before the start."""
    total = p.start_rate + p.waiting_death_rate * p.hazard_ratios[group]
    waiting = exp(-total * t)
    pfs = progression_free(p, group, weights, response, HazardProfile(), t).pfs
    return waiting + convolve(1 - waiting, averages(pfs))


@dataclass(frozen=True, eq=False)
class Progression:
    """Curves of one day-30 group from progression, float64[k]: treated (among ever treated), untreated, and all.

    started : distribution of the time to the start of first line among those who ever start
    """

    first_line: FirstLine
    pfs_treated: Array
    os_treated: Array
    os_untreated: Array
    pfs: Array
    os: Array
    started: Array
    untreated_average: Array


def supportive_care(p: Parameters, group: int, t: Array) -> tuple[Array, Array]:
    """Return survival under best supportive care, and its exact average over each cell."""
    scale = p.supportive_median / float(power(LN2 * p.hazard_ratios[group], 1 / p.supportive_shape))
    return exp(-power(t / scale, p.supportive_shape)), weibull_average(scale, p.supportive_shape, t)


def from_progression(p: Parameters, group: int, weights: Array, response: Array, t: Array, effect: Mechanism = UNCHANGED) -> Progression:
    """Return the curves of a day-30 group from progression after CAR-T; the effect acts from the start of first line."""
    first = from_first_line(p, group, weights, response, effect.hazard_of(group), t, effect.after_progression)
    total = p.start_rate + p.waiting_death_rate * p.hazard_ratios[group]
    waiting = exp(-total * t)
    pfs_t = waiting + convolve(1 - waiting, averages(first.pfs))
    os_t = waiting + convolve(1 - waiting, averages(first.os))
    share, intended = p.treated[group], p.intended[group]
    supportive, average = supportive_care(p, group, t)
    dies_waiting = intended - share
    untreated = (1 - intended) * supportive + dies_waiting * waiting
    untreated_average = (1 - intended) * average + dies_waiting * averages(waiting)
    os_u = untreated / (1 - share) if share < 1 else np.zeros_like(t)
    return Progression(first, pfs_t, os_t, os_u, share * pfs_t + untreated, share * os_t + untreated, 1 - waiting, untreated_average)


@dataclass(frozen=True, eq=False)
class Infusion:
    """Curves from infusion, float64[k], by bridging (bridged, not), and the distributions of each fate's time.

    refractory, late, death : distribution functions of the time to refractory progression, late progression and
    death without progression; shares are those of each fate by bridging, cured what is left
    """

    pfs: tuple[Array, Array]
    os: tuple[Array, Array]
    refractory: Array
    late: Array
    death: Array
    background: Array
    shares: Array


def time_distributions(p: Parameters, t: Array) -> tuple[Array, Array, Array]:
    """Return the distribution functions of refractory progression, late progression and death without progression."""
    since = np.maximum(t, 1e-12)
    return (
        _log_normal(since, p.refractory_progression_median, p.refractory_progression_sigma),
        _log_normal(np.maximum(t - p.late_progression_shift, 1e-12), p.late_progression_median, p.late_progression_sigma),
        _log_normal(since, p.death_without_progression_median, p.death_without_progression_sigma),
    )


def _log_normal(t: Array, median: float, sigma: float) -> Array:
    out = np.empty_like(t)
    fill_upper_tail((log(median) - log(t)) / sigma, out)
    return out


def fate_shares(p: Parameters) -> Array:
    """Return float64[2, 4]: P(refractory, late, death without progression, cured) for bridged and not."""
    rows = []
    for r, o in ((p.refractory_bridged, p.late_bridged), (p.refractory_not, p.late_not)):
        rows.append([r, o, p.death_without_progression, 1 - r - o - p.death_without_progression])
    return np.array(rows)


def from_infusion(p: Parameters, os_refractory: tuple[Array, Array], os_other: tuple[Array, Array], t: Array) -> Infusion:
    """Return the curves from infusion; os_* are (survival, average over each cell) from progression by day-30 group."""
    refractory, late, death = time_distributions(p, t)
    background = exp(-p.background_death_rate * t)
    alive = (1 - refractory + convolve(refractory, os_refractory[1]), 1 - late + convolve(late, os_other[1]))
    shares = fate_shares(p)
    pfs = [s[0] * (1 - refractory) + s[1] * (1 - late) + s[2] * (1 - death) + s[3] * background for s in shares]
    os = [s[0] * alive[0] + s[1] * alive[1] + s[2] * (1 - death) + s[3] * background for s in shares]
    return Infusion((pfs[0], pfs[1]), (os[0], os[1]), refractory, late, death, background, shares)


def os_from_progression_average(p: Parameters, group: int, curves: Progression) -> Array:
    """Return the average over each cell of overall survival from progression."""
    return p.treated[group] * averages(curves.os_treated) + curves.untreated_average
