"""Level: developer. What is said of an effect: by other routes, and as trials find it."""

import math

import numpy as np
import pytest
from rich.console import Console

from sim.accrual import PiecewiseAccrual, UniformAccrual
from sim.boundary.spending import LanDeMetsOBrienFleming
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_survival import SingleArmSurvival
from sim.effect import NO_EFFECT, ByStratum, HazardRatio, PatientHazardRatio
from sim.effect_summary import COLUMNS, average_hazard_ratio, describe, effect_summary, hazard_ratio_at
from sim.engine import simulate
from sim.followup import ExponentialDropout, NoDropout
from sim.large_trial import Expected
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.population.post_cart_failure import PostCartFailure
from sim.report.effect import print_effect, spark
from sim.statistic.cox import Cox
from sim.statistic.logrank import LogRank
from sim.trial import Trial, final_rows

PATIENTS = PostCartFailure()


def trial(effect, statistic, n=240, population=PATIENTS, **design):
    made = RandomisedSurvival(n, events=(int(0.6 * n),), statistic=statistic, **design)
    return Trial(population, UniformAccrual(rate=8.0), ExponentialDropout(monthly_probability=0.02), effect, made)


@pytest.mark.parametrize("statistic", [LogRank(stratified=True), LogRank(), Cox(stratified=True)], ids=lambda s: s.label)
@pytest.mark.parametrize("effect", [HazardRatio(0.6), HazardRatio(0.7, through="hazard")], ids=["both", "hazard"])
def test_replicates_find_the_estimand_limit(statistic, effect):
    # 1,000 patients: the bias of a small trial's estimate is of order 1 / events
    made = trial(effect, statistic, 1_000)
    (look,) = Expected(made).looks()
    rows = final_rows(simulate(made, 1_500, seed=11).rows)
    estimates = np.log(rows["estimate"])
    median_error = 1.253 * estimates.std() / math.sqrt(len(estimates))
    assert abs(np.median(estimates) - math.log(look.estimand)) < 3 * median_error + 0.004
    assert look.events == pytest.approx(600, abs=0.01)


def test_months_and_events_are_those_of_the_expected_trial():
    textbook = PiecewiseExponential(medians=(5.0,))
    design = RandomisedSurvival(
        200, events=(50, 120), months=None, information=(1.0,), stratified_randomisation=False, spending=LanDeMetsOBrienFleming()
    )
    for accrual in (UniformAccrual(duration=16.0), UniformAccrual(rate=12.0), PiecewiseAccrual((4.0, 4.0), (5.0, 10.0, 20.0))):
        made = Trial(textbook, accrual, NoDropout(), HazardRatio(0.6), design)
        looks = Expected(made).looks()
        rows = simulate(made, 600, seed=2).rows
        first = rows["month"][rows["look"] == 1].mean()
        assert looks[0].month == pytest.approx(first, rel=0.02)
        assert [x.events for x in looks] == pytest.approx([50, 120], abs=0.01)
        assert all(x.cox == pytest.approx(0.6, abs=1e-6) for x in looks)


def test_summary_by_other_routes():
    table = effect_summary(trial(HazardRatio(0.5), LogRank(stratified=True)))
    assert list(table.columns) == list(COLUMNS)

    def one(quantity, endpoint, at=math.nan):
        rows = table[(table["quantity"] == quantity) & (table["endpoint"] == endpoint)]
        rows = rows if math.isnan(at) else rows[rows["at"] == at]
        return rows.iloc[0]

    control, treated = PATIENTS.curve("pfs"), PATIENTS.curve("pfs", HazardRatio(0.5))
    assert one("limit of Cox's estimator", "pfs", 12.0)["ratio"] == pytest.approx(0.5, abs=1e-4)
    assert one("median", "pfs")["experimental"] == treated.median()
    assert one("survival", "pfs", 12.0)["control"] == float(control.at(12.0))
    odds = one("response rate", "response")
    assert odds["ratio"] == pytest.approx(odds["experimental"] / (1 - odds["experimental"]) * (1 - odds["control"]) / odds["control"])
    assert one("each patient's hazard ratio", "")["ratio"] == 0.5
    early, late = (one("hazard ratio at a time", "pfs", t)["ratio"] for t in (0.5, 24.0))
    assert early < 0.5 < 1 < late
    slope = [(-math.log(float(c.at(3.01))) + math.log(float(c.at(2.99)))) for c in (treated, control)]
    assert hazard_ratio_at(control, treated, 3.0) == pytest.approx(slope[0] / slope[1], rel=0.01)
    kinds = table[table["quantity"].str.startswith("average hazard ratio") & (table["endpoint"] == "pfs")].set_index("quantity")["ratio"]
    assert kinds["average hazard ratio, Kalbfleisch-Prentice 1981"] == pytest.approx(average_hazard_ratio(control, treated, 12.0), abs=1e-5)
    assert kinds.nunique() == 2
    assert (table["look"] > 0).sum() == 4


def test_one_arm_has_no_limits_and_no_effect_has_no_lines():
    single = Trial(PATIENTS, UniformAccrual(rate=5.0), NoDropout(), HazardRatio(0.5), SingleArmSurvival(60))
    assert not (effect_summary(single)["look"] > 0).any()
    assert describe(single.under_null) == []
    assert any(line.what.startswith("limit of Cox") for line in describe(single))


def test_strata_of_their_own_and_the_terminal(capsys):
    two = PiecewiseExponential(medians=(2.0, 10.0), shares=(0.5, 0.5), names=("a", "b"), response_rates=(0.3, 0.3))
    made = trial(ByStratum((0.6, 0.7)), LogRank(stratified=True), population=two, stratified_randomisation=True)
    table = effect_summary(made).assign(cell="x")
    assert (table["quantity"] == "each patient's hazard ratio, stratum 2").sum() == 1
    print_effect(table, Console(width=80))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "hazard ratio of PFS" in out
    assert spark([1.0, 0.01, 100.0]) == "▅▁█"


def test_effect_is_on_every_endpoint_of_one_drug():
    # the same drug in three mixes: the ratio it shows moves with the mix, the drug does not
    shown, odds = [], set()
    for share in (0.25, 0.44, 0.60):
        patients = PostCartFailure(refractory_share=share)
        table = effect_summary(trial(HazardRatio(0.5), LogRank(stratified=True), population=patients))
        limits = table[table["quantity"] == "limit of Cox's estimator"]
        shown.append(float(limits[(limits["endpoint"] == "pfs") & (limits["at"] == 12.0)]["ratio"].iloc[0]))
        odds.add(patients.mechanism(HazardRatio(0.5)).odds_ratio)
        assert patients.response_rate(HazardRatio(0.5)) > patients.response_rate(NO_EFFECT) + 0.1
        assert patients.complete_response_rate(HazardRatio(0.5)) > patients.complete_response_rate(NO_EFFECT) + 0.1
        assert float(limits[(limits["endpoint"] == "os") & (limits["at"] == 24.0)]["ratio"].iloc[0]) < 0.8
    assert len(odds) == 1
    assert shown == sorted(shown) or shown == sorted(shown, reverse=True)
    assert len(set(shown)) == 3
    assert PATIENTS.mechanism(PatientHazardRatio(0.5)).odds_ratio == 1
