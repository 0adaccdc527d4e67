"""The Cox model on data sets: survival::coxph, Efron, Breslow and exact ties, with and without strata, to 1e-9."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import norm

from sim.statistic.cox import Cox, cox_fit
from sim.statistic.risk_sets import risk_sets
from sim.statistic.statistic import NO_LEVEL
from sim.validation.check import Check, Reference
from sim.validation.data_sets import Analysis, against, analyses

FAMILY = "survival_cox"
Z = float(norm.ppf(0.975))


def belongs(row: Reference) -> bool:
    """Tell whether a row is of this family."""
    return bool(row.function == "coxph")


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold estimates, standard errors, limits and the three tests against the rows."""
    ours = [row for row in rows if belongs(row)]
    return [check for analysis in analyses(ours) for check in _analysis(analysis)]


def _analysis(analysis: Analysis) -> list[Check]:
    ties = analysis.first.settings.removeprefix("ties=")
    data, cut = analysis.data
    fit = cox_fit(risk_sets(data, cut, analysis.stratified), ties)
    beta, se = float(fit.log_hazard_ratio[0]), float(fit.standard_error[0])
    z = {form: float(Cox(analysis.stratified, ties, form).test(data, cut, NO_LEVEL).z[0]) for form in ("wald", "score", "likelihood_ratio")}
    found = {
        "log_hr": beta,
        "se": se,
        "hr": float(Cox(analysis.stratified, ties).test(data, cut, NO_LEVEL).estimate[0]),
        "hr_lower": math.exp(beta - Z * se),
        "hr_upper": math.exp(beta + Z * se),
        "wald_p_two_sided": 2 * float(norm.sf(abs(z["wald"]))),
        "score_chisq": z["score"] ** 2,
        "lr_chisq": z["likelihood_ratio"] ** 2,
    }
    return against(FAMILY, analysis, found)
