"""Level: reference. Kaplan-Meier estimates, medians, milestones and restricted means against R's survival, survRM2 and lrstat."""

import math

import pytest
from scipy.stats import norm

from sim.statistic.brookmeyer_crowley import quantile_interval
from sim.statistic.kaplan_meier import kaplan_meier, survival_interval
from sim.statistic.milestone_difference import MilestoneDifference
from sim.statistic.rmst_difference import RMSTDifference
from sim.statistic.rmst_single_arm import RMSTSingleArm
from sim.statistic.statistic import Code
from tests.statistic.data import cases, name, observations

Z = norm.ppf(0.975)


def same(value, published):
    """Equal to 1e-9; what is not applicable in R is nan here, or infinity for a time that is never reached."""
    if math.isnan(published):
        return math.isnan(value) or math.isinf(value)
    return value == pytest.approx(published, abs=1e-9)


@pytest.mark.parametrize("case", cases("survfit+summary"), ids=name)
def test_survival_at_a_time(case):
    dataset, arm, settings, _, published = case
    transform, time = settings.removeprefix("conf.type=").replace("-", "").split(",time=")
    km = kaplan_meier(*observations(dataset, int(arm)), float(time), arms=1)
    s, g = km.survival[0, 0, 0], km.greenwood[0, 0, 0]
    low, high = survival_interval(s, g, 0.95, transform)
    assert same(s, published["surv"])
    assert same(s * math.sqrt(g), published["se_greenwood"])
    assert same(low, published["lower"])
    assert same(high, published["upper"])
    assert km.at_risk[0, 0, 0] == published["at_risk"]


@pytest.mark.parametrize("case", cases("survfit+quantile") + cases("survQuantile"), ids=name)
def test_quantiles(case):
    dataset, arm, settings, _, published = case
    convention = "lrstat" if settings.startswith("transform") else "survfit"
    for quantity, value in published.items():
        point, _, side = quantity.partition("_")
        probability = 0.5 if point == "median" else int(point[1:]) / 100
        transform = settings.split("=")[1].replace("-", "")
        found = quantile_interval(*observations(dataset, int(arm)), probability, 0.95, transform, convention)
        assert same(found[0, ["", "lower", "upper"].index(side)], value), quantity


@pytest.mark.parametrize("case", cases("print.survfit rmean"), ids=name)
def test_restricted_mean_of_one_arm(case):
    dataset, arm, settings, _, published = case
    km = kaplan_meier(*observations(dataset, int(arm)), float(settings.removeprefix("tau=")), arms=1)
    # survfit stops at the last time watched, so a row is comparable where somebody is watched until tau
    if not km.known[0, 0, 0]:
        assert km.area[0, 0, 0] >= published["rmst"]
        return
    assert same(km.area[0, 0, 0], published["rmst"])
    assert same(math.sqrt(km.area_variance[0, 0, 0]), published["rmst_se"])
    result = RMSTSingleArm(float(settings.removeprefix("tau=")), 1.0).test(*observations(dataset, int(arm)))
    assert same(result.z[0], (published["rmst"] - 1) / published["rmst_se"])


@pytest.mark.parametrize("case", cases("rmst2"), ids=name)
def test_restricted_mean_difference_and_ratio(case):
    dataset, _, settings, _, published = case
    tau = float(settings.removeprefix("tau="))
    km = kaplan_meier(*observations(dataset), tau)
    for arm, label in enumerate(("control", "exp")):
        assert same(km.area[0, 0, arm], published[f"rmst_{label}"])
        assert same(math.sqrt(km.area_variance[0, 0, arm]), published[f"rmst_{label}_se"])
    found = RMSTDifference(tau).test(*observations(dataset))
    assert same(found.estimate[0], published["difference"])
    assert same(2 * norm.sf(abs(found.z[0])), published["diff_p"])
    se = found.estimate[0] / found.z[0]
    assert same(found.estimate[0] - Z * se, published["diff_lower"])
    assert same(found.estimate[0] + Z * se, published["diff_upper"])
    ratio = RMSTDifference(tau, "ratio").test(*observations(dataset))
    assert same(ratio.estimate[0], published["ratio"])
    se = math.log(ratio.estimate[0]) / ratio.z[0]
    assert same(ratio.estimate[0] * math.exp(-Z * se), published["ratio_lower"])
    assert same(ratio.estimate[0] * math.exp(Z * se), published["ratio_upper"])


@pytest.mark.parametrize("case", cases("kmdiff") + cases("rmdiff"), ids=name)
def test_stratified_and_plain_differences(case):
    dataset, _, settings, stratified, published = case
    kind, value = settings.split("=")
    make = (
        MilestoneDifference(float(value), "plain", stratified)
        if kind == "milestone"
        else RMSTDifference(float(value), stratified=stratified)
    )
    found = make.test(*observations(dataset))
    assert found.code[0] == Code.OK
    if math.isnan(published["se"]):
        # lrstat has no variance where a curve is at 0 (Greenwood's is 0 here) or an arm is not watched so long (left out here)
        km = kaplan_meier(*observations(dataset), float(value), stratified=stratified)
        assert (km.survival == 0).any() or not km.known.all()
        assert same(found.estimate[0], published["difference"]) or not km.known.all()
        return
    assert same(found.estimate[0], published["difference"])
    assert same(found.z[0], published["z"])
    assert same(found.estimate[0], published["z"] * published["se"])
