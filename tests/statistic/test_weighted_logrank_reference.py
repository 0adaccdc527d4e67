"""Level: reference. Fleming-Harrington, MaxCombo and modestly weighted statistics against R's simtrial and nphRCT."""

import pytest
from scipy.stats import norm

from sim.statistic.logrank import LogRank
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.risk_sets import risk_sets
from tests.statistic.data import cases, name, observations


def weight(text):
    """(rho, gamma) of FH(rho,gamma) or FHrg."""
    inside = text.removeprefix("FH").strip("()")
    return tuple(float(x) for x in (inside.split(",") if "," in inside else inside))


@pytest.mark.parametrize("case", cases("wlr", "FH"), ids=name)
def test_fleming_harrington(case):
    dataset, _, settings, stratified, published = case
    rho, gamma = weight(settings)
    found = LogRank(stratified, rho, gamma).test(*observations(dataset))
    assert found.z[0] == pytest.approx(published["z"], abs=1e-9)


@pytest.mark.parametrize("case", cases("maxcombo"), ids=name)
def test_maxcombo(case):
    dataset, _, settings, stratified, published = case
    test = MaxCombo(tuple(weight(w) for w in settings.split("+")), stratified, exact_p=True)
    o, cut = observations(dataset)
    z, correlation = test.components(risk_sets(o, cut, stratified))
    k = len(test.weights)
    # simtrial's maxcombo reports z < 0 in favour of the experimental arm, and as z_max the one nearest to the null
    assert -z[0] == pytest.approx([published[f"z_{a + 1}"] for a in range(k)], abs=1e-9)
    assert -z[0].min() == pytest.approx(published["z_max"], abs=1e-9)
    for a in range(k):
        for b in range(a + 1, k):
            assert correlation[0, a, b] == pytest.approx(published[f"corr_{a + 1}_{b + 1}"], abs=1e-9)
    found = test.test(o, cut)
    assert found.estimate[0] == z[0].max()
    # its p-value comes from a randomised integrator of 3 to 4 digits
    assert norm.sf(found.z[0]) == pytest.approx(published["p_value_one_sided"], abs=1e-3)


@pytest.mark.parametrize("case", cases("wlrt", "mw t_star=2"), ids=name)
def test_modestly_weighted_as_nphrct(case):
    dataset, _, _, stratified, published = case
    found = ModestlyWeighted(t_star=2.0, stratified=stratified).test(*observations(dataset))
    assert -found.z[0] == pytest.approx(published["z"], abs=1e-9)


@pytest.mark.parametrize("case", cases("wlr", "mb("), ids=name)
def test_modestly_weighted_as_simtrial(case):
    dataset, _, settings, stratified, published = case
    caps = {"t_star": 2.0} if "delay=2" in settings else {"s_star": 0.5}
    found = ModestlyWeighted(**caps, convention="simtrial", stratified=stratified).test(*observations(dataset))
    assert found.z[0] == pytest.approx(published["z"], abs=1e-9)
