"""Level: reference and twin. Trials that end before their last look, and weighted tests at several looks, in whole simulated trials."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.accrual import UniformAccrual
from sim.boundary.futility import FixedZ
from sim.boundary.harm import HarmHazardRatio
from sim.boundary.shapes import OBrienFleming
from sim.boundary.spending import LanDeMetsOBrienFleming, LanDeMetsPocock
from sim.design.design import REJECT, STOP_FUTILITY
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.two_stage_one_sample_logrank import TwoStageOneSampleLogRank
from sim.effect import NO_EFFECT
from sim.engine import simulate
from sim.followup import NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.logrank import LogRank
from sim.statistic.rmst_difference import RMSTDifference
from sim.statistic.statistic import Code
from sim.trial import Trial, critical_values, final_rows, rows_of
from sim.types import InputError
from tests.boundary import naive_recursive_integration as naive
from tests.designs import textbook

OBF = LanDeMetsOBrienFleming()


def made(hr=0.6, max_duration=11.0, **design):
    return textbook(hr, events=(40, 80, 120), **{"spending": OBF, "max_duration": max_duration, **design})


def rejecting(trial, n_sim=20_000, seed=1):
    return float((final_rows(simulate(trial, n_sim, seed=seed).rows)["decision"] == REJECT).mean())


def test_the_last_analysis_spends_what_is_left():
    # at eleven months some 60 of 120 events have come; judged by the bound of the look of 80 events the power would be .299
    trial = made()
    final = final_rows(simulate(trial, 20_000, seed=1).rows)
    power = (final["decision"] == REJECT).mean()
    assert abs(power - 0.508) < 4 * math.sqrt(0.25 / 20_000)
    unreached = (final["z"] >= np.array(trial.plan.rule.upper)[final["look"] - 1]).mean()
    assert abs(unreached - 0.299) < 4 * math.sqrt(0.21 / 20_000)
    assert abs(rejecting(trial.under_null) - 0.0258) < 4 * math.sqrt(0.025 / 20_000) + 0.002


@pytest.mark.parametrize(
    "design", [{}, {"futility": FixedZ((0.3,)), "binding": True}, {"spending": None, "shape": OBrienFleming()}], ids=str
)
def test_by_hand(design):
    trial = made(0.75, 11.5, **design)
    final = final_rows(simulate(trial, 3_000, seed=5).rows)
    rule, alpha = trial.plan.rule, trial.design.alpha
    stops = rule.lower if trial.design.binding else (-math.inf,) * 3
    early = final[final["code"] == Code.TARGET_NOT_REACHED]
    assert len(early) > 1_000
    for row in early[:200]:
        k = int(row["look"])
        found = [*(40.0, 80.0)[: k - 1], float(row["events"])]
        assert row["decision"] == (REJECT if row["z"] >= naive.last_bound(alpha, found, rule.upper[:k], stops[:k]) else 0)


def test_trials_that_reach_every_look_keep_their_bits():
    long, cut = (simulate(made(0.8, months), 4_000, seed=9).rows for months in (120.0, 19.0))
    whole = np.setdiff1d(np.arange(4_000), cut["replicate"][cut["code"] == Code.TARGET_NOT_REACHED])
    assert 800 < len(whole) < 3_900
    same = [rows[np.isin(rows["replicate"], whole)] for rows in (long, cut)]
    assert same[0].tobytes() == same[1].tobytes()
    np.testing.assert_array_equal(same[0]["decision"] == REJECT, same[0]["z"] >= np.array(made().plan.rule.upper)[same[0]["look"] - 1])


@pytest.mark.parametrize("design", [{}, {"bounds_at": "observed"}, {"months": (5.0, 7.5), "bounds_at": "observed"}], ids=str)
def test_a_replay_shows_the_bounds_that_decided(design):
    trial = made(0.8, 10.5, **design)
    rows = simulate(trial, 40, seed=6).rows
    for row in rows:
        upper, lower = critical_values(trial, 6, int(row["replicate"]))
        assert row["decision"] == (REJECT if row["z"] >= upper[row["look"] - 1] else 0)
        assert (lower == -math.inf).all()


def test_no_futility_at_the_last_analysis():
    final = final_rows(simulate(made(1, futility=FixedZ((0.3,))), 3_000, seed=2).rows)
    early = final["code"] == Code.TARGET_NOT_REACHED
    assert (early & (final["look"] < 3)).sum() > 500
    assert not (final["decision"][early] == STOP_FUTILITY).any()


def test_a_guard_that_stops_for_harm_leaves_alpha_as_it_is():
    mortal = PiecewiseExponential(medians=(2.8,), survival_after_progression_median=3.0)
    plain = replace(made(1), population=mortal)
    guarded = replace(plain, design=replace(plain.design, harm=HarmHazardRatio(1.0, 0.6)))
    without, found = (final_rows(rows_of(simulate(t, 10_000, seed=4).rows, 0)) for t in (plain, guarded))
    np.testing.assert_array_equal(found["rejects_ignoring_stops"], np.where(without["decision"] == REJECT, without["look"], 0))
    # what a stopped trial had not spent is lost, and never spent elsewhere
    assert not ((found["decision"] == REJECT) & (without["decision"] != REJECT)).any()


def test_one_arm_in_two_stages():
    # without effect hardly any trial has 80 events by month 16: its last analysis, at either look, is not to lose alpha
    design = TwoStageOneSampleLogRank(100, event_fraction=0.8, max_duration=16.0)
    trial = Trial(PiecewiseExponential(medians=(5.5,)), UniformAccrual(duration=12.0), NoDropout(), NO_EFFECT, design)
    final = final_rows(simulate(trial, 20_000, seed=3).rows)
    assert (final["code"] == Code.TARGET_NOT_REACHED).mean() > 0.4
    p = (final["decision"] == REJECT).mean()
    assert abs(p - 0.0257) < 4 * math.sqrt(0.025 / 20_000) + 0.002


def test_planned_bounds_are_refused_at_calendar_months():
    with pytest.raises(InputError, match=r"design\.bounds_at is 'planned' with looks at design\.months.*; allowed: observed"):
        replace(made().design, months=(5.0, 8.0))


def test_what_alpha_is_spent_by():
    bounds = {name: made(120.0, statistic=LogRank(gamma=1.0), spend_by=name).plan.rule.upper for name in ("events", "own", "calendar")}
    # half of the events carry a quarter of the information of late differences
    assert bounds["own"][0] > bounds["events"][0] > 3
    assert bounds["own"][-1] < bounds["events"][-1]
    assert len({b[0] for b in bounds.values()}) == 3
    with pytest.raises(InputError, match=r"design\.spend_by is 'time'; allowed: events, own, calendar"):
        made(spend_by="time")
    assert made(spend_by="own").plan.rule.upper == made().plan.rule.upper


def test_a_look_before_the_horizon_cannot_reject():
    # the first look comes long before anybody has been watched for 12 months
    trial = textbook(0.5, events=(10, 120), spending=OBF, statistic=RMSTDifference(12.0))
    assert trial.plan.rule.upper[0] == np.inf
    assert trial.plan.rule.upper[1] == pytest.approx(1.959964, abs=1e-6)


# --- late differences at two looks (level .025 at 150 and 300 events, Lan-DeMets Pocock type)


def late(**design):
    shape = RandomisedSurvival(
        400, events=(150, 300), spending=LanDeMetsPocock(), statistic=LogRank(gamma=1.0), stratified_randomisation=False, **design
    )
    return Trial(PiecewiseExponential(medians=(10.0,)), UniformAccrual(rate=20.0), NoDropout(), NO_EFFECT, shape)


def test_bounds_of_late_differences():
    assert late().plan.rule.upper == pytest.approx((2.1570, 2.2768), abs=5e-5)
    assert late(spend_by="own").plan.rule.upper == pytest.approx((2.371, 2.100), abs=5e-4)


@pytest.mark.verify
@pytest.mark.parametrize("design", [{}, {"spend_by": "own"}, {"bounds_at": "observed"}, {"max_duration": 25.0}], ids=str)
def test_level_of_late_differences(design):
    p, n_sim = rejecting(late(**design), 200_000, seed=5), 200_000
    assert abs(p - 0.025) <= 3 * math.sqrt(0.025 * 0.975 / n_sim), p
