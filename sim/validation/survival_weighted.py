"""MaxCombo, modestly weighted and early-zero tests on data sets: simtrial and nphRCT.

z, correlations, scores and variances to 1e-9; the P value of MaxCombo to 1e-3, since simtrial's integrator is randomised. simtrial and
nphRCT read the pooled curve at t* differently; each is held against the convention that bears its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import norm

from sim.kernels import early_zero as early_kernel
from sim.kernels import modestly_weighted as kernel
from sim.statistic.early_zero import EarlyZero
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.risk_sets import reciprocals, risk_sets
from sim.statistic.statistic import NO_LEVEL
from sim.validation.check import Check, Reference
from sim.validation.data_sets import Analysis, against, analyses

FAMILY = "survival_weighted"


def belongs(row: Reference) -> bool:
    """Tell whether a row is of this family."""
    return row.function in ("maxcombo", "wlrt") or (row.function == "wlr" and not row.settings.startswith("FH"))


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold z, correlations, scores and P values against the rows."""
    return [check for a in analyses([row for row in rows if belongs(row)]) for check in _computation(a.first)(a)]


def _computation(row: Reference) -> Callable[[Analysis], list[Check]]:
    if row.function == "maxcombo":
        return _maxcombo
    return _early_zero if row.settings.startswith("early_zero") else _modestly_weighted


def weight(text: str) -> tuple[float, float]:
    """Return (rho, gamma) of FH followed by two digits.

    Examples
    --------
    >>> weight("FH01")
    (0.0, 1.0)
    """
    return float(text[2]), float(text[3])


def _maxcombo(analysis: Analysis) -> list[Check]:
    test = MaxCombo(tuple(weight(w) for w in analysis.first.settings.split("+")), analysis.stratified, exact_p=True)
    data, cut = analysis.data
    z, correlation = test.components(risk_sets(data, cut, analysis.stratified))
    result = test.test(data, cut, NO_LEVEL)
    k = len(test.weights)
    # simtrial's maxcombo reports z < 0 in favour of the experimental arm, and as z_max the one nearest to the null
    found: dict[str, Any] = {f"z_{a + 1}": -float(z[0, a]) for a in range(k)}
    found |= {f"corr_{a + 1}_{b + 1}": float(correlation[0, a, b]) for a in range(k) for b in range(a + 1, k)}
    found["z_max"] = (-float(z[0].min()), 1e-9, "the z nearest to the null, as simtrial prints it")
    found["p_value_one_sided"] = (float(norm.sf(result.z[0])), 1e-3, "simtrial's integrator is randomised")
    return against(FAMILY, analysis, found, rel=0.0)


def _modestly_weighted(analysis: Analysis) -> list[Check]:
    nphrct = analysis.first.function == "wlrt"
    caps = {"t_star": 2.0} if nphrct or "delay=2" in analysis.first.settings else {"s_star": 0.5}
    test = ModestlyWeighted(**caps, convention="nphRCT" if nphrct else "simtrial", stratified=analysis.stratified)
    data, cut = analysis.data
    z = float(test.test(data, cut, NO_LEVEL).z[0])
    sets = risk_sets(data, cut, analysis.stratified)
    out = np.empty((1, 4))
    limits = math.inf if test.t_star is None else test.t_star, test.s_star or 0.0
    kernel.scores(sets.keys, sets.counts, sets.bits, reciprocals(sets.keys.shape[1]), *limits, not nphrct, out)
    u, v = float(out[0, 0]), float(out[0, 1])
    found = {"z": -z, "u": u, "v_u": v} if nphrct else {"z": z, "estimate": u, "se": math.sqrt(v)}
    return against(FAMILY, analysis, found, rel=0.0)


def _early_zero(analysis: Analysis) -> list[Check]:
    period = float(analysis.first.settings.removeprefix("early_zero(").removesuffix(")"))
    test = EarlyZero(period, analysis.stratified)
    data, cut = analysis.data
    sets = risk_sets(data, cut, analysis.stratified)
    out = np.empty((1, 4))
    early_kernel.scores(sets.keys, sets.counts, sets.bits, reciprocals(sets.keys.shape[1]), period, out)
    found = {"estimate": float(out[0, 0]), "se": math.sqrt(out[0, 1]), "z": float(test.test(data, cut, NO_LEVEL).z[0])}
    return against(FAMILY, analysis, found, rel=0.0)
