"""Level: independent. Textbook shapes against scipy, samples against curves, effect shapes against closed forms (field cases P7, P8)."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from sim.accrual import UniformAccrual
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import ByStratum, Combined, HazardRatio, OwnCurve, PatientHazardRatio, Piecewise
from sim.effect.solve import limit
from sim.engine import simulate
from sim.followup import NoDropout
from sim.oc import proportion, rejections
from sim.population.parametric import Parametric
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.shape import LogLogistic, LogNormal, Weibull
from sim.statistic.logrank import LogRank
from sim.trial import Trial
from sim.types import InputError

SHAPES = {
    "weibull": (Weibull(4.0, 0.7), stats.weibull_min(0.7, scale=4.0 / math.log(2) ** (1 / 0.7))),
    "log-normal": (LogNormal(4.0, 1.3), stats.lognorm(1.3, scale=4.0)),
    "log-logistic": (LogLogistic(4.0, 1.6), stats.fisk(1.6, scale=4.0)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    shape, known = SHAPES[name]
    t = np.array([0.01, 0.5, 4.0, 20.0, 90.0])
    np.testing.assert_allclose(shape.cumulative_hazard(t), -known.logsf(t), rtol=1e-9)
    np.testing.assert_allclose(shape.inverse(shape.cumulative_hazard(t)), t, rtol=1e-8)
    assert Parametric((shape,)).curve("pfs").median() == pytest.approx(4.0, abs=1e-4)


MIXED = Parametric(
    (Weibull(2.0, 0.8), LogNormal(6.0, 0.9)), (0.1, 0.3), (LogLogistic(3.0, 1.4), LogNormal(9.0, 1.0)), (0.2, 0.3), "os", (0.4, 0.6), ("a", "b"), (0.2, 0.4)
)  # fmt: skip


@pytest.mark.parametrize(
    "effect",
    [PatientHazardRatio(0.6, delay=1.0), OwnCurve(), ByStratum((0.5, 0.8)), Combined((OwnCurve(), Piecewise((0.0, 3.0), (1.4, 0.6))))],
)
def test_samples_follow_the_curves(effect):
    draws = Draws(5, 0, 4, 20_000)
    stratum = MIXED.sample_strata(draws)
    x = MIXED.sample(draws, stratum, np.ones_like(stratum), effect, ("os",)).os
    for g in (None, 0, 1):
        times = x if g is None else x[stratum == g]
        for month in (0.3, 1.0, 4.0, 12.0, 60.0):
            expected = float(MIXED.curve("os", effect, g).at(month))
            assert abs(float((times > month).mean()) - expected) < 4 * math.sqrt(0.25 / times.size)


def test_a_cured_share_makes_hazards_unproportional_so_a_stated_ratio_is_solved():
    cured = Parametric((Weibull(3.0, 1.0),), (0.25,))
    found = cured.mechanism(HazardRatio(0.6))
    assert limit(cured, "pfs", found, 12.0).cox() == pytest.approx(0.6, abs=1e-4)
    assert found.hazard.ratios[0] < 0.59
    plain = Parametric((LogNormal(3.0, 1.0),))
    assert plain.mechanism(HazardRatio(0.6)).hazard.ratios == (0.6,)
    assert limit(plain, "pfs", HazardRatio(0.6), 12.0).cox() == pytest.approx(0.6, abs=1e-5)


def test_effect_shapes_of_the_field():
    # P7: 1 for two months, 0.65 for twelve, 1 afterwards; crossing; a ratio for each stratum
    one = PiecewiseExponential(medians=(5.0,))
    waning = one.curve("pfs", Piecewise((0.0, 2.0, 14.0), (1.0, 0.65, 1.0)))
    h = math.log(2) / 5
    for t, hazard in ((1.0, h), (2.0, 2 * h), (8.0, h * (2 + 0.65 * 6)), (20.0, h * (2 + 0.65 * 12 + 6))):
        assert float(waning.at(t)) == pytest.approx(math.exp(-hazard), rel=1e-9)
    crossing = one.curve("pfs", Piecewise((0.0, 3.0), (1.3, 0.6)))
    assert float(crossing.at(10.0)) == pytest.approx(math.exp(-h * (3.9 + 4.2)), rel=1e-9)
    two = PiecewiseExponential(medians=(2.0, 10.0), shares=(0.5, 0.5), names=("a", "b"), response_rates=(0.3, 0.3))
    both = two.curve("pfs", ByStratum((0.6, 0.7)))
    by_hand = 0.5 * 2 ** (-0.6 * 4 / 2) + 0.5 * 2 ** (-0.7 * 4 / 10)
    assert float(both.at(4.0)) == pytest.approx(by_hand, rel=1e-9)


def test_overall_survival_with_a_median_of_its_own_is_labelled_so():
    # P8: control OS exponential, median 8.5, hazard ratio 0.63, 170 deaths
    patients = PiecewiseExponential(medians=(8.5,), endpoint="os")
    design = RandomisedSurvival(240, "os", events=(170,), stratified_randomisation=False, statistic=LogRank())
    trial = Trial(patients, UniformAccrual(rate=20.0), NoDropout(), HazardRatio(0.63), design)
    assert trial.plan.hypothesis == "OS"
    assert patients.endpoints == ("os",)
    assert trial.mechanism.hazard.ratios == (0.63,)
    power = proportion(*rejections(simulate(trial, 4_000, seed=3)))
    # Schoenfeld: Phi(sqrt(170 / 4) |log 0.63| - 1.96)
    formula = stats.norm.cdf(math.sqrt(170 / 4) * abs(math.log(0.63)) - stats.norm.isf(0.025))
    assert abs(power.value - formula) < 4 * power.mcse + 0.015
    with pytest.raises(InputError, match="none acts on pfs in this population; allowed: os"):
        dataclasses.replace(trial, design=dataclasses.replace(design, endpoint="pfs"))


REFUSED = {
    "cured": (lambda: Parametric((Weibull(3.0),), (1.0,)), "population.cured is [1.0]; allowed: shares of 0 or more, below 1"),
    "lengths": (lambda: Parametric((Weibull(3.0),), (0.1, 0.2)), "allowed: one of each per stratum"),
    "median": (lambda: Weibull(0.0), "population: median is 0.0; allowed: a positive number"),
    "own curve": (lambda: Parametric((Weibull(3.0),)).mechanism(OwnCurve()), "this population holds no curve of the experimental arm"),
    "own curve elsewhere": (lambda: PostCartFailure().mechanism(OwnCurve()), "this population holds no curve of the experimental arm"),
    "endpoint": (lambda: Parametric((Weibull(3.0),)).curve("os"), "curve of 'os'; allowed: pfs"),
    "two ways": (lambda: PiecewiseExponential(medians=(3.0,), endpoint="os", survival_after_progression_median=3.0), "allowed: null"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line(case):
    make, words = REFUSED[case]
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)
