"""Level: twin and independent (the reference rows weighted_gs are a family of `task=validate`). The null information of every test of two arms, from which group-sequential bounds are made."""

import numpy as np
import pytest

from sim.accrual import PiecewiseAccrual, UniformAccrual
from sim.boundary.spending import LanDeMetsPocock
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import NO_EFFECT
from sim.followup import ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.setting import Setting
from sim.statistic.early_zero import EarlyZero
from sim.statistic.logrank import LogRank
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.milestone_difference import MilestoneDifference
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.null_trial import NullTrial
from sim.statistic.rmst_difference import RMSTDifference
from sim.trial import Looks, Trial, observe
from sim.types import InputError
from tests.statistic import naive_null_information as naive
from tests.statistic.every import TWO_ARM, label

N, ACCRUAL, LOST = 300, 15.0, 0.02
STRATA = ((0.6, 0.05), (0.4, 0.2))
TWO_STRATA = PiecewiseExponential(
    hazards=tuple((h,) for _, h in STRATA), shares=tuple(s for s, _ in STRATA), names=("a", "b"), response_rates=(0.3, 0.3)
)
SETTING = Setting(TWO_STRATA, UniformAccrual(duration=ACCRUAL), ExponentialDropout(hazard=LOST))
NULL = NullTrial(SETTING, "pfs", N, 2 / 3)
WEIGHTED = [
    (LogRank(False, 0.0, 1.0), lambda s, t: 1 - s),
    (LogRank(True, 0.5, 2.0), lambda s, t: s**0.5 * (1 - s) ** 2),
    (EarlyZero(1.5), lambda s, t: float(t >= 1.5)),
    (EarlyZero(4.0, True), lambda s, t: float(t >= 4.0)),
    (ModestlyWeighted(s_star=0.7), lambda s, t: 1 / max(s, 0.7)),
    (ModestlyWeighted(s_star=0.4, convention="simtrial", stratified=True), lambda s, t: 1 / max(s, 0.4)),
]


@pytest.mark.parametrize("events", [60, 150])
@pytest.mark.parametrize(("statistic", "weight"), WEIGHTED, ids=lambda x: x.label if hasattr(x, "label") else "")
def test_weighted_scores(statistic, weight, events):
    look = NULL.look(events)
    plain = naive.score_covariance(STRATA, N, ACCRUAL, LOST, look.month, 2 / 3, statistic.stratified, [weight], size=0.001)
    # the plain sums err by up to half a step where a weight jumps
    assert statistic.null_information(look)[0, 0] == pytest.approx(plain[0][0], rel=3e-4)


def test_the_month_of_a_look_is_where_its_events_are_expected():
    look = NULL.look(120)
    (events,) = np.ravel(naive.score_covariance(STRATA, N, ACCRUAL, LOST, look.month, 0.5, True, [lambda s, t: 2.0]))
    assert events == pytest.approx(120, rel=1e-5)


def test_components_of_maxcombo_jointly():
    statistic, look = MaxCombo(((0, 0), (0, 1), (1, 1))), NULL.look(100)
    w = [lambda s, t: 1.0, lambda s, t: 1 - s, lambda s, t: s * (1 - s)]
    plain = naive.score_covariance(STRATA, N, ACCRUAL, LOST, look.month, 2 / 3, False, w)
    np.testing.assert_allclose(statistic.null_information(look), plain, rtol=1e-5)


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("events", [90, 200])
def test_differences_of_curves(events, stratified):
    look = NULL.look(events)
    shared = (STRATA, N, ACCRUAL, LOST, look.month, 2 / 3, stratified, 6.0)
    rmst, milestone = RMSTDifference(6.0, stratified=stratified), MilestoneDifference(6.0, "plain", stratified)
    assert rmst.null_information(look)[0, 0] == pytest.approx(naive.curve_information(*shared, area=True), rel=1e-4)
    assert milestone.null_information(look)[0, 0] == pytest.approx(naive.curve_information(*shared, area=False), rel=1e-4)
    beyond = RMSTDifference(look.month + 1.0, stratified=stratified)
    assert beyond.null_information(look)[0, 0] == 0


@pytest.mark.parametrize("statistic", [LogRank(), LogRank(True)], ids=label)
def test_where_every_event_weighs_alike_the_information_is_the_events(statistic):
    assert [statistic.null_information(NULL.look(d))[0, 0] for d in (40, 80)] == [40.0, 80.0]


def test_accrual_that_changes_its_rate():
    pieces = PiecewiseAccrual((5.0, 3.0), (4.0, 0.0, 20.0))
    even = PiecewiseAccrual((5.0,), (20.0, 20.0))
    months, entered = pieces.expected_entries(300)
    assert months.tolist() == [0, 5, 8, 22]
    assert entered.tolist() == [0, 20, 20, 300]
    same = [NullTrial(Setting(TWO_STRATA, a, NoDropout()), "pfs", 300, 0.5).month_of(90.0) for a in (even, UniformAccrual(rate=20.0))]
    assert same[0] == pytest.approx(same[1], abs=1e-9)


def test_events_that_never_come_are_taken_from_more_patients_of_the_same_kind():
    cured = PiecewiseExponential(hazards=((0.2, 0.0),), breaks=(0.0, 3.0))
    null = NullTrial(Setting(cured, UniformAccrual(rate=20.0), NoDropout()), "pfs", 100, 0.5)
    # 45 % ever have an event
    far = [LogRank(gamma=1.0).null_information(null.look(d))[0, 0] for d in (60, 120)]
    assert far[1] == pytest.approx(2 * far[0], rel=1e-9)
    late = PiecewiseExponential(hazards=((0.0, 0.2),), breaks=(0.0, 10_000.0))
    nobody = NullTrial(Setting(late, UniformAccrual(rate=20.0), NoDropout()), "pfs", 100, 0.5)
    with pytest.raises(InputError, match="no events"):
        LogRank(gamma=1.0).null_information(nobody.look(60))


# --- what trials show

M = 4_000


def found(trial, m):
    looks = Looks.empty(2, m)
    for start in range(0, m, 500):
        observe(trial, Draws(11, start, 500, trial.design.n), looks, slice(start, start + 500))
    return looks


@pytest.mark.parametrize("statistic", TWO_ARM, ids=label)
def test_correlation_of_the_looks_and_information_found(statistic):
    # more than half of the last look's events, so that 3 months are known at both looks to every statistic
    made = Trial(
        TWO_STRATA,
        UniformAccrual(rate=25.0),
        NoDropout(),
        NO_EFFECT,
        RandomisedSurvival(400, events=(150, 300), spending=LanDeMetsPocock(), statistic=statistic, stratified_randomisation=True),
    )
    null = NullTrial(made.setting, "pfs", 400, 0.5)
    first, last = (statistic.null_information(null.look(d)) for d in (150, 300))
    looks = found(made, M)
    ratio = first[0, 0] / last[0, 0]
    r = np.corrcoef(looks.z[0], looks.z[1])[0, 1]
    # the curve in a weight is estimated, the reference rows say by how much that moves the correlation: up to .007
    assert abs(r - np.sqrt(ratio)) < 4 * (1 - r * r) / np.sqrt(M) + 0.007
    # what trials find is what is expected, in the same unit but for a constant
    assert (looks.information[0] / looks.information[1]).mean() == pytest.approx(ratio, abs=0.02)


def test_the_largest_of_several_scores_at_two_looks():
    statistic = MaxCombo(stratified=True, exact_p=True)
    made = Trial(
        TWO_STRATA,
        UniformAccrual(rate=25.0),
        NoDropout(),
        NO_EFFECT,
        RandomisedSurvival(400, events=(150, 300), alpha=0.1, spending=LanDeMetsPocock(), statistic=statistic),
    )
    looks = found(made, M)
    upper = np.array(made.plan.rule.upper)[:, None]
    p = (looks.z >= upper).any(axis=0).mean()
    assert abs(p - 0.1) < 4 * np.sqrt(0.09 / M)
