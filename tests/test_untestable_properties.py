"""Level: properties. Definitions 26: a test that cannot be formed is analysed, coded and not rejected, and no NaN reaches a power."""

import numpy as np
import pytest

from sim.accrual import UniformAccrual
from sim.design.design import CONTINUE
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_orr import SingleArmORR
from sim.design.single_arm_survival import TESTS, SingleArmSurvival
from sim.effect import NoEffect
from sim.engine import Replicates, simulate
from sim.followup import ExponentialDropout, NoDropout
from sim.oc import Subject, operating_characteristics, rejections
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.logrank import LogRank
from sim.statistic.one_sample_logrank import VARIANCES, OneSampleLogRank
from sim.statistic.statistic import Code
from sim.trial import Trial, final_rows, run_block
from sim.types import InputError, Observations
from tests.designs import textbook, textbook_gs

FATAL_FREE = PiecewiseExponential(hazards=((1e-9,),))  # nobody progresses
SLOW = PiecewiseExponential(medians=(300.0,))


def characteristics(trial, n_sim=400):
    replicates = simulate(trial, n_sim, seed=3)
    table = operating_characteristics(Subject("s", "c", trial.plan.hypothesis, "power"), replicates, trial.plan.cut.looks)
    for row in table:
        assert row["n_requested"] == n_sim
        assert row["n_failed"] == 0
        if row["metric"] == "power":
            assert row["n_analysed"] == n_sim
        # by-look averages may be over nobody; everything over all analysed trials is a number
        assert np.isfinite(row["estimate"]) or row["n_analysed"] == 0, row
    return replicates, {row["metric"]: row["estimate"] for row in table}


@pytest.mark.parametrize(
    "design",
    [
        RandomisedSurvival(20, events=(10,), max_duration=24.0),
        RandomisedSurvival(20, events=(5, 10), spending=textbook_gs().design.spending, max_duration=24.0),
        # no enrolment before the end
        RandomisedSurvival(20, events=(10,), max_duration=0.001),
    ],
)
def test_no_events(design):
    replicates, metrics = characteristics(Trial(FATAL_FREE, UniformAccrual(duration=6), NoDropout(), NoEffect(), design))
    assert (replicates.rows["code"] == Code.NO_EVENTS).all()
    assert (replicates.rows["decision"] == CONTINUE).all()
    assert (replicates.rows["z"] == 0).all()
    assert (replicates.rows["look"] == 1).all()
    assert metrics["power"] == 0
    assert metrics["untestable"] == 1


@pytest.mark.parametrize("choice", [*({"variance": v} for v in VARIANCES), *({"test": t} for t in TESTS)], ids=str)
def test_no_event_is_evidence_against_a_null_curve(choice):
    trial = Trial(FATAL_FREE, UniformAccrual(duration=6), NoDropout(), NoEffect(), SingleArmSurvival(20, null=3.0, **choice))
    replicates, metrics = characteristics(trial)
    assert (replicates.rows["code"] == Code.OK).all()
    assert (replicates.rows["events"] == 0).all()
    assert (replicates.rows["z"] > 0).all()
    assert metrics["power"] == 1
    assert "untestable" not in metrics


def test_all_are_lost_before_any_event():
    lost = ExponentialDropout(hazard=1e3)
    replicates, metrics = characteristics(Trial(SLOW, UniformAccrual(duration=6), lost, NoEffect(), RandomisedSurvival(20, events=(10,))))
    assert (replicates.rows["events"] == 0).mean() > 0.99
    assert metrics["power"] == 0


def test_a_trial_in_which_nobody_would_be_evaluable_is_refused():
    with pytest.raises(InputError, match="not_evaluable_share is 1"):
        SingleArmORR(3, null_rate=0.3, not_evaluable_share=1.0, not_evaluable="excluded")


def test_hardly_anybody_is_evaluable():
    design = SingleArmORR(3, null_rate=0.3, not_evaluable_share=0.99, not_evaluable="excluded")
    replicates, metrics = characteristics(Trial(SLOW, UniformAccrual(duration=6), NoDropout(), NoEffect(), design))
    assert (replicates.rows["code"] == Code.NO_EVENTS).mean() > 0.9
    assert metrics["power"] == 0
    assert metrics["expected_n"] == 3


def test_the_target_is_not_reached():
    trial = Trial(SLOW, UniformAccrual(duration=6), NoDropout(), NoEffect(), RandomisedSurvival(60, events=(50,), max_duration=60.0))
    replicates, metrics = characteristics(trial)
    rows = replicates.rows
    tested = rows["code"] == Code.TARGET_NOT_REACHED
    assert tested.mean() > 0.9
    assert (rows["month"] == 60).all()
    assert (rows["events"] < 50).all()
    # tested with the events there are: z is a real one, and rejections are possible
    assert np.abs(rows["z"][tested]).max() > 1
    assert 0 <= metrics["power"] < 0.2
    assert metrics["target_not_reached"] == tested.mean()


def test_a_look_that_never_comes_ends_the_trial_at_the_previous_analysis():
    trial = textbook(n=60, events=(20, 40, 58), spending=textbook_gs().design.spending, max_duration=18.0)
    rows = run_block(trial, 1, 0, 2000)
    short = rows[rows["code"] == Code.TARGET_NOT_REACHED]
    assert len(short) > 100
    assert (short["month"] == 18).all()
    last = final_rows(rows)
    assert len(last) == 2000
    assert np.isin(short["replicate"], last["replicate"][last["code"] == Code.TARGET_NOT_REACHED]).all()


def observations(time, event, arm):
    n = len(time)
    flags = [np.array([x], dtype=np.uint8) for x in (arm, event)]
    return Observations(np.zeros((1, n)), flags[0], np.zeros((1, n), np.uint8), np.array([time], dtype=float), flags[1])


@pytest.mark.parametrize("arm", [0, 1])
@pytest.mark.parametrize("weights", [(0.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize("tied", [False, True])
def test_one_arm_is_empty(arm, weights, tied):
    # n (1 / n) is not 1 for n = 49, 98, 103, …: the variance must be exactly 0 all the same
    for n in range(2, 200):
        time = np.ceil(np.arange(1, n + 1) / 3) if tied else np.arange(1.0, n + 1)
        result = LogRank(False, *weights).test(observations(time, [1] * n, [arm] * n), np.array([1e6]), 0.025)
        assert (result.z[0], result.code[0], result.events[0]) == (0.0, Code.EMPTY_ARM, n), n


def test_one_patient():
    for n_arm in (0, 1):
        result = LogRank().test(observations([2.0], [1], [n_arm]), np.array([10.0]), 0.025)
        assert (result.z[0], result.code[0]) == (0.0, Code.EMPTY_ARM)


def test_all_events_at_one_time():
    # everybody dies at once: the hypergeometric variance has the factor n - d = 0
    all_tied = LogRank().test(observations([2.0] * 6, [1] * 6, [0, 1] * 3), np.array([10.0]), 0.025)
    assert (all_tied.z[0], all_tied.code[0]) == (0.0, Code.EMPTY_ARM)
    # three die at once of six: 2 x 2 table, d = 3, n1 = 3 of 6, d1 = 0: E = 1.5, V = 3 (1/2) (1/2) 3 / 5
    some = LogRank().test(observations([2.0, 2.0, 2.0, 5, 5, 5], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]), np.array([10.0]), 0.025)
    assert some.z[0] == pytest.approx(1.5 / np.sqrt(0.45), rel=1e-12)


def test_all_censored():
    result = LogRank().test(observations([2.0, 3.0, 4.0, 5.0], [0] * 4, [0, 1, 0, 1]), np.array([10.0]), 0.025)
    assert (result.z[0], result.code[0], result.events[0], result.enrolled[0]) == (0.0, Code.NO_EVENTS, 0, 4)
    null = SingleArmSurvival(4, null=3.0).null_curve(SLOW)
    one = OneSampleLogRank(null).test(observations([2.0, 3.0, 4.0, 5.0], [0] * 4, [1] * 4), np.array([10.0]), 0.025)
    expected = np.log(2) / 3 * (2 + 3 + 4 + 5)
    assert (one.z[0], one.code[0]) == (pytest.approx(np.sqrt(2 * expected), rel=1e-9), Code.OK)
    nobody = OneSampleLogRank(null).test(observations([2.0, 3.0], [1, 0], [1, 1]), np.array([-1.0]), 0.025)
    assert (nobody.z[0], nobody.code[0]) == (0.0, Code.NO_EVENTS)


def test_two_events_at_the_cut_are_coded():
    # patients 1 and 2 share an address of time by construction: the deciding event has a twin
    from sim.followup import CutAtEvents
    from sim.trial import _codes

    o = observations([1.0, 2.0, 2.0, 3.0], [1] * 4, [0, 1, 0, 1])
    cut = CutAtEvents((2,))
    calendar, reached = cut.calendar(o)
    result = LogRank().test(o, calendar[0], 0.025)
    assert result.events[0] == 3
    assert _codes(result.code, reached[0], result.events, cut, 0)[0] == Code.TIED_AT_CUT


def test_failed_replicates_are_counted_apart_and_bound_the_power():
    replicates = simulate(textbook(), 1000, seed=1)
    rows = replicates.rows.copy()
    rejected = rows["decision"] == 1
    rows["code"][:100] = Code.FAILED
    broken = Replicates(rows, 1000, 0, 1000)
    table = {r["metric"]: r for r in operating_characteristics(Subject("s", "c", "PFS", "power"), broken, 1)}
    good = int(rejected[100:].sum())
    assert rejections(broken) == (good, 900)
    power = table["power"]
    assert (power["n_requested"], power["n_analysed"], power["n_failed"]) == (1000, 900, 100)
    assert power["estimate"] == good / 900
    assert table["power_lower_bound"]["estimate"] == good / 1000
    assert table["power_upper_bound"]["estimate"] == (good + 100) / 1000
    for row in table.values():
        assert row["n_requested"] == row["n_analysed"] + row["n_failed"] or row["metric"].endswith("_bound")


def test_a_statistic_that_is_not_finite_is_a_failed_row(monkeypatch):
    sound = LogRank.test

    def broken(self, observations, cut, level):
        result = sound(self, observations, cut, level)
        result.z[::3] = np.nan
        return result

    monkeypatch.setattr(LogRank, "test", broken)
    replicates = simulate(textbook(), 300, seed=1)
    failed = final_rows(replicates.rows)["code"] == Code.FAILED
    rejected, analysed = rejections(replicates)
    assert failed.sum() == 300 - analysed > 0
    assert rejected <= analysed
    assert not replicates.rows["decision"][replicates.rows["code"] == Code.FAILED].any()
