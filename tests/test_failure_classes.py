"""Patients in classes: the sampler held against the exact curves, trait by trait (two independent computations)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.calibration.course_tables import from_each_time_zero
from sim.curve import Curve
from sim.effect import (
    DurableShare,
    Effect,
    HazardProfile,
    HazardRatio,
    Mechanism,
    NoEffect,
    PatientHazardRatio,
    Response,
    ResponseRateChange,
)
from sim.population.failure_classes import courses, curves, levers, marks, times
from sim.population.failure_classes.times import TIME_CLASSES
from sim.population.multi_state import END, STEP, grid
from sim.population.occupancy import EVENTS, STATES, occupancy
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.types import InputError
from tests.test_population_post_cart_failure import against

N = 200_000
NAME = "zurko2023_classes"
EFFECTS: dict[str, Effect] = {
    "none": NoEffect(),
    "delayed": PatientHazardRatio(0.6, delay=1.5, hr_after_progression=1.5),
    "response": ResponseRateChange(0.20),
    "levers": Mechanism((HazardProfile((0.0,), (0.5,)), HazardProfile((0.0, 3.0), (1.2, 0.7))), 2.5, 0.0, 1.8, 0.8),
}
CASES = [("first_line_start", e) for e in EFFECTS] + [(t, e) for t in ("progression", "infusion") for e in EFFECTS if e != "response"]
STRICT = ({"ecog": ["0", "1"], "ldh": ["normal", "1-2 x ULN"]}, {"time_to_failure": list(TIME_CLASSES[2:])})


def made(**changes: object) -> PostCartFailure:
    return PostCartFailure(parameters=NAME, **changes)  # type: ignore[arg-type]


def holds(times_: np.ndarray, survival: np.ndarray) -> None:
    # definitions.md 19: p above 1e-4 at n = 200,000 and the probability within 4 binomial standard errors
    z, p = against(times_, 1 - survival, STEP)
    assert abs(z) < 4
    assert p > 1e-4


def share_holds(seen: np.ndarray, share: float) -> None:
    assert abs(seen.mean() - share) < 4 * math.sqrt(max(share * (1 - share), 1e-9) / seen.size) + 1e-12


@pytest.mark.parametrize(("time_zero", "name"), CASES)
def test_sampler_against_quadrature(time_zero: str, name: str) -> None:
    population, effect, draws = made(time_zero=time_zero), EFFECTS[name], Draws(11, 0, 1, N)
    stratum = population.sample_strata(draws)
    share_holds(stratum == 0, population.strata_shares[0])
    x = population.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs", "os"))
    assert x.pfs is not None
    assert x.os is not None
    assert np.all(x.pfs <= x.os)
    for endpoint, found in (("pfs", x.pfs), ("os", x.os)):
        for group in (None, 0, 1):
            holds(found.ravel() if group is None else found[stratum == group], population.curve(endpoint, effect, group).survival)


@pytest.mark.parametrize("time_zero", ["first_line_start", "progression"])
@pytest.mark.parametrize(
    "keys", [{}, {"stratify_by": "time_to_failure"}, {"eligible": STRICT[0]}, {"eligible": STRICT[1]}, {"regimen": "polabr"}]
)
def test_classes_strata_and_eligibility(time_zero: str, keys: dict[str, object]) -> None:
    population, draws = made(time_zero=time_zero, **keys), Draws(12, 0, 1, N)
    stratum, model = population.sample_strata(draws), population.classes
    class_ = model.sample_classes(draws, stratum).reshape(stratum.shape)
    x = population.sample(draws, stratum, np.zeros_like(stratum), NoEffect(), ("pfs", "os", "response", "cr"))
    assert x.pfs is not None
    assert x.os is not None
    for s in range(len(population.strata)):
        share_holds(stratum == s, population.strata_shares[s])
        for k in range(3):
            share_holds((stratum == s) & (class_ == k), model.classes[s, k])
    for k in range(3):
        w = model.classes[:, k] / model.classes[:, k].sum()
        for i, found in enumerate((x.pfs, x.os)):
            holds(found[class_ == k], sum(w[s] * model.by_class(Mechanism(), s)[i][k] for s in range(len(w))))
    for s in (None, *range(len(population.strata))):
        if s is None or population.strata_shares[s] > 1e-6:
            mine = np.ones_like(stratum, dtype=bool) if s is None else stratum == s
            share_holds(x.response[mine], population.response_rate(stratum=s))  # type: ignore[index]
            share_holds(x.cr[mine], population.complete_response_rate(stratum=s))  # type: ignore[index]
            holds(x.os[mine], population.curve("os", stratum=s).survival)


def test_every_trait_from_infusion() -> None:
    population, draws = made(time_zero="infusion"), Draws(13, 0, 1, N)
    p, group = population.classes.parameters, population.sample_strata(draws)
    x = courses.infusion(p, population.classes.arms(Mechanism()), draws, group, np.zeros_like(group), os=True)
    t = grid(STEP, END)
    for fate, distribution in enumerate((times.refractory(p, t), times.late(p, t), times.death(p, t))):
        holds(x.time[x.fate == fate], 1 - distribution)
    shares = p.bridged * times.fates(p)[0] + (1 - p.bridged) * times.fates(p)[1]
    for fate in range(4):
        share_holds(x.fate == fate, shares[fate])
        share_holds(x.bridging[x.fate == fate], p.bridged * times.fates(p)[0][fate] / shares[fate])
    # progression seen from infusion is the population that starts there, group by group, time by time and class by class
    failed, expected = x.fate < 2, times.eventual(p, t)
    period = np.searchsorted(times.EDGES, x.time)
    n = failed.sum()
    for g in (0, 1):
        for c in range(4):
            for k in range(3):
                seen = int(np.sum((x.fate == g) & (period == c) & (x.class_ == k)))
                share = expected[g, c, k]
                # a cell of the grid straddles each edge, and what lies beyond its end has the last cell's classes
                assert abs(seen / n - share) < 4 * math.sqrt(share * (1 - share) / n) + 1.5e-3
    started = failed & (x.progression.path == 2)
    for g in (0, 1):
        for k in range(3):
            mine = failed & (x.fate == g) & (x.class_ == k)
            share_holds(x.progression.path[mine] > 0, p.intended[g, k])
            share_holds(started[mine], p.treated[g, k])
    marks_of = dict(zip(courses.MARKS, x.progression.first_line.marks, strict=True))
    for k in range(3):
        mine = x.class_ == k
        share_holds(marks_of["response"][mine] > 0, float(np.sum(p.mix * p.response[k])))
        share_holds(marks_of["response"][mine] == 2, float(np.sum(p.mix * p.complete_response[k])))
    share_holds(marks_of["durable"][marks_of["response"] == 2], p.durable_in_complete)
    share_holds(marks_of["durable"][marks_of["response"] == 1], p.durable_in_partial)
    for i in range(len(p.regimens)):
        share_holds(marks_of["regimen"] == i, p.mix[i])


def test_transplants_and_progressions_from_first_line() -> None:
    population, draws = made(), Draws(14, 0, 1, N)
    model, p = population.classes, population.classes.parameters
    stratum = population.sample_strata(draws)
    class_ = model.sample_classes(draws, stratum)
    x = courses.first_line(p, model.arms(Mechanism()), draws, stratum, class_, np.zeros_like(stratum), os=True)
    exact = curves.first_line(p, levers.control(p, p.mix, 1), HazardProfile(), grid(STEP, END))
    seen = dict(zip(courses.MARKS, x.marks == 1, strict=True))
    progressed = ~seen["allo_from_response"] & ~seen["died_of_age"] & ~seen["died_at_exit"]
    by_end = x.pfs <= END
    for k in range(3):
        mine = class_ == k
        share_holds((progressed & by_end)[mine], exact.progressed[k, -1])
        share_holds(seen["allo_from_response"][mine], exact.allo[k, -1])
        assert abs((seen["allo_after_progression"] & by_end)[mine].mean() - exact.allo_after[k, -1]) < 3e-3


def test_effect_by_stratum_reaches_its_stratum_only() -> None:
    population, draws = made(), Draws(15, 0, 1, N)
    model, p = population.classes, population.classes.parameters
    stratum = population.sample_strata(draws)
    class_, arm = model.sample_classes(draws, stratum), np.ones_like(stratum)
    control = levers.control(p, p.mix, 2)
    profiles = (HazardProfile((0.0,), (0.4,)), HazardProfile((0.0, 2.0), (1.0, 1.3)))
    moved = levers.Levers(p.mix, p.response, p.complete_response, 0.8, 0.1, profiles, 0.7)
    x = courses.first_line(p, courses.arms(p, control, moved), draws, stratum, class_, arm, os=True)
    for s in (0, 1):
        exact = curves.first_line(p, moved, profiles[s], grid(STEP, END))
        for k in range(3):
            mine = (stratum.ravel() == s) & (class_ == k)
            holds(x.pfs[mine], exact.pfs[k])
            holds(x.os[mine], exact.os[k])  # type: ignore[index]


@pytest.mark.parametrize("time_zero", ["first_line_start", "progression"])
def test_the_odds_ratios_move_responses_of_both_kinds_and_how_many_last(time_zero: str) -> None:
    population, draws = made(time_zero=time_zero), Draws(18, 0, 1, N)
    model, p, change = population.classes, population.classes.parameters, Mechanism(odds_ratio=2.5, durable_odds_ratio=1.8)
    moved = model.levers(change)
    for before, after in ((p.response, moved.response), (p.complete_response, moved.complete)):
        np.testing.assert_allclose(after / (1 - after), 2.5 * before / (1 - before), rtol=1e-12)
    for before, after in ((p.durable_in_complete, moved.durable_in_complete), (p.durable_in_partial, moved.durable_in_partial)):
        assert after / (1 - after) == pytest.approx(1.8 * before / (1 - before))
    # complete responses rise by more of their own, so more of the responses last even where the odds of lasting stay
    assert population.durable_share(Mechanism(odds_ratio=2.5)) > population.durable_share() + 0.02
    stratum = population.sample_strata(draws)
    x = population.sample(draws, stratum, np.ones_like(stratum), change, ("response", "cr"))
    for s in (None, 0, 1):
        mine = np.ones_like(stratum, dtype=bool) if s is None else stratum == s
        share_holds(x.response[mine], population.response_rate(change, s))  # type: ignore[index]
        share_holds(x.cr[mine], population.complete_response_rate(change, s))  # type: ignore[index]


def test_stated_effects_are_met_by_the_exact_curves() -> None:
    population = made()
    complete = Response(difference=0.15, of="complete")
    assert population.complete_response_rate(complete) - population.complete_response_rate() == pytest.approx(0.15, abs=1e-5)
    assert population.durable_share(DurableShare(0.5)) == pytest.approx(0.5, abs=1e-5)
    change = population.mechanism(HazardRatio(0.6))
    assert change.hazard.ratios == (0.6,)
    assert change.odds_ratio > 1
    # whom a trial lets in does not change the drug
    for selected in (made(eligible=STRICT[0]), made(refractory_share=0.1)):
        assert selected.mechanism(HazardRatio(0.6)) == change


def test_a_population_is_seen_from_each_time_zero_whatever_was_chosen_at_failure() -> None:
    chosen = made(stratify_by="time_to_failure", eligible=STRICT[0], refractory_share=0.2)
    seen = {x.time_zero: x for x in from_each_time_zero(chosen)}
    assert set(seen) == {"infusion", "progression", "first_line_start"}
    assert len(seen["progression"].strata) == 4
    assert seen["infusion"].strata_shares.tolist() == made(time_zero="infusion").strata_shares.tolist()


def test_marks_are_drawn_from_the_class_and_change_who_comes() -> None:
    population, draws = made(time_zero="progression"), Draws(16, 0, 1, N)
    p, stratum = population.classes.parameters, population.sample_strata(draws)
    class_ = population.classes.sample_classes(draws, stratum).reshape(stratum.shape)
    for name in marks.MARKS:
        chance = marks.mark(p, name).chance
        np.testing.assert_allclose(np.array(p.class_shares) @ chance, p.at_failure[name]["shares"], atol=1e-9)
        level = marks.draw(p, name, {}, class_, draws)
        for k in range(3):
            for j in range(chance.shape[1]):
                share_holds(level[class_ == k] == j, chance[k, j])
    # an eligible patient has an allowed level, and the classes of the eligible are those of everybody with such marks
    strict = made(time_zero="progression", eligible=STRICT[0])
    ok = np.ones_like(stratum, dtype=bool)
    for name, allowed in STRICT[0].items():
        levels = marks.mark(p, name).levels
        ok &= np.isin(marks.draw(p, name, {}, class_, draws), [levels.index(a) for a in allowed])
        mine = marks.draw(p, name, STRICT[0], class_, draws)
        assert set(np.unique(mine)) == {levels.index(a) for a in allowed}
    for k in range(3):
        share_holds(class_[ok] == k, strict.classes.classes[:, k].sum())
    assert strict.curve("os").median() > 1.3 * population.curve("os").median()


@pytest.mark.parametrize("name", ["delayed", "response", "levers"])
def test_control_patients_do_not_feel_the_effect(name: str) -> None:
    population, draws = made(), Draws(5, 0, 3, 400)
    stratum, arm = population.sample_strata(draws), np.tile(np.array([0, 1], dtype=np.uint8), (3, 200))
    wants = ("pfs", "os", "response", "cr")
    plain, treated = (population.sample(draws, stratum, arm, e, wants) for e in (NoEffect(), EFFECTS[name]))
    for k in wants:
        assert np.array_equal(getattr(plain, k)[arm == 0], getattr(treated, k)[arm == 0])
    assert not np.array_equal(plain.pfs, treated.pfs)
    alone = population.sample(draws, stratum, arm, EFFECTS[name], ("pfs",))
    assert np.array_equal(alone.pfs, treated.pfs)
    assert (alone.os, alone.response, alone.cr) == (None, None, None)


@pytest.mark.parametrize("time_zero", ["infusion", "progression", "first_line_start"])
def test_the_first_100_patients_of_200(time_zero: str) -> None:
    population = made(time_zero=time_zero)
    wants = ("pfs", "os") if time_zero == "infusion" else ("pfs", "os", "response", "cr")
    small, large = Draws(3, 7, 2, 100), Draws(3, 7, 2, 200)
    a, b = population.sample_strata(small), population.sample_strata(large)
    assert np.array_equal(a, b[:, :100])
    x, y = (population.sample(d, s, np.zeros_like(s), NoEffect(), wants) for d, s in ((small, a), (large, b)))
    for name in wants:
        assert np.array_equal(getattr(x, name), getattr(y, name)[:, :100])


def test_the_curves_of_a_coarse_grid_are_those_of_a_fine_one() -> None:
    p = made().classes.parameters
    x = levers.control(p, p.mix, 1)
    coarse, fine = (curves.from_progression(p, x, HazardProfile((0.0, 2.0), (1.0, 0.5)), grid(s, 60.0)) for s in (0.02, 0.01))
    for name in ("pfs_treated", "os_treated", "supportive"):
        assert np.max(np.abs(getattr(coarse, name) - getattr(fine, name)[:, ::2])) < 1e-4


def test_what_a_specialist_looks_for() -> None:
    progression = made(time_zero="progression")
    # complete responses last, partial ones do not; early failures die soon; a class changes survival tenfold
    p = progression.classes.parameters
    assert (p.durable_in_complete, p.durable_in_partial) == (0.65, 0.05)
    by_time = made(time_zero="progression", stratify_by="time_to_failure")
    medians = [by_time.curve("os", stratum=s).median() for s in range(4)]
    assert medians == sorted(medians)
    assert medians[0] < 2.5
    assert medians[3] > 9
    w, os = progression.classes.classes, [progression.classes.by_class(Mechanism(), s)[1] for s in (0, 1)]
    of_class = [Curve(STEP, np.minimum.accumulate((w[0, k] * os[0][k] + w[1, k] * os[1][k]) / w[:, k].sum())).median() for k in range(3)]
    assert of_class[0] > 12
    assert of_class[2] < 2.5
    # who progresses late on treatment lives longer after it
    draws = Draws(17, 0, 1, N)
    first = made()
    stratum = first.sample_strata(draws)
    x = first.sample(draws, stratum, np.zeros_like(stratum), NoEffect(), ("pfs", "os"))
    alive = (x.os > x.pfs) & (x.pfs < 24)  # type: ignore[operator]
    rho = stats.spearmanr(x.pfs[alive], (x.os - x.pfs)[alive]).statistic  # type: ignore[index,operator]
    assert 0.05 < rho < 0.35
    # nobody dies of nothing, and nobody lives for ever: the last of 200,000 patients dies within 50 years
    assert x.os.max() < 601  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"stratify_by": "moon"}, "allowed: day30, time_to_failure"),
        ({"stratify_by": "time_to_failure", "time_zero": "infusion"}, "nobody has failed yet"),
        ({"eligible": {"ecog": ["7"]}}, "population.eligible.ecog is ['7']; allowed: null or a list of: 0, 1, 2+"),
        ({"eligible": {"sodium": ["low"]}}, "no such mark; allowed: ecog, ldh"),
        ({"eligible": {"ecog": ["0"]}, "time_zero": "infusion"}, "allowed with time_zero progression or first_line_start"),
        ({"eligible": "young"}, "allowed: null, or a mark"),
        ({"prognostic": True}, "allowed there: false"),
        ({"regimen": "aspirin"}, "allowed: mix, polabr"),
        ({"draws": 3}, "there are no draws around"),
    ],
)
def test_bad_choices_are_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        made(**keys)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_belongs_to_the_other_model_is_refused_by_name() -> None:
    for keys in ({"stratify_by": "time_to_failure"}, {"eligible": {"ecog": ["0"]}}):
        with pytest.raises(InputError, match="allowed"):
            PostCartFailure(parameters="zurko2023_first", **keys)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="belongs to the model failure_classes"):
        made().values  # noqa: B018


@pytest.mark.parametrize("time_zero", ["infusion", "progression", "first_line_start"])
def test_the_states_add_up_to_the_curves(time_zero: str) -> None:
    population = made(time_zero=time_zero)
    effect = PatientHazardRatio(0.6, delay=1.5, hr_after_progression=1.5)
    for stratum in (None, 0, 1):
        x = occupancy(population, effect, stratum)
        s = {name: x.states.get(name, np.zeros(6001)) for name in STATES}
        e = {name: x.events.get(name, np.zeros(6001)) for name in EVENTS}
        assert all(np.all((p > -1e-9) & (p < 1 + 1e-9)) for p in (*s.values(), *e.values()))
        assert np.max(np.abs(1 - s["dead"] - population.curve("os", effect, stratum).survival)) < 1e-5
        on_first_line = s["first_line_response"] + s["first_line_no_response"]
        entered = on_first_line[0] + e["first_line"]
        left = e["second_progression"] + e["death_on_first_line"] + e["allo_from_response"]
        assert np.max(np.abs(on_first_line - (entered - left))) < 1e-4
        waiting = s["waiting"] + s["supportive_care"]
        assert np.max(np.abs(waiting - (waiting[0] + e["progression"] - e["first_line"] - e["death_untreated"]))) < 1e-4
