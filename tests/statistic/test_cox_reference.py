"""Level: reference. The Cox model against R's coxph, Efron, Breslow and exact ties, with and without strata."""

import math

import pytest

from sim.statistic.cox import Cox, cox_fit
from sim.statistic.risk_sets import risk_sets
from sim.validation import data_sets, survival_cox
from tests.reference.read import rows
from tests.validation.holding import hold

ANALYSES = data_sets.analyses([row for row in rows("survival_stats") if survival_cox.belongs(row)])


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.name)
def test_coxph(analysis):
    checks = survival_cox.checks(analysis.rows)
    hold(checks)
    assert [c.id for c in checks] == [row.id for row in analysis.rows]
    assert all(c.tolerance == max(1e-9, 1e-9 * abs(c.expected[0])) for c in checks)


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.name)
def test_the_statistic_is_the_fit(analysis):
    ties, (data, cut) = analysis.first.settings.removeprefix("ties="), analysis.data
    fit = cox_fit(risk_sets(data, cut, analysis.stratified), ties)
    beta, se = fit.log_hazard_ratio[0], fit.standard_error[0]
    chisq = {"wald": (beta / se) ** 2, "score": fit.score[0] ** 2 / fit.information[0], "likelihood_ratio": 2 * fit.gain[0]}
    for form, value in chisq.items():
        result = Cox(analysis.stratified, ties, form).test(data, cut, 0.025)
        assert result.z[0] == pytest.approx(-math.copysign(math.sqrt(value), beta), rel=1e-9)
        assert result.estimate[0] == pytest.approx(analysis.published["hr"], rel=1e-9)
