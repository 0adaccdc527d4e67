"""Level: twin and properties. Bias and coverage of the hazard ratio after simulated group-sequential trials."""

import dataclasses
import math

import numpy as np
import pytest

from sim.accrual import UniformAccrual
from sim.boundary.futility import FixedZ
from sim.boundary.spending import LanDeMetsPocock
from sim.boundary.stagewise_inference import stagewise_inference
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import NoEffect, PatientHazardRatio
from sim.engine import simulate
from sim.followup import NoDropout
from sim.large_trial import Expected
from sim.oc import COLUMNS, Subject, after_stopping
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.logrank import LogRank
from sim.trial import Trial, final_rows

EVENTS = (100, 200, 300)
DESIGN = RandomisedSurvival(n=400, events=EVENTS, event_fraction=None, spending=LanDeMetsPocock(), statistic=LogRank())
WITH_FUTILITY = dataclasses.replace(DESIGN, futility=FixedZ((0.0, 0.5)))
POWER = Subject("s", "c", "PFS", "power")


def trial(design=DESIGN, effect=PatientHazardRatio(0.8), **population):  # noqa: B008
    patients = PiecewiseExponential(**{"medians": (5.0,), **population})
    return Trial(patients, UniformAccrual(rate=20.0), NoDropout(), effect, design)


def table(made, n):
    replicates = simulate(made, n, seed=3)
    return replicates, {r["metric"]: r for r in after_stopping(POWER, made, replicates)}


@pytest.mark.parametrize("design", [DESIGN, WITH_FUTILITY], ids=["efficacy", "futility"])
def test_the_table_by_one_trial_after_another(design):
    made = trial(design)
    replicates, found = table(made, 150)
    # the one-step estimate of a log-rank test tends to something a little stronger than the ratio itself
    limits = [math.log(look.estimand) for look in Expected(made).looks()]
    assert limits == pytest.approx([math.log(0.8)] * 3, abs=0.005)
    bias, held, naive, plain = [], [], [], []
    for row in final_rows(replicates.rows):
        k = int(row["look"])
        truth = limits[k - 1]
        information = [d / 4 for d in EVENTS[:k]]
        one = stagewise_inference(float(row["z"]), information, made.plan.rule.upper, made.plan.rule.lower)
        bias.append(-one.estimate - truth)
        held.append(one.low <= -truth <= one.high)
        log_hr = math.log(row["estimate"])
        plain.append(log_hr - truth)
        naive.append(abs(log_hr - truth) <= 1.959963984540054 * abs(log_hr / row["z"]))
    assert found["bias_log_hr_median_unbiased"]["estimate"] == pytest.approx(np.mean(bias), abs=2e-5)
    assert found["coverage_stagewise"]["estimate"] == pytest.approx(np.mean(held), abs=1e-12)
    assert found["coverage_naive"]["estimate"] == pytest.approx(np.mean(naive), abs=1e-12)
    assert found["bias_log_hr"]["estimate"] == pytest.approx(np.mean(plain), abs=1e-12)
    for row in found.values():
        assert set(row) == set(COLUMNS)
        assert (row["n_requested"], row["n_analysed"], row["n_failed"]) == (150, 150, 0)
        assert row["ci_low"] <= row["estimate"] <= row["ci_high"]


@pytest.mark.parametrize("hr", [0.75, 0.9])
def test_stopping_early_exaggerates_and_the_stagewise_interval_covers(hr):
    _, found = table(trial(effect=PatientHazardRatio(hr)), 20_000)
    naive, unbiased = found["bias_log_hr"], found["bias_log_hr_median_unbiased"]
    assert naive["estimate"] < -8 * naive["mcse"]
    assert naive["estimate"] < unbiased["estimate"] < 0
    # exact for Brownian motion; log-rank statistics of 100 events and more are that to half a percent
    assert abs(found["coverage_stagewise"]["estimate"] - 0.95) < 4 * found["coverage_stagewise"]["mcse"] + 0.005
    assert found["coverage_naive"]["estimate"] < found["coverage_stagewise"]["estimate"]


@pytest.mark.parametrize(
    "made",
    [
        trial(dataclasses.replace(DESIGN, events=(300,), spending=None)),
        trial(dataclasses.replace(DESIGN, bounds_at="observed")),
        trial(dataclasses.replace(DESIGN, statistic=LogRank(gamma=1.0))),
    ],
    ids=["one look", "bounds recomputed", "weighted"],
)
def test_no_rows_where_the_estimates_have_another_distribution(made):
    assert table(made, 20)[1] == {}


def test_hazards_that_are_not_proportional_have_a_limit_at_each_look_and_no_one_drift():
    late = trial(effect=PatientHazardRatio(0.6, delay=2.0))
    limits = [look.estimand for look in Expected(late).looks()]
    assert limits == sorted(limits, reverse=True)
    _, found = table(late, 4_000)
    assert set(found) == {"bias_log_hr", "coverage_naive"}
    # against the ratio of patients the bias would be that of another estimand
    assert abs(found["bias_log_hr"]["estimate"]) < 0.05 < math.log(limits[-1] / 0.6)
    mixed = trial(medians=(3.0, 8.0), shares=(0.5, 0.5), names=("a", "b"), response_rates=(0.2, 0.4))
    assert {"bias_log_hr", "coverage_naive"} <= set(table(mixed, 200)[1])


def test_no_rows_without_effect():
    made = trial(effect=NoEffect())
    replicates = simulate(made, 20, seed=3)
    assert after_stopping(Subject("s", "c", "PFS", "type_i_error"), made, replicates) == []
