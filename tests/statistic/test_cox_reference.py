"""Level: reference. The Cox model against R's coxph, Efron, Breslow and exact ties, with and without strata."""

import math

import pytest
from scipy.stats import norm

from sim.statistic.cox import Cox, cox_fit
from sim.statistic.risk_sets import risk_sets
from tests.statistic.data import cases, name, observations

Z = norm.ppf(0.975)


@pytest.mark.parametrize("case", cases("coxph"), ids=name)
def test_coxph(case):
    dataset, _, settings, stratified, published = case
    ties = settings.removeprefix("ties=")
    o, cut = observations(dataset)
    fit = cox_fit(risk_sets(o, cut, stratified), ties)
    beta, se = fit.log_hazard_ratio[0], fit.standard_error[0]
    found = {
        "log_hr": beta,
        "se": se,
        "hr": math.exp(beta),
        "hr_lower": math.exp(beta - Z * se),
        "hr_upper": math.exp(beta + Z * se),
        "wald_p_two_sided": 2 * norm.sf(abs(beta / se)),
        "score_chisq": fit.score[0] ** 2 / fit.information[0],
        "lr_chisq": 2 * fit.gain[0],
    }
    assert set(published) == set(found)
    for quantity, value in published.items():
        assert found[quantity] == pytest.approx(value, rel=1e-9, abs=1e-9), quantity
    for form, chisq in (("wald", (beta / se) ** 2), ("score", found["score_chisq"]), ("likelihood_ratio", found["lr_chisq"])):
        result = Cox(stratified, ties, form).test(o, cut)
        assert result.z[0] == pytest.approx(-math.copysign(math.sqrt(chisq), beta), rel=1e-9)
        assert result.estimate[0] == pytest.approx(published["hr"], rel=1e-9)
