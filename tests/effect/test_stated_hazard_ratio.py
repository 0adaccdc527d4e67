"""Level: developer. A stated hazard ratio is the limit that a trial reports, through every lever, in draws and in another mix."""

import dataclasses

import numpy as np
import pytest

from sim.effect import (
    NO_EFFECT,
    ByStratum,
    Combined,
    DeathAfterProgression,
    DurableShare,
    HazardRatio,
    Median,
    Milestone,
    PatientHazardRatio,
    Piecewise,
    Response,
)
from sim.effect.solve import limit
from sim.population.drawn import Drawn, EveryDraw
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.types import InputError

PATIENTS = PostCartFailure()
TEXTBOOK = PiecewiseExponential(medians=(2.8, 8.0), shares=(0.4, 0.6), names=("a", "b"), response_rates=(0.3, 0.5))


@pytest.mark.parametrize("hr", [0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25])
def test_both_gives_the_limit_and_nobody_is_on_the_other_side(hr):
    found = PATIENTS.mechanism(HazardRatio(hr))
    assert limit(PATIENTS, "pfs", found, 12.0).cox() == pytest.approx(hr, abs=1e-4)
    assert found.hazard.ratios == (hr,)
    assert (found.odds_ratio - 1) * (1 - hr) > 0 or hr == 1
    assert found.durable_odds_ratio == found.after_progression == 1
    assert found.is_null == (hr == 1)


@pytest.mark.parametrize(
    ("through", "hr"), [("hazard", 0.5), ("hazard", 1.25), ("response", 0.6), ("durable", 0.7), ("both", 0.6)], ids=lambda x: str(x)
)
def test_every_lever_reaches_it_alone(through, hr):
    found = PATIENTS.mechanism(HazardRatio(hr, through=through))
    assert limit(PATIENTS, "pfs", found, 12.0).cox() == pytest.approx(hr, abs=1e-4)
    moved = {"hazard": found.hazard.ratios != (1.0,), "response": found.odds_ratio != 1, "durable": found.durable_odds_ratio != 1}
    assert {k for k, v in moved.items() if v} == ({"hazard", "response"} if through == "both" else {through})


def test_overall_survival_and_another_horizon():
    found = PATIENTS.mechanism(HazardRatio(0.7, endpoint="os"))
    assert limit(PATIENTS, "os", found, 24.0).cox() == pytest.approx(0.7, abs=1e-4)
    found = PATIENTS.mechanism(HazardRatio(0.6, horizon=6.0))
    assert limit(PATIENTS, "pfs", found, 6.0).cox() == pytest.approx(0.6, abs=1e-4)
    textbook = dataclasses.replace(TEXTBOOK, survival_after_progression_median=6.0)
    found = textbook.mechanism(HazardRatio(0.8, endpoint="os"))
    assert limit(textbook, "os", found, 24.0).cox() == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("hr", [0.45, 1.3])
def test_textbook_hazards_are_proportional_so_the_limit_is_the_ratio(hr):
    assert TEXTBOOK.mechanism(HazardRatio(hr)) == TEXTBOOK.mechanism(PatientHazardRatio(hr))
    assert limit(TEXTBOOK, "pfs", HazardRatio(hr), 12.0).cox() == pytest.approx(hr, abs=1e-6)
    assert abs(limit(TEXTBOOK, "pfs", HazardRatio(hr), 12.0, stratified=False).cox() - hr) > 0.01


def test_samples_follow_the_solved_curves():
    draws = Draws(7, 0, 1, 100_000)
    stratum = PATIENTS.sample_strata(draws)
    for effect in (
        HazardRatio(0.5),
        HazardRatio(0.7, through="durable"),
        ByStratum((0.5, 0.9)),
        Combined((ByStratum((0.5, 0.9)), DurableShare(0.6))),
    ):
        x = PATIENTS.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs", "os", "response"))
        for endpoint, times in (("pfs", x.pfs), ("os", x.os)):
            for month in (1.0, 6.0, 24.0):
                share = float((times > month).mean())
                assert abs(share - float(PATIENTS.curve(endpoint, effect).at(month))) < 4 * 0.5 / np.sqrt(times.size)
        assert abs(x.response.mean() - PATIENTS.response_rate(effect)) < 4 * 0.5 / np.sqrt(x.pfs.size)
        # only pfs asked for: the same patients
        alone = PATIENTS.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs",))
        np.testing.assert_array_equal(alone.pfs, x.pfs)
        control = PATIENTS.sample(draws, stratum, np.zeros_like(stratum), effect, ("pfs", "os"))
        plain = PATIENTS.sample(draws, stratum, np.zeros_like(stratum), NO_EFFECT, ("pfs", "os"))
        np.testing.assert_array_equal(control.os, plain.os)


def test_a_drug_stays_the_same_drug_in_another_mix():
    worse = PostCartFailure(refractory_share=0.6)
    assert worse.mechanism(HazardRatio(0.5)) == PATIENTS.mechanism(HazardRatio(0.5))
    assert abs(limit(worse, "pfs", HazardRatio(0.5), 12.0).cox() - 0.5) > 0.002
    again = HazardRatio(0.5, solve_on="enrolled")
    assert worse.mechanism(again) != PATIENTS.mechanism(again)
    assert limit(worse, "pfs", again, 12.0).cox() == pytest.approx(0.5, abs=1e-4)


def test_draws_keep_the_ratio_or_the_mechanism():
    draw = Drawn(PostCartFailure(draws=3), 1)
    addresses = Draws(3, 0, 4, 2000)
    stratum = draw.sample_strata(addresses)
    arm = np.ones_like(stratum)
    keeps = HazardRatio(0.5, draws_keep="mechanism")
    ratio, mechanism = (draw.sample(addresses, stratum, arm, e, ("pfs",)).pfs for e in (HazardRatio(0.5), keeps))
    for effect, pfs in ((HazardRatio(0.5), ratio), (draw.fitted.mechanism(HazardRatio(0.5)), mechanism)):
        np.testing.assert_array_equal(draw.truth.sample(addresses, stratum, arm, effect, ("pfs",)).pfs, pfs)
    assert limit(draw.truth, "pfs", HazardRatio(0.5), 12.0).cox() == pytest.approx(0.5, abs=1e-4)
    assert abs(limit(draw.truth, "pfs", draw.fitted.mechanism(HazardRatio(0.5)), 12.0).cox() - 0.5) > 1e-3
    together = Combined((DeathAfterProgression(1.2), keeps))
    assert together.on_draw(draw.fitted) == draw.fitted.mechanism(together)
    every = EveryDraw(PostCartFailure(draws=3))
    np.testing.assert_array_equal(every.sample(addresses, stratum, arm, keeps, ("pfs",)).pfs[1], mechanism[1])


def test_median_and_milestone():
    for through in ("both", "hazard", "response"):
        assert PATIENTS.curve("pfs", Median(4.0, through=through)).median() == pytest.approx(4.0, abs=1e-3)
        assert float(PATIENTS.curve("pfs", Milestone(6.0, 0.45, through=through)).at(6.0)) == pytest.approx(0.45, abs=1e-5)
    both = PATIENTS.mechanism(Median(4.0))
    assert both.hazard.ratios[0] < 1 < both.odds_ratio


def test_response_and_durable_share():
    control = PATIENTS.response_rate(NO_EFFECT)
    assert PATIENTS.response_rate(Response(0.2)) == pytest.approx(control + 0.2, abs=1e-5)
    complete = PATIENTS.complete_response_rate(NO_EFFECT)
    change = Response(0.15, of="complete")
    assert PATIENTS.complete_response_rate(change) == pytest.approx(complete + 0.15, abs=1e-5)
    assert PATIENTS.response_rate(change) > PATIENTS.complete_response_rate(change)
    assert PATIENTS.durable_share(DurableShare(0.6)) == pytest.approx(0.6, abs=1e-5)
    assert PATIENTS.curve("pfs", Response(None, odds_ratio=2.0)).median() > PATIENTS.curve("pfs").median()


def test_a_list_acts_together_and_the_solved_one_is_last():
    together = Combined((HazardRatio(0.6), DurableShare(0.55)))
    found = PATIENTS.mechanism(together)
    assert limit(PATIENTS, "pfs", found, 12.0).cox() == pytest.approx(0.6, abs=1e-4)
    assert found.odds_ratio < PATIENTS.mechanism(HazardRatio(0.6)).odds_ratio
    assert Combined((DurableShare(0.55), HazardRatio(0.6))).mechanism(PATIENTS) == found


REFUSED = {
    "hr 0": (lambda: HazardRatio(0), "effect.hr is 0; allowed: a positive number"),
    "horizon 0": (lambda: HazardRatio(0.5, horizon=0), "effect.horizon is 0; allowed: a positive number of months"),
    "beyond the curves": (lambda: PATIENTS.mechanism(HazardRatio(0.5, horizon=500.0)), "effect.horizon is 500; allowed: at most 120"),
    "no such endpoint": (lambda: TEXTBOOK.mechanism(HazardRatio(0.5, endpoint="os")), "effect.endpoint is 'os', on which no effect acts"),
    "infusion": (
        lambda: PostCartFailure(time_zero="infusion").mechanism(HazardRatio(0.5, endpoint="pfs")),
        "effect.endpoint is 'pfs', on which no effect acts in this population; allowed: os",
    ),
    "no such lever": (lambda: TEXTBOOK.mechanism(HazardRatio(0.5, through="response")), "effect.through is 'response'; allowed for this"),
    "two solved": (lambda: Combined((HazardRatio(0.5), Median(4.0))), "effect.effects holds HazardRatio and Median, which are solved for"),
    "beyond the ceiling": (lambda: PATIENTS.mechanism(HazardRatio(0.5, through="durable")), "nearest, where all responses that can be durable"),
    "strata": (lambda: PATIENTS.mechanism(ByStratum((0.5,))), "effect.ratios has 1 values for the strata"),
    "breaks": (lambda: Piecewise((1.0,), (0.5,)), "effect.breaks is [1.0]; allowed: rising months that start at 0"),
    "response": (lambda: Response(0.1, odds_ratio=2.0), "allowed: exactly one of them"),
    "durable": (lambda: TEXTBOOK.mechanism(DurableShare(0.5)), "this population has no durable responses"),
    "median": (lambda: PATIENTS.mechanism(Median(100.0, through="durable")), "effect.months 100, a median, (PFS) is not reached"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line(case):
    make, words = REFUSED[case]
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_formula_is_given():
    assert HazardRatio(0.5).stated(PATIENTS) == (0.5, "pfs")
    assert HazardRatio(0.7, endpoint="os").stated(PATIENTS) == (0.7, "os")
    assert PatientHazardRatio(0.5).stated(PATIENTS) == (0.5, "pfs")
    assert PatientHazardRatio(0.5, delay=1.0).stated(PATIENTS) is Median(4.0).stated(PATIENTS) is None
    assert Combined((DurableShare(0.6), HazardRatio(0.5))).stated(PATIENTS) == (0.5, "pfs")
    assert Combined((DurableShare(0.6), PatientHazardRatio(0.5))).stated(PATIENTS) is None
