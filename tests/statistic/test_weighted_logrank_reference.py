"""Level: reference. MaxCombo, modestly weighted and early-zero statistics against R's simtrial and nphRCT; Fleming-Harrington stands in test_logrank_reference.py."""

import pytest

from sim.statistic.maxcombo import MaxCombo
from sim.statistic.risk_sets import risk_sets
from sim.validation import data_sets, survival_weighted
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = [row for row in rows("survival_stats") if survival_weighted.belongs(row)]
ANALYSES = data_sets.analyses(ROWS)


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.name)
def test_every_row(analysis):
    checks = survival_weighted.checks(analysis.rows)
    hold(checks)
    assert [c.id for c in checks] == [row.id for row in analysis.rows]
    # simtrial's p-value of MaxCombo comes from a randomised integrator of 3 to 4 digits
    assert all(c.tolerance == (1e-3 if "p_value" in c.quantity else 1e-9) for c in checks)


@pytest.mark.parametrize("analysis", [a for a in ANALYSES if a.first.function == "maxcombo"], ids=lambda a: a.name)
def test_the_estimate_is_the_largest_component(analysis):
    weights = tuple(survival_weighted.weight(w) for w in analysis.first.settings.split("+"))
    test = MaxCombo(weights, analysis.stratified, exact_p=True)
    data, cut = analysis.data
    z, _ = test.components(risk_sets(data, cut, analysis.stratified))
    assert test.test(data, cut, 0.025).estimate[0] == z[0].max()


def test_every_kind_is_here():
    assert {(a.first.package, a.first.function) for a in ANALYSES} == {("simtrial", "maxcombo"), ("simtrial", "wlr"), ("nphRCT", "wlrt")}
    assert "early_zero(1.5)" in {row.settings for row in ROWS}
