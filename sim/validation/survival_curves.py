"""Kaplan-Meier curves on data sets: survival at a time, medians with limits, milestones, restricted means, to 1e-9.

survival, survRM2 and lrstat. A row is comparable where somebody is watched until the horizon: nothing is extrapolated here, while
survfit stops at the last time watched and lrstat shortens the horizon of a restricted mean and continues the curve to a milestone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from sim.statistic.brookmeyer_crowley import quantile_interval
from sim.statistic.kaplan_meier import KaplanMeier, kaplan_meier, survival_interval
from sim.statistic.milestone_difference import MilestoneDifference
from sim.statistic.risk_sets import risk_sets
from sim.statistic.rmst_difference import RMSTDifference
from sim.statistic.rmst_single_arm import RMSTSingleArm
from sim.statistic.statistic import NO_LEVEL, Code
from sim.validation.check import REASON, Check, Reference, compare
from sim.validation.data_sets import Analysis, analyses
from sim.validation.data_sets import against as against_rows

FAMILY = "survival_curves"
Z = float(norm.ppf(0.975))


def belongs(row: Reference) -> bool:
    """Tell whether a row is of this family."""
    return row.function in _OF


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold curves, quantiles, milestones and restricted means against the rows."""
    return [check for a in analyses([row for row in rows if belongs(row)]) for check in _OF[a.first.function](a)]


def _against(analysis: Analysis, found: dict[str, float], note: str = "") -> list[Check]:
    return against_rows(FAMILY, analysis, found, rel=0.0, absolute=1e-9, note=note)


def _counts(analysis: Analysis) -> list[Check]:
    sets = risk_sets(*analysis.data)
    return _against(analysis, {"n": float(sets.enrolled[0]), "events": float(sets.events[0])})


def _survival(analysis: Analysis) -> list[Check]:
    transform, time = analysis.first.settings.removeprefix("conf.type=").replace("-", "").split(",time=")
    km = kaplan_meier(*analysis.data, float(time), arms=1)
    s, g = km.survival[0, 0, 0], km.greenwood[0, 0, 0]
    low, high = survival_interval(s, g, 0.95, transform)
    found = {"surv": s, "se_greenwood": s * math.sqrt(g), "lower": low, "upper": high, "at_risk": km.at_risk[0, 0, 0]}
    return _against(analysis, {name: float(value) for name, value in found.items()})


def _quantiles(analysis: Analysis) -> list[Check]:
    settings = analysis.first.settings
    convention = "lrstat" if settings.startswith("transform") else "survfit"
    found = {}
    for quantity in analysis.published:
        point, _, side = quantity.partition("_")
        probability = 0.5 if point == "median" else int(point[1:]) / 100
        interval = quantile_interval(*analysis.data, probability, 0.95, settings.split("=")[1].replace("-", ""), convention)
        found[quantity] = float(interval[0, ["", "lower", "upper"].index(side)])
    return _against(analysis, found)


def _restricted_mean(analysis: Analysis) -> list[Check]:
    tau = float(analysis.first.settings.removeprefix("tau="))
    km = kaplan_meier(*analysis.data, tau, arms=1)
    area, published = float(km.area[0, 0, 0]), analysis.published
    if not km.known[0, 0, 0]:
        note = "nobody is watched until tau: survfit stops at the last time watched, so its area is a lower bound of the curve's, without variance here"
        return [_holds(row, analysis, area >= published["rmst"] - 1e-9, note) for row in analysis.rows]
    found = {"rmst": area, "rmst_se": math.sqrt(km.area_variance[0, 0, 0])}
    # the single-arm test against 1 month, put together from the published numbers
    z = float(RMSTSingleArm(tau, 1.0).test(*analysis.data, NO_LEVEL).z[0])
    expected = (published["rmst"] - 1) / published["rmst_se"]
    return [*_against(analysis, found), compare(FAMILY, analysis.first, f"{analysis.name}: z against 1 month", expected, z, absolute=1e-9)]


def _two_restricted_means(analysis: Analysis) -> list[Check]:
    tau = float(analysis.first.settings.removeprefix("tau="))
    km = kaplan_meier(*analysis.data, tau)
    found = {}
    for arm, label in enumerate(("control", "exp")):
        found[f"rmst_{label}"] = float(km.area[0, 0, arm])
        found[f"rmst_{label}_se"] = math.sqrt(km.area_variance[0, 0, arm])
    difference = RMSTDifference(tau).test(*analysis.data, NO_LEVEL)
    estimate, z = float(difference.estimate[0]), float(difference.z[0])
    found |= {"difference": estimate, "diff_p": 2 * float(norm.sf(abs(z)))}
    found |= {"diff_lower": estimate - Z * estimate / z, "diff_upper": estimate + Z * estimate / z}
    result = RMSTDifference(tau, "ratio").test(*analysis.data, NO_LEVEL)
    ratio = float(result.estimate[0])
    se = math.log(ratio) / float(result.z[0])
    found |= {"ratio": ratio, "ratio_lower": ratio * math.exp(-Z * se), "ratio_upper": ratio * math.exp(Z * se)}
    return _against(analysis, found)


def _difference(analysis: Analysis) -> list[Check]:
    kind, value = analysis.first.settings.split("=")
    horizon, stratified = float(value), analysis.stratified
    milestone = kind == "milestone"
    km = kaplan_meier(*analysis.data, horizon, stratified=stratified)
    if milestone and (not km.known.all() or math.isnan(analysis.published["se"])):
        return _continued_milestone(analysis, km)
    test = MilestoneDifference(horizon, "plain", stratified) if milestone else RMSTDifference(horizon, stratified=stratified)
    km = km if milestone else kaplan_meier(*analysis.data, horizon, stratified=stratified)
    result = test.test(*analysis.data, NO_LEVEL)
    estimate, z = float(result.estimate[0]), float(result.z[0])
    out = [compare(FAMILY, analysis.first, f"{analysis.name}: tested (code)", int(Code.OK), int(result.code[0]))]
    # the error comes from the curves: where z is 0 it cannot be read from the test
    variance = km.survival**2 * km.greenwood if milestone else km.area_variance
    comparable = np.asarray(((km.at_risk > 0) if stratified and not milestone else km.known).all(axis=2))
    se = math.sqrt(float(km.weights(comparable)[0] ** 2 @ variance[0].sum(axis=1)))
    found = {"difference": estimate, "z": z, "se": se, "diff_lower": estimate - Z * se, "diff_upper": estimate + Z * se}
    return out + _against(analysis, found)


def _continued_milestone(analysis: Analysis, km: KaplanMeier) -> list[Check]:
    """lrstat continues a curve whose last patient leaves before the milestone, where no test is made here; no variance where a curve is at 0."""
    weight = (km.patients[0] / km.patients[0].sum()).sum(axis=1)
    survival = km.survival[0]
    estimate = float(weight @ (survival[:, 1] - survival[:, 0]))
    se = math.sqrt(float(weight**2 @ (survival**2 * km.greenwood[0]).sum(axis=1)))
    out = _against(analysis, {"difference": estimate}, "from the curves, the last value continuing")
    if math.isnan(analysis.published["se"]):
        note = "lrstat gives no variance where a curve is at 0; Greenwood's is 0 there"
        rest = [row for row in analysis.rows if row.quantity != "difference"]
        return out + [_holds(row, analysis, bool((survival == 0).any()), note) for row in rest]
    found = {"z": estimate / se, "se": se, "diff_lower": estimate - Z * se, "diff_upper": estimate + Z * se}
    return out + _against(analysis, found, "from the curves, the last value continuing")


def _holds(row: Reference, analysis: Analysis, fact: bool, note: str) -> Check:
    """Check that a row is not comparable for the reason given."""
    check = compare(FAMILY, row, f"{analysis.name}: {row.quantity}, why it is not comparable", 1, float(fact), note=note)
    return replace(check, kind=REASON)


_OF: dict[str, Callable[[Analysis], list[Check]]] = {
    "survfit": _counts,
    "survfit+summary": _survival,
    "survfit+quantile": _quantiles,
    "survQuantile": _quantiles,
    "print.survfit rmean": _restricted_mean,
    "rmst2": _two_restricted_means,
    "rmdiff": _difference,
    "kmdiff": _difference,
}
