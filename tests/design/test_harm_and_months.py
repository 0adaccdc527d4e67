"""Level: independent. A guard on overall survival, and looks at calendar months, in whole simulated trials."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest, norm

from sim.boundary.harm import HarmHazardRatio, HarmSpending
from sim.boundary.recursive_integration import crossing_probabilities
from sim.boundary.spending import LanDeMetsOBrienFleming
from sim.design.design import REJECT, STOP_HARM
from sim.effect import NO_EFFECT, PatientHazardRatio
from sim.engine import simulate
from sim.oc import Subject, harm_characteristics, operating_characteristics
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.statistic.statistic import Code
from sim.trial import enrol, final_rows, rows_of
from sim.types import InputError
from tests.designs import textbook

N_SIM = 40_000
OBF = LanDeMetsOBrienFleming()
MORTAL = PiecewiseExponential(medians=(2.8,), survival_after_progression_median=3.0)


def made(hr=1.0, after=1.0, events=(40, 80, 120), **design):
    trial = textbook(events=events, spending=OBF if len(events) > 1 else None)
    effect = NO_EFFECT if hr == after == 1 else PatientHazardRatio(hr, hr_after_progression=after)
    return replace(trial, population=MORTAL, effect=effect, design=replace(trial.design, **design))


def table(trial, n_sim=N_SIM, rejection="type_i_error"):
    subject, replicates = Subject("s", "c", "PFS", rejection), simulate(trial, n_sim, seed=91)
    looks = trial.plan.cut.looks
    found = [*operating_characteristics(subject, replicates, looks, trial.plan.stops_may_be_ignored)]
    found += harm_characteristics(subject, replicates, looks)
    return {(r["metric"], r["look"]): r for r in found}, replicates.rows


def test_false_alarms_are_what_is_spent():
    # deaths come as planned and the endpoint hardly ever stops anything: alpha, but for the log-rank's small-sample error at
    # 16, 45 and 79 deaths, which adds at most .003 here (the same as its excess in the textbook trial without effect)
    trial = made(alpha=1e-4, harm=HarmSpending(0.1, deaths=(16, 45, 79)))
    found, rows = table(trial)
    for look, planned in enumerate((16, 45, 79), start=1):
        assert found["deaths_at_look_no_effect", look]["estimate"] == pytest.approx(planned, abs=2)
    deaths = rows_of(rows, 1)
    seen = tuple(deaths["events"][deaths["look"] == k].mean() for k in (1, 2, 3))
    bounds = trial.design.harm.bounds(np.ones((3, 1), dtype=int), trial.design.fractions, 0.25)[:, 0]
    exact = np.cumsum(crossing_probabilities(seen, bounds).upper)
    for look, p in enumerate(exact, start=1):
        row = found["harm_by_look_no_effect", look]
        assert abs(row["estimate"] - p) < 4 * row["mcse"] + 0.003, (look, row["estimate"], p)
    assert exact[-1] == pytest.approx(0.1, abs=1e-3)


def test_a_guard_never_adds_to_the_rejections():
    plain = final_rows(simulate(made(), N_SIM, seed=5).rows)
    guarded = simulate(made(harm=HarmHazardRatio(1.0, 0.6)), N_SIM, seed=5).rows
    final = final_rows(guarded)
    # stops ignored: the very same rejections, replicate by replicate
    np.testing.assert_array_equal(final["rejects_ignoring_stops"], np.where(plain["decision"] == REJECT, plain["look"], 0))
    stopped = final["decision"] == STOP_HARM
    assert 0.3 < stopped.mean() < 0.7
    assert not ((final["decision"] == REJECT) & (plain["decision"] != REJECT)).any()
    # a row of each hypothesis at each look, the guard's the reason for the stop
    np.testing.assert_array_equal(guarded["hypothesis"], np.tile([0, 1], len(guarded) // 2))
    deaths = rows_of(guarded, 1)
    last = np.append(np.diff(deaths["replicate"]) != 0, True)
    np.testing.assert_array_equal(deaths["decision"][last] == STOP_HARM, stopped)
    assert not (deaths["decision"][~last]).any()


def test_one_look_at_the_estimate_is_a_fair_coin_without_effect_and_schoenfeld_with_harm():
    # at one look the rule HR >= 1 asks whether z <= 0
    fair, _ = table(made(events=(120,), harm=HarmHazardRatio(1.0, 0.5)))
    row = fair["harm_stop_no_effect", 0]
    assert abs(row["estimate"] - 0.5) < 4 * row["mcse"]
    # everybody dies at once after progression: the same hazard ratio in both endpoints, so P(z <= -1.2816) by Schoenfeld
    instant = PiecewiseExponential(medians=(2.8,), survival_after_progression_median=1e-3)
    trial = replace(made(1.4, events=(120,), harm=HarmHazardRatio(1.0, 0.9)), population=instant)
    harmful, _ = table(trial, rejection="power")
    row = harmful["harm_stop", 0]
    # Schoenfeld's mean is first order in log(hr); the next order moves it by about 2 % of 1.84
    drift = math.log(1.4) * math.sqrt(120 / 4)
    assert abs(row["estimate"] - norm.cdf(drift - norm.isf(0.1))) < 4 * row["mcse"] + norm.pdf(0.56) * 0.04


def test_both_endpoints_are_of_the_same_patient():
    o = enrol(made(0.6, 2.0, harm=HarmSpending()), Draws(3, 0, 500, 160))
    assert o.safety is not None
    assert (o.safety.time >= o.time).all()
    # lost before progression: lost to both at the very same month
    lost = o.event == 0
    np.testing.assert_array_equal(o.safety.time[lost], o.time[lost])
    assert not o.safety.event[lost].any()


def test_a_death_is_seen_however_the_trial_ends():
    found, rows = table(made(0.6, 2.5, harm=HarmSpending(0.1)), rejection="power")
    assert found["harm_stop", 0]["estimate"] == found["harm_by_look", 3]["estimate"] > found["harm_by_look", 1]["estimate"] > 0
    own, deaths = rows_of(rows, 0), rows_of(rows, 1)
    np.testing.assert_array_equal(own["month"], deaths["month"])
    assert (deaths["events"] <= own["events"]).all()


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_deaths_after_progression_by_quadrature(ratio):
    effect, n = PatientHazardRatio(0.7, hr_after_progression=ratio), 200_000
    for population in (PostCartFailure(), MORTAL):
        draws = Draws(11, 0, 1, n)
        stratum = population.sample_strata(draws)
        courses = population.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs", "os"))
        assert (courses.os >= courses.pfs).all()
        curve, time = population.curve("os", effect), courses.os[0]
        within = time < 60
        p = 1 - float(curve.at(60.0))
        assert abs(within.mean() - p) < 4 * math.sqrt(p * (1 - p) / n)
        # definitions 19: events given they occur within 60 months
        assert kstest(time[within], lambda t, c=curve, p=p: (1 - c.at(t)) / p).pvalue > 1e-4
        control = population.sample(draws, stratum, np.zeros_like(stratum), effect, ("os",))
        plain = population.sample(draws, stratum, np.zeros_like(stratum), NO_EFFECT, ("os",))
        np.testing.assert_array_equal(control.os, plain.os)


# --- looks at calendar months


def test_looks_fall_on_their_months_and_the_last_on_its_event():
    trial = made(0.8, months=(8.0, 14.0), bounds_at="observed")
    rows = simulate(trial, 2_000, seed=7).rows
    early, last = rows[rows["look"] < 3], rows[rows["look"] == 3]
    assert set(early["month"]) == {8.0, 14.0}
    assert set(last["events"]) == {120}
    assert (last["month"] > 14).all()
    assert early["events"].min() < early["events"].max() < 120
    assert set(rows["code"]) == {Code.OK}
    events = replace(trial, design=replace(trial.design, months=None, events=(120,), spending=None, bounds_at="planned"))
    final = simulate(events, 2_000, seed=7).rows
    ended = np.isin(final["replicate"], last["replicate"])
    np.testing.assert_array_equal(final["z"][ended], last["z"])


def test_a_trial_whose_events_come_before_a_month_ends_with_them():
    rows = simulate(made(months=(5.0, 40.0), bounds_at="observed"), 500, seed=8).rows
    second = rows[rows["look"] == 2]
    assert len(second) > 400
    assert (second["month"] < 40).all()
    assert set(second["events"]) == {120}
    assert not (rows["look"] == 3).any()


def test_alpha_holds_at_the_events_that_the_months_find():
    # the log-rank's own excess at 120 events is .0008 (definitions 25); 4 standard errors of 40,000 replicates are .0031
    found, _ = table(made(months=(8.0, 14.0), bounds_at="observed"))
    row = found["type_i_error", 0]
    assert abs(row["estimate"] - 0.0258) < 4 * row["mcse"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"months": (8.0,)}, "design.months is [8.0] for 3 looks"),
        ({"months": (14.0, 8.0)}, "design.months is [14.0, 8.0]"),
        ({"months": (0.0, 8.0)}, "design.months is [0.0, 8.0]"),
        ({"months": (8.0, 120.0)}, "allowed: null, or a rising month below design.max_duration (120)"),
        ({"endpoint": "os", "harm": HarmSpending()}, "design.harm is given with endpoint os"),
        ({"harm": HarmSpending(deaths=(20, 40))}, "design.harm.deaths is [20, 40] for 3 looks"),
    ],
)
def test_refused(changes, words):
    with pytest.raises(InputError) as error:
        replace(made().design, **changes)
    assert words in str(error.value)
    assert "allowed" in str(error.value)


@pytest.mark.parametrize(
    ("cls", "values", "words"),
    [
        (HarmSpending, {"alpha": 0.0}, "design.harm.alpha is 0.0"),
        (HarmSpending, {"deaths": (40, 20)}, "design.harm.deaths is [40, 20]"),
        (HarmSpending, {"deaths": (1.5,)}, "design.harm.deaths is [1.5]"),
        (HarmHazardRatio, {"hr": -1.0}, "design.harm.hr is -1.0"),
        (HarmHazardRatio, {"confidence": 1.0}, "design.harm.confidence is 1.0"),
        (HarmHazardRatio, {"min_deaths": 0}, "design.harm.min_deaths is 0"),
    ],
)
def test_refused_rules(cls, values, words):
    with pytest.raises(InputError) as error:
        cls(**values)
    assert words in str(error.value)
    assert "allowed" in str(error.value)


def test_a_population_that_does_not_know_deaths_is_refused():
    trial = textbook(events=(40, 80, 120), spending=OBF)
    with pytest.raises(InputError, match="survival_after_progression_median"):
        replace(trial, design=replace(trial.design, harm=HarmSpending()))
