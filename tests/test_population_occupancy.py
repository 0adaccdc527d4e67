"""State occupancy, cumulative incidence and every sojourn: quadrature against closed form, and the sampler against both (definitions.md 19)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from sim.calibration.cohort import cohort
from sim.effect import HazardProfile, NoEffect, PatientHazardRatio
from sim.population.multi_state import STEP, averages, convolve, grid, post_progression, progression_free
from sim.population.multi_state import from_first_line as curves_from_first_line
from sim.population.occupancy import EVENTS, STATES, course_of_group, occupancy
from sim.population.post_cart_failure import TIME_ZEROS, PostCartFailure
from sim.population.transitions import Transitions, transitions
from sim.rng import Draws
from sim.types import InputError
from tests.test_population_post_cart_failure import N, against

TIMES = (0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 9.0, 12.0, 18.0, 24.0, 36.0, 60.0)
GROUPS = (None, 0, 1)


@pytest.mark.parametrize("time_zero", TIME_ZEROS)
@pytest.mark.parametrize("group", GROUPS)
def test_the_states_add_up_to_the_curves_and_balance_what_enters_and_leaves(time_zero: str, group: int | None) -> None:
    population = PostCartFailure(time_zero=time_zero)
    x = occupancy(population, stratum=group)
    s = {name: x.states.get(name, np.zeros(6001)) for name in STATES}
    e = {name: x.events.get(name, np.zeros(6001)) for name in EVENTS}
    assert all(np.all((p > -1e-9) & (p < 1 + 1e-9)) for p in (*s.values(), *e.values()))
    assert all(np.all(np.diff(p) > -1e-9) for p in e.values())
    # another route: survival is summed before it is convolved in `multi_state`, after it here
    assert np.max(np.abs(1 - s["dead"] - population.curve("os", stratum=group).survival)) < 1e-6
    start = {name: p[0] for name, p in s.items()}
    if time_zero == "infusion":
        assert np.max(np.abs(s["at_risk"] + s["cured"] - population.curve("pfs", stratum=group).survival)) < 1e-6
        assert np.max(np.abs(s["at_risk"] + s["cured"] + e["progression"] + e["death_without_progression"] - 1)) < 1e-9
    # occupancy = entered - left, each by its own convolution: 1e-4 is what is promised of either
    entered = start["waiting"] + start["supportive_care"] + e["progression"]
    assert np.max(np.abs(s["waiting"] + s["supportive_care"] - (entered - e["first_line"] - e["death_untreated"]))) < 1e-4
    on_first_line = start["first_line_response"] + start["first_line_no_response"] + e["first_line"]
    left = e["second_progression"] + e["death_on_first_line"] + e["allo_from_response"]
    assert np.max(np.abs(s["first_line_response"] + s["first_line_no_response"] - (on_first_line - left))) < 1e-4
    assert np.max(np.abs(s["allo"] - (e["allo_from_response"] + e["allo_after_progression"] - e["allo_relapse"]))) < 1e-4


def test_an_effect_reaches_the_states() -> None:
    effect = PatientHazardRatio(0.6, delay=1.5, hr_after_progression=1.5)
    population = PostCartFailure()
    x = occupancy(population, effect)
    assert np.max(np.abs(1 - x.states["dead"] - population.curve("os", effect).survival)) < 1e-6
    assert x.event("second_progression", 6.0) < occupancy(population).event("second_progression", 6.0)
    for time_zero in ("progression", "infusion"):
        earlier = PostCartFailure(time_zero=time_zero)
        assert np.max(np.abs(1 - occupancy(earlier, effect).states["dead"] - earlier.curve("os", effect).survival)) < 1e-6
    with pytest.raises(InputError, match="no 'remission'; allowed: first_line_no_response"):
        x.state("remission", 1.0)


@pytest.mark.parametrize("time_zero", TIME_ZEROS)
@pytest.mark.parametrize("group", [0, 1])
def test_occupancies_do_not_depend_on_the_grid(time_zero: str, group: int) -> None:
    population = PostCartFailure(time_zero=time_zero)
    coarse, fine = (course_of_group(population, NoEffect(), group, grid(step, 60.0)) for step in (STEP, STEP / 4))
    for a, b in ((coarse.states, fine.states), (coarse.events, fine.events)):
        for name in a:
            assert np.max(np.abs(a[name].at - b[name].at[::4])) < 1e-4, name


@pytest.mark.parametrize("group", [0, 1])
@pytest.mark.parametrize("month", [3.0, 12.0, 36.0])
def test_states_against_adaptive_quadrature_of_their_formulas(group: int, month: float) -> None:
    p = PostCartFailure().values
    theta, dead_or_progressed = p.hazard_ratios[group], 1 - p.exit_death_share
    first = occupancy(PostCartFailure(), stratum=group)
    exits: list[tuple[float, float, float]] = []  # share, rate of leaving, rate of transplant
    total = sum(k.patients for k in p.regimens)
    for k in p.regimens:
        rate = p.exit_rate * k.multiplier * theta
        exits.append((k.patients / total * (1 - k.response), rate, 0.0))
        exits.append((k.patients / total * k.response * (1 - p.durable_share), rate * p.responder_ratio, p.allo_from_response_rate))
        exits.append((k.patients / total * k.response * p.durable_share, p.durable_exit_rate, 0.0))
    responding = sum(w * math.exp(-(h + a) * month) for i, (w, h, a) in enumerate(exits) if i % 3)
    assert first.state("first_line_response", month) == pytest.approx(responding, abs=1e-9)

    def alone(u: float) -> float:
        return math.exp(-((p.post_rate * u) ** p.post_shape) * theta - p.allo_after_progression_rate * u)

    def progressing(u: float) -> float:
        return dead_or_progressed * sum(w * h * math.exp(-(h + a) * u) for w, h, a in exits)

    waits = integrate.quad(lambda u: progressing(u) * alone(month - u), 0, month, epsabs=1e-8, limit=200)[0]
    assert first.state("second_progression", month) == pytest.approx(waits, abs=1e-4)
    infusion = occupancy(PostCartFailure(time_zero="infusion"), stratum=group)
    if group == 0:
        law = stats.lognorm(p.refractory_progression_sigma, scale=p.refractory_progression_median)
        share = 1.0
    else:
        law = stats.lognorm(p.late_progression_sigma, loc=p.late_progression_shift, scale=p.late_progression_median)
        r, o = (p.bridged * a + (1 - p.bridged) * b for a, b in ((p.refractory_bridged, p.refractory_not), (p.late_bridged, p.late_not)))
        share = o / (1 - r)
    k = math.log(2) * theta / p.supportive_median**p.supportive_shape
    untreated = integrate.quad(
        lambda u: law.pdf(month - u) * math.exp(-k * u**p.supportive_shape), 0, month, epsabs=1e-9, limit=500, points=[0.01, 0.1, 1.0]
    )[0]
    assert infusion.state("supportive_care", month) == pytest.approx(share * (1 - p.intended[group]) * untreated, abs=1e-4)


def held(x: Transitions, population: PostCartFailure, group: int | None) -> Iterator[tuple[str, float, float]]:
    """Yield (what, binomial z, Kolmogorov-Smirnov p) of every event, and (what, z, 1) of every state at each of the times."""
    exact = occupancy(population, stratum=group)
    chosen = np.ones(len(x.stratum), dtype=bool) if group is None else x.stratum == group
    n = int(chosen.sum())
    for name, distribution in exact.events.items():
        if name != "second_line":  # a mark: tested on the cohort
            yield (name, *against(x.events[name][chosen], distribution, exact.step))
    for month in TIMES:
        counts = np.bincount(x.state_at(month)[chosen], minlength=len(STATES))
        for name, count in zip(STATES, counts, strict=True):
            p = float(exact.state(name, month)) if name in exact.states else 0.0
            yield f"{name} at {month:g}", (count / n - p) / math.sqrt(max(p * (1 - p) / n, 1e-12)), 1.0


@pytest.mark.parametrize("time_zero", TIME_ZEROS)
def test_sampled_states_and_events_against_quadrature(time_zero: str) -> None:
    population = PostCartFailure(time_zero=time_zero)
    x = transitions(population, Draws(11, 0, 1, N))
    for group in GROUPS:
        for what, z, p in held(x, population, group):
            assert abs(z) < 4, (group, what, z)
            assert p > 1e-4, (group, what, p)


VARIANTS: list[dict[str, Any]] = [
    *({"regimen": k.name} for k in PostCartFailure().values.regimens),
    {"denominator": "failures"},
    {"prognostic": True},
    {"refractory_share": 0.6},
]


# the denominator of all failures and a share set at progression exist from progression on only
EXISTING = [(t, k) for t in TIME_ZEROS for k in ({}, *VARIANTS) if t != "infusion" or not {"denominator", "refractory_share"} & set(k)]


@pytest.mark.verify
@pytest.mark.parametrize(("time_zero", "keys"), EXISTING, ids=str)
def test_sampled_states_and_events_of_every_variant(time_zero: str, keys: dict[str, Any]) -> None:
    # each day-30 group has 200,000 patients of its own; some 20,000 z are looked at over all cases: 5 is 1 in 100 to be passed by chance
    population = PostCartFailure(time_zero=time_zero, **keys)
    x = transitions(population, Draws(12, 0, 5, N))
    for group in GROUPS:
        for what, z, p in held(x, population, group):
            assert abs(z) < 5, (group, what, z)
            assert p > 1e-6, (group, what, p)


Law = Callable[[np.ndarray], np.ndarray]


def exponential(rate: float) -> Law:
    return lambda t: 1 - np.exp(-rate * t)


def log_normal(median: float, sigma: float, shift: float = 0.0) -> Law:
    return lambda t: special.ndtr(np.log(np.maximum(t - shift, 1e-300) / median) / sigma)


def spell(entered: np.ndarray, left: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Months between two moments, in those who enter."""
    out: np.ndarray = left[who] - entered[who]
    return out


def sojourns(population: PostCartFailure, x: Transitions, group: int) -> Iterator[tuple[str, np.ndarray, Law]]:
    """Yield every sojourn of a day-30 group that the time zero reaches: name, months in each patient who enters, its distribution function."""
    p, e, mine = population.values, x.events, x.stratum == group
    theta, treated = p.hazard_ratios[group], np.ones(len(mine), dtype=bool)
    progressed, since, start = treated, np.zeros(len(mine)), np.zeros(len(mine))
    if population.time_zero == "infusion":
        since, progressed = e["progression"], np.isfinite(e["progression"])
        dies = mine & ~progressed & ~x.cured
        if group == 0:
            yield "to refractory progression", since[mine], log_normal(p.refractory_progression_median, p.refractory_progression_sigma)
        else:
            late = log_normal(p.late_progression_median, p.late_progression_sigma, p.late_progression_shift)
            yield "to late progression", since[mine & progressed], late
            death = log_normal(p.death_without_progression_median, p.death_without_progression_sigma)
            yield "to death without progression", e["death"][dies], death
            yield "of the cured", e["death"][mine & x.cured], exponential(p.background_death_rate)
    if population.time_zero != "first_line_start":
        treated, start = np.isfinite(e["first_line"]), e["first_line"]
        waits, cares = mine & progressed & x.intended, mine & progressed & ~x.intended
        over = np.minimum(e["first_line"], e["death_untreated"])
        yield "waiting", spell(since, over, waits), exponential(p.start_rate + p.waiting_death_rate * theta)
        k = math.log(2) * theta / p.supportive_median**p.supportive_shape
        yield "supportive care", spell(since, e["death"], cares), lambda t: 1 - np.exp(-k * t**p.supportive_shape)
    left = np.minimum(np.minimum(e["second_progression"], e["death_on_first_line"]), e["allo_from_response"])
    n, responses = population.weights, population.responses_at_control
    rates = p.exit_rate * np.array([k.multiplier for k in p.regimens]) * theta

    def leaves(weights: np.ndarray, hazards: np.ndarray, durable: float) -> Law:
        def law(t: np.ndarray) -> np.ndarray:
            stay = np.exp(-np.multiply.outer(t, hazards)) @ (weights / weights.sum())
            out: np.ndarray = 1 - durable * np.exp(-p.durable_exit_rate * t) - (1 - durable) * stay
            return out

        return law

    yield "first line, no response", spell(start, left, mine & treated & ~x.response), leaves(n * (1 - responses), rates, 0.0)
    lasting = leaves(n * responses, rates * p.responder_ratio + p.allo_from_response_rate, p.durable_share)
    yield "first line, response", spell(start, left, mine & treated & x.response), lasting
    second = mine & np.isfinite(e["second_progression"])
    gone = np.minimum(e["allo_after_progression"], e["death"])
    a = p.allo_after_progression_rate
    after = lambda t: 1 - np.exp(-((p.post_rate * t) ** p.post_shape) * theta - a * t)  # noqa: E731
    yield "after second progression", spell(e["second_progression"], gone, second), after
    remission: Law = lambda t: (1 - p.allo_cured) * (1 - np.exp(-p.allo_relapse_rate * t))  # noqa: E731
    for name in ("allo_from_response", "allo_after_progression"):
        chosen = mine & np.isfinite(e[name])
        yield f"remission, {name}", spell(e[name], e["allo_relapse"], chosen), remission
    relapsed = mine & np.isfinite(e["allo_relapse"])
    yield "relapse after transplant", spell(e["allo_relapse"], e["death"], relapsed), exponential(p.allo_death_rate)


def hold_sojourns(population: PostCartFailure, x: Transitions, group: int) -> dict[str, int]:
    t = np.arange(6001) * 0.01
    entered = {}
    for name, months, law in sojourns(population, x, group):
        entered[name] = len(months)
        z, p = against(months, law(t), 0.01)
        assert abs(z) < 4, (name, z)
        assert p > 1e-4, (name, p)
    return entered


@pytest.mark.parametrize("time_zero", TIME_ZEROS)
@pytest.mark.parametrize("group", [0, 1])
def test_every_sojourn_against_its_law(time_zero: str, group: int) -> None:
    population = PostCartFailure(time_zero=time_zero)
    entered = hold_sojourns(population, transitions(population, Draws(13, 0, 1, N)), group)
    # the rarest: some 500 relapses after transplant in the refractory, from infusion
    assert min(entered.values()) > 400
    assert len(entered) == {"first_line_start": 6, "progression": 8, "infusion": 9 + 2 * group}[time_zero]


@pytest.mark.verify
@pytest.mark.parametrize("group", [0, 1])
def test_every_sojourn_of_200_000_patients_who_enter_it(group: int) -> None:
    # relapse after transplant is the rarest sojourn of first line, 3 % of starters; all others are common from some time zero
    blocks = [transitions(PostCartFailure(), Draws(14, first, 1, 1_000_000)) for first in range(26 if group == 0 else 10)]
    names = ("stratum", "cured", "intended", "response")
    whole = Transitions(
        *(np.concatenate([getattr(b, name) for b in blocks]) for name in names),
        {name: np.concatenate([b.events[name] for b in blocks]) for name in blocks[0].events},
    )
    entered = hold_sojourns(PostCartFailure(), whole, group)
    assert min(entered.values()) >= 200_000
    population = PostCartFailure(time_zero="infusion")
    early = hold_sojourns(population, transitions(population, Draws(15, 0, 1, 8_000_000)), group)
    assert all(n >= 200_000 for name, n in early.items() if name not in entered)


def test_duration_of_response_and_time_to_next_treatment_against_quadrature() -> None:
    # the two endpoints of a cohort that are no population's curve: DOR = progression-free among responders, TTNT = alive without second line
    population = PostCartFailure()
    p, t = population.values, grid(STEP, 120.0)
    weights, response = population.weights, population.responses_at_control
    table = cohort(population, 16, N, baseline=False)
    responders, second = table["response"].isin(["complete", "partial"]), table["second_line"] == 1
    ttnt = np.where(second, table["pfs_time"], np.where(table["os_event"] == 1, table["os_time"], np.inf))
    dor = np.where(table["pfs_event"] == 1, table["pfs_time"], np.inf)
    for group in (0, 1):
        mine = (table["day30_refractory"] == 1 - group).to_numpy()
        free = progression_free(p, group, weights, response, HazardProfile(), t)
        exact = 1 - (free.response + free.remission) / float(weights @ response)
        first = curves_from_first_line(p, group, weights, response, HazardProfile(), t)
        alive_after_second = p.second_line_share * convolve(first.progressed, averages(post_progression(p, group, t)[0]))
        for name, times, distribution in (
            ("DOR", dor[mine & responders.to_numpy()], exact),
            ("TTNT", ttnt[mine], 1 - first.os + alive_after_second),
        ):
            z, ks = against(times, distribution, STEP)
            assert abs(z) < 4, (name, group, z)
            assert ks > 1e-4, (name, group, ks)
    seen = pd.Series(np.where(second, table["pfs_time"], np.inf)).to_numpy()
    z, ks = against(seen, occupancy(population).events["second_line"], STEP)
    assert abs(z) < 4
    assert ks > 1e-4
