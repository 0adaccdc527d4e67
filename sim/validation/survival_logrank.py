"""The log-rank family on data sets: survival::survdiff, lrstat::lrtest, simtrial::wlr, with ties and strata, to 1e-9."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from sim.kernels import logrank as kernel
from sim.statistic.logrank import LogRank
from sim.statistic.risk_sets import reciprocals, risk_sets
from sim.statistic.statistic import NO_LEVEL
from sim.validation.check import Check, Reference, compare
from sim.validation.data_sets import Analysis, against, analyses

FAMILY = "survival_logrank"
FUNCTIONS = {("survival", "survdiff"), ("lrstat", "lrtest"), ("simtrial", "wlr")}


def exponents(settings: str) -> tuple[float, float] | None:
    """Return (rho, gamma) of a row's settings, or None for other weights.

    Examples
    --------
    >>> exponents("FH(0.5,1)"), exponents("rho=1"), exponents("mb(delay=2,w_max=Inf)")
    ((0.5, 1.0), (1.0, 0.0), None)
    """
    if settings.startswith("rho="):
        return float(settings[4:]), 0.0
    found = re.fullmatch(r"FH\(([\d.]+),([\d.]+)\)", settings)
    return (float(found[1]), float(found[2])) if found else None


def belongs(row: Reference) -> bool:
    """Tell whether a row is of this family."""
    return (row.package, row.function) in FUNCTIONS and exponents(row.settings) is not None


def scores(analysis: Analysis) -> tuple[float, float, float, float]:
    """Return (U, V, z, hazard ratio) of an analysis, U and V of the experimental arm, z > 0 in its favour."""
    rho, gamma = exponents(analysis.first.settings) or (0.0, 0.0)
    data, cut = analysis.data
    result = LogRank(analysis.stratified, rho, gamma).test(data, cut, NO_LEVEL)
    sets = risk_sets(data, cut, analysis.stratified)
    out = np.empty((1, 3))
    kernel.scores(sets.keys, sets.counts, sets.bits, reciprocals(sets.keys.shape[1]), rho, gamma, out)
    return float(out[0, 0]), float(out[0, 1]), float(result.z[0]), float(result.estimate[0])


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold scores, variances, z and P values against the rows."""
    return [check for analysis in analyses([row for row in rows if belongs(row)]) for check in _analysis(analysis)]


def _analysis(analysis: Analysis) -> list[Check]:
    u, v, z, _ = scores(analysis)
    two_sided = 2 * float(norm.sf(abs(z)))
    # lrtest's z is negative when it favours the experimental arm
    sign = {"lrtest": -1}.get(analysis.first.function, 1)
    found = {
        "uscore": u,
        "vscore": v,
        "estimate": u,
        "se": math.sqrt(v),
        "variance": v,
        "chisq": z * z,
        "z": sign * z,
        "z_exp_minus": -z,
        "p_two_sided": two_sided,
    }
    if analysis.first.function == "lrtest":
        found["p_one_sided"] = (two_sided, 1e-9, "lrtest reports the two-sided P value under this name")  # type: ignore[assignment]
    else:
        found["p_one_sided"] = float(norm.sf(z))
    return against(FAMILY, analysis, found) + _observed_less_expected(analysis, u)


def _observed_less_expected(analysis: Analysis, u: float) -> list[Check]:
    """survdiff prints observed and expected apart; the score is their difference."""
    published = analysis.published
    if "observed_exp" not in published:
        return []
    pair = [row for row in analysis.rows if row.quantity in ("observed_exp", "expected_exp")]
    difference = published["observed_exp"] - published["expected_exp"]
    quantity = f"{analysis.name}: observed_exp - expected_exp"
    return [compare(FAMILY, row, quantity, difference, u, rel=1e-9, absolute=1e-9, note="compared as their difference") for row in pair]
