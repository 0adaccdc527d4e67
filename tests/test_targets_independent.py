"""Level: independent. Targets that a trial misses are refused, sized by events or said; the values are known by hand or from outside."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.accrual import PiecewiseAccrual, UniformAccrual
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_orr import SingleArmORR
from sim.design.single_arm_survival import SingleArmSurvival
from sim.effect import NoEffect, PatientHazardRatio, ResponseRateChange
from sim.engine import simulate
from sim.followup import ExponentialDropout, NoDropout
from sim.oc import Subject, enrolment_characteristics, notices, operating_characteristics, tally
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.reach import check_reached, check_sizeable, check_testable, reach
from sim.sizing import Unreachable, size
from sim.statistic.logrank import LogRank
from sim.statistic.rmst_difference import RMSTDifference
from sim.trial import Trial
from sim.types import InputError
from tests.contract.building import trial as built

PLAIN = {"stratified_randomisation": False, "statistic": LogRank()}


def survival(median, hr, accrual, dropout=None, **design):
    return Trial(
        PiecewiseExponential(medians=(median,)),
        accrual,
        dropout or NoDropout(),
        PatientHazardRatio(hr),
        RandomisedSurvival(**{**PLAIN, **design}),
    )


def rows_of(trial, n_sim=2_000, null=True):
    """The table of a trial under its effect and without."""
    plan, out = trial.plan, []
    for rejection, of in (("power", trial), ("type_i_error", trial.under_null))[: 1 + null]:
        subject, replicates = Subject("s", "c", plan.hypothesis, rejection), simulate(of, n_sim, seed=5)
        out += operating_characteristics(subject, replicates, plan.cut.looks, plan.stops_may_be_ignored, plan.cut)
        if rejection == "power":
            out += enrolment_characteristics(subject, plan, replicates)
    return out


def said(trial, **options):
    return [(n.line, n.heads) for n in notices("c", trial, rows_of(trial, **options))]


def by_hand(n, rate, month, hazards, lost, points=200_000):
    """Expected events: patient k enters at k / rate on average; each arm's closed form, averaged over entries."""
    entry = (np.arange(points) + 0.5) / points * min(n / rate, month)
    left = month - entry
    share = np.mean([h / (h + lost) * (1 - np.exp(-(h + lost) * left)) for h in hazards])
    return share * min(n, rate * month)


class TestReach:
    def test_a_median_of_ten_years_gives_83_events_of_190(self):
        # known from outside: by month 120 about 83 of 200 patients have had an event
        trial = survival(120.0, 0.7, UniformAccrual(rate=10.0), n=200, events=(190,))
        found = reach(trial)
        hazard = math.log(2) / 120
        assert found.expected == pytest.approx(by_hand(200, 10.0, 120.0, (hazard, 0.7 * hazard), 0.0), rel=1e-3)
        assert round(found.expected) == 83
        with pytest.raises(InputError, match=r"190 events are never reached: 82\.9 are expected by month 120"):
            check_reached(trial)
        check_reached(replace(trial, design=replace(trial.design, events=(80,))))

    @pytest.mark.parametrize(
        "accrual", [UniformAccrual(rate=8.0), UniformAccrual(duration=30.0), PiecewiseAccrual((5.0, 10.0), (2.0, 12.0, 6.0))]
    )
    @pytest.mark.parametrize("dropout", [NoDropout(), ExponentialDropout(hazard=0.03)])
    def test_the_expected_events_are_those_simulated(self, accrual, dropout):
        trial = survival(12.0, 0.6, accrual, dropout, n=150, events=(150,), max_duration=24.0)
        found, events = reach(trial), simulate(trial, 4_000, seed=3).rows["events"]
        # the cap on patients is put on their mean, which can only add a little
        assert -4 * events.std() / math.sqrt(len(events)) < found.expected - events.mean() < 0.6
        assert events.max() <= found.most

    def test_the_bound_is_never_below_the_truth(self):
        # of 60 patients, events that some trials reach and others do not
        for events in (35, 40, 45, 50):
            trial = survival(12.0, 0.7, UniformAccrual(rate=3.0), n=60, events=(events,), max_duration=36.0)
            reached = np.mean(simulate(trial, 2_000, seed=8).rows["month"] < 36.0)
            assert reach(trial).possible >= reached - 3 * math.sqrt(reached * (1 - reached) / 2_000)

    def test_no_patient_comes(self):
        trial = survival(3.0, 0.6, UniformAccrual(rate=0.001), n=160, events=(104,))
        with pytest.raises(InputError, match=r"0\.1 are expected by month 120 .* at most \d+ events"):
            check_reached(trial)

    def test_a_share_of_events_that_no_n_reaches(self):
        trial = survival(60.0, 0.6, UniformAccrual(rate=8.0), ExponentialDropout(hazard=0.02), n=60, events=None, event_fraction=0.7)
        with pytest.raises(InputError, match=r"no n reaches them: by month 120 .* at most 0\.303 of the patients"):
            check_sizeable(trial, 5000)
        # a number that does not follow n is a matter of enough patients
        check_sizeable(replace(trial, design=replace(trial.design, n=200, events=(150,))), 5000)


class TestUntestable:
    def test_a_horizon_beyond_the_follow_up_is_refused(self):
        # known from outside: 100 % of trials cannot be tested; the analysis comes in about month 18
        trial = survival(10.0, 0.6, UniformAccrual(rate=20.0), n=200, events=(100,), statistic=RMSTDifference(36.0))
        with pytest.raises(
            InputError, match=r"none of 1,000 trials can be tested .* in month 18\.\d with 200\.0 patients and 100\.0 events"
        ):
            check_testable(trial, seed=1)
        check_testable(replace(trial, design=replace(trial.design, statistic=RMSTDifference(10.0))), seed=1)

    def test_a_share_is_said_by_its_size(self):
        for horizon, heads in ((17.5, True), (15.0, False)):
            trial = survival(10.0, 0.6, UniformAccrual(rate=20.0), n=200, events=(100,), statistic=RMSTDifference(horizon))
            row = next(r for r in rows_of(trial, null=False) if r["metric"] == "untestable")
            lines = [(line, head) for line, head in said(trial, null=False) if line.startswith("The test cannot be formed in")]
            assert (row["estimate"] > 0.05) == heads
            assert (row["estimate"] > 0.01) == bool(lines)
            assert all(head == heads for _, head in lines)


def counted(trial, n_sim):
    return tally(trial.plan, simulate(trial, n_sim, seed=2657))


class TestSizingByEvents:
    def test_the_very_same_trial_has_one_answer(self):
        # accrual is open at the analysis whatever the share of events: one trial, one answer
        base = survival(10.0, 0.5, UniformAccrual(rate=20.0), n=300, events=None, event_fraction=0.25)
        answers = [size(replace(base, design=replace(base.design, event_fraction=f)), 0.8, counted, 500) for f in (0.2, 0.25)]
        needed = {(a.events.n, a.events.n_low, a.events.n_high, a.events.n_safe) for a in answers}
        assert len(needed) == 1
        for answer in answers:
            sized = answer.of(base)
            assert sized.plan.cut.events == (answer.events.n,)
            assert simulate(sized, 500, seed=1).rows["enrolled"].max() < sized.plan.n
            # Schoenfeld: 66 events
            assert abs(answer.events.n - 66) < 10

    @pytest.mark.verify
    def test_what_was_once_338_and_277_places_is_153_events(self):
        base = built("scenarios=phase2_randomised_pfs", "dropout.monthly_probability=0.02")
        answers = [size(replace(base, design=replace(base.design, event_fraction=f)), 0.8, counted, 10_000) for f in (0.45, 0.55)]
        assert len({(a.events.n, a.events.n_low, a.events.n_high, a.events.n_safe) for a in answers}) == 1
        for answer in answers:
            assert answer.events.n_low <= 153 <= answer.events.n_high
            assert abs(simulate(answer.of(base), 2_000, seed=1).rows["enrolled"].mean() - 235) < 6

    def test_events_that_are_fixed_are_looked_for_too(self):
        trial = survival(10.0, 0.6, UniformAccrual(rate=20.0), n=160, events=(40,))
        answer = size(trial, 0.8, lambda t, n: tally(t.plan, simulate(t, n, seed=9)), 1_000, n_max=400)
        # Schoenfeld: 121 events
        assert abs(answer.events.n - 121) < 12

    def test_events_that_never_come_are_no_answer(self):
        # at n_max accrual is open in every trial, but each ends at the longest duration: no number of events has more power
        trial = survival(40.0, 0.9, UniformAccrual(rate=8.0), n=100, events=None, event_fraction=0.65, max_duration=60.0)
        with pytest.raises(Unreachable, match=r"in 100\.0% of trials the events do not come by design\.max_duration = 60"):
            size(trial, 0.8, counted, 200, n_max=2_000)

    def test_events_decide_also_where_the_first_target_is_missed(self):
        # 0.9 of 2,000 patients are never reached, 480 enrolled by the longest duration are enough
        trial = survival(10.0, 0.6, UniformAccrual(rate=8.0), n=2_000, events=None, event_fraction=0.9, max_duration=60.0)
        answer = size(trial, 0.8, counted, 500, n_max=2_000)
        # Schoenfeld: 121 events
        assert abs((answer.events or answer).of(trial).plan.cut.events[-1] - 121) < 20

    def test_where_places_are_taken_the_search_is_over_patients(self):
        trial = survival(2.8, 0.5, UniformAccrual(duration=10.0), n=100, events=None, event_fraction=0.75)
        assert size(trial, 0.8, lambda t, n: tally(t.plan, simulate(t, n, seed=9)), 1_000).events is None


def test_the_limit_that_bound_the_search_is_named():
    trial = survival(2.8, 0.6, UniformAccrual(duration=16.0), n=160, events=None)
    for found, words in (
        ((25, 1000, 900, 0), r"there, in 90\.0% of trials the events do not come by design\.max_duration = 120"),
        ((25, 1000, 0, 700), r"there, in 70\.0% of trials the test cannot be formed"),
        ((25, 1000), r"no n up to task\.n_max = 300 reaches it, with a power of 0\.025 at the last that was tried; allowed"),
    ):
        with pytest.raises(Unreachable, match=words):
            size(trial, 0.8, lambda t, n, found=found: found, 1_000, n_max=300)


def test_where_the_longest_duration_ends_the_trials_neither_places_nor_events_are_sized():
    # 24 patients a month for 12 months are never 650 events: the answer is a refusal that says so, not a share of events above 1
    trial = survival(12.0, 0.9, UniformAccrual(rate=24.0), n=100, events=None, max_duration=12.0)
    with pytest.raises(Unreachable, match=r"the events do not come by design\.max_duration = 12"):
        size(trial, 0.8, counted, 200, n_max=1_000)


def test_what_rejects_is_a_hazard_ratio_only_where_the_test_is_on_that_scale():
    # known from outside: exp(-2 x 1.2816 / sqrt(104)) = 0.778 is the log-rank test's; the largest of four has a higher bar
    assert built("statistic=logrank", "design.alpha=0.1").facts.smallest_rejecting.value == "about 0.78 at the final look"
    for choice in (["statistic=maxcombo"], ["design.statistic.gamma=1"], ["statistic=modestly_weighted"], ["statistic=early_zero"]):
        assert "hazard ratio" not in built(*choice, "design.alpha=0.1").facts.smallest_rejecting.what
    assert "p-value of at most 0.1" in built("statistic=maxcombo", "design.alpha=0.1").facts.smallest_rejecting.value


def test_a_safe_n_that_n_max_cuts_off_is_not_reached():
    trial = survival(2.8, 0.6, UniformAccrual(duration=16.0), n=160, events=None)
    answer = size(trial, 0.8, lambda t, n: (min(808, 4 * t.plan.n), 1000), 1_000, n_max=210)
    assert (answer.n, answer.n_safe) == (200, None)
    assert size(trial, 0.8, lambda t, n: (min(900, 4 * t.plan.n), 1000), 1_000, n_max=300).n_safe == 207


def test_the_expected_events_are_not_the_patients():
    # known from outside: 53.3 events are expected of 74 patients of the shipped scenario when 2 % are lost a month
    line = built("scenarios=phase2_single_arm_pfs", "design.n=74", "dropout.monthly_probability=0.02").facts.smallest_rejecting
    assert line.what == "largest observed / expected events that rejects"
    assert line.value.endswith(" with 53.3 expected events")
    z, e = 1.6448536, 53.3
    ratio = float(line.value.split()[1])
    assert (e - ratio * e) / math.sqrt((e + ratio * e) / 2) == pytest.approx(z, abs=0.05)
    # nobody lost, everybody followed to the end: every patient is an event, and expected to be one
    trial = Trial(
        PiecewiseExponential(medians=(1.0,)), UniformAccrual(duration=1.0), NoDropout(), NoEffect(), SingleArmSurvival(40, followup=60.0)
    )
    assert trial.facts.smallest_rejecting.value.endswith(" with 40.0 expected events")


def test_a_rejection_at_the_only_analysis_is_not_early():
    trial = built("design=calendar_looks_pfs", "population=piecewise_exponential", "design.months=[100,110]", "accrual.rate=8")
    at = {r["metric"]: r["estimate"] for r in rows_of(trial, null=False) if r["look"] == 0}
    assert at["looks_missed"] == 1
    assert at["power"] > 0.2
    assert "early_efficacy" not in at
    early = built("design=calendar_looks_pfs", "population=piecewise_exponential", "design.months=[12,20]", "accrual.rate=4")
    at = {r["metric"]: r["estimate"] for r in rows_of(early, null=False) if r["look"] == 0}
    assert 0 < at["early_efficacy"] <= at["power"]


class TestNotices:
    def test_an_effect_on_the_wrong_side(self):
        trial = survival(2.8, 1.3, UniformAccrual(duration=16.0), n=160, events=(120,))
        ((line, heads),) = said(trial)
        assert heads
        assert line.startswith("The stated effect works against the experimental arm (mean z -1.4")

    def test_two_patients_can_never_reject(self):
        trial = Trial(
            PiecewiseExponential(medians=(2.8,)),
            UniformAccrual(rate=8.0),
            NoDropout(),
            ResponseRateChange(0.2),
            SingleArmORR(2, null_rate=0.3),
        )
        assert said(trial) == [("Not one of 4,000 trials rejects: this design can never reject, or next to never.", True)]

    def test_a_level_that_is_not_held(self):
        row = {"cell": "c", "look": 0, "metric": "type_i_error", "estimate": 0.098, "mcse": 0.001, "n_analysed": 90_000}
        events = {"cell": "c", "look": 0, "metric": "expected_events", "estimate": 120.0, "mcse": 0.0, "n_analysed": 90_000}
        trial = survival(2.8, 0.6, UniformAccrual(duration=16.0), n=160, events=(120,))
        ((line, heads),) = [(n.line, n.heads) for n in notices("c", trial, [row, events])]
        assert heads
        assert "above the one-sided level of 0.025" in line
        # the log-rank test's own 0.0258 at 120 events is known, and 0.0275 would not be
        for size_, told in ((0.0258, 0), (0.0285, 1)):
            quiet = {**row, "estimate": size_, "mcse": 0.0002}
            assert len(notices("c", trial, [quiet, events])) == told

    def test_a_target_missed_in_most_trials_heads_the_answer(self):
        trial = built("scenarios=phase2_randomised_pfs", "design.n=239", "population.regimen=polabr")
        lines = said(trial, n_sim=1_000)
        assert any(heads and line.startswith("The 156 events asked for do not come by month 120") for line, heads in lines)

    def test_nothing_is_said_of_a_sound_trial(self):
        trial = survival(2.8, 0.6, UniformAccrual(duration=16.0), ExponentialDropout(monthly_probability=0.02), n=160, events=(120,))
        assert said(trial, n_sim=10_000) == []


def test_enrolled_patients_stand_beside_the_places():
    trial = survival(2.8, 0.6, UniformAccrual(rate=10.0), n=160, events=(60,))
    at = {r["metric"]: r for r in rows_of(trial, null=False) if r["look"] == 0}
    enrolled = np.sort(simulate(trial, 2_000, seed=5).rows["enrolled"])
    assert at["places"]["estimate"] == 160
    assert at["places"]["n_analysed"] == 0
    assert at["enrolled_p10"]["estimate"] == np.quantile(enrolled, 0.1, method="inverted_cdf")
    assert at["enrolled_p90"]["estimate"] == np.quantile(enrolled, 0.9, method="inverted_cdf")
    assert at["enrolled_p10"]["ci_low"] <= at["enrolled_p10"]["estimate"] <= at["enrolled_p10"]["ci_high"]
    assert at["accrual_open"]["estimate"] == np.mean(enrolled < 160)
