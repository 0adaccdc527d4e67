"""Analytic power, average hazard ratios and expected events under delayed, crossing and waning effects.

Against the package whose method is implemented 1e-9 (asked: 1e-5): lrstat for weighted log-rank, milestone and RMST, gsDesign2 for the
average hazard ratio, npsurvSS for the milestone and the percentile (1e-5). The others integrate on grids of their own: 1e-3, as lrstat and
npsurvSS differ by 7e-4. gsDesign2's weighted log-rank is integrated adaptively across the step of the hazards, stopping at a relative
error of 1e-4: 3e-4, seen up to 1.2e-4, and 1e-15 where its nodes happen to meet the step. MaxCombo 1e-3: gsDesign2's integrator is
randomised and leaves 3 to 4 digits.
npsurvSS names the exponents of Fleming-Harrington the other way round: its p0_q1 weighs early events, FH(1, 0).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.stats import norm

from sim.statistic.analytic import average_hazard_ratio as average
from sim.statistic.analytic import maxcombo, weighted_logrank
from sim.statistic.analytic.estimate import Estimate, power_two_sample
from sim.statistic.analytic.expected_events import expected_events, time_of_events
from sim.statistic.analytic.maxcombo_looks import Look, sequential_maxcombo
from sim.statistic.analytic.milestone import milestone
from sim.statistic.analytic.percentile import percentile
from sim.statistic.analytic.rmst import rmst
from sim.statistic.analytic.weights import LOGRANK, FlemingHarrington, ModestlyWeighted, Weight
from sim.validation.check import Check, Reference, compare
from sim.validation.gs_bounds import named
from sim.validation.plans import of_nph_row
from sim.validation.reading import vector

FAMILY = "nph"
FUNCTIONALS: dict[str, Callable[..., Estimate]] = {
    "RMST": rmst,
    "rmst": rmst,
    "milestone": milestone,
    "survival": milestone,
    "percentile": percentile,
}
_against = partial(compare, FAMILY)


def kind(row: Reference) -> str:
    """Return which computation a row asks for, or "" where there is none."""
    test = str(row.test)
    if row.function.startswith("gs_power_combo"):
        return "maxcombo looks"
    if weight(row) is not None:
        return "weighted log-rank"
    if test.startswith("maxcombo"):
        return "maxcombo"
    if test.split()[0] in FUNCTIONALS:
        return "estimate"
    for start, name in (("ahr", "ahr"), ("fixed_design_ahr", "ahr power"), ("expected_time", "time"), ("expected_event(control", "events")):
        if row.function == start or (start != "ahr" and row.function.startswith(start)):
            return name
    return ""


def weight(row: Reference) -> Weight | None:
    """Return the weight of a row's log-rank test, or None where it is another test.

    Notes
    -----
    "FH(0,0.5)" of lrstat; "fh05" and "mb", with or without the suffix "_h1_info", of gsDesign2, whose modestly weighted test rises until
    the hazards change; "weighted logrank FH_p0_q1" of npsurvSS, which names the exponents the other way round.
    """
    test = str(row.test)
    if test == "weighted logrank":
        return LOGRANK
    if test.removesuffix("_h1_info") == "mb":
        return ModestlyWeighted(float(row.change_time))
    for pattern, order in (
        (r"FH\(([\d.]+),([\d.]+)\)", 1),
        (r"fh(\d)(\d)(?:_h1_info)?", 1),
        (r"weighted logrank FH_p([\d.]+)_q([\d.]+)", -1),
    ):
        if found := re.fullmatch(pattern, test):
            return FlemingHarrington(*[float(x) for x in found.groups()][::order])
    return None


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold the analytic results against the rows."""
    of_kind = {
        "weighted log-rank": _weighted_logrank,
        "maxcombo": _maxcombo,
        "maxcombo looks": _maxcombo_looks,
        "estimate": _estimate,
        "ahr": _average_hazard_ratio,
        "ahr power": _ahr_power,
        "time": _time,
        "events": _events,
    }
    return [check for row in rows if kind(row) for check in (*of_kind[kind(row)](row), *_plan(row))]


def _plan(row: Reference) -> list[Check]:
    """The plan's own figures: when the follow-up ends, and who has entered by then."""
    plan = of_nph_row(row)
    out = [_against(row, "months in all", row.accrual_duration + row.followup, row.total_time, absolute=1e-9)]
    if np.isfinite(row.subjects):
        note = "gsDesign2 scales the accrual until the power is met, to 1e-3 patients"
        out.append(_against(row, "patients", row.subjects, plan.enrolled(row.total_time), absolute=1e-3, note=note))
    if np.isfinite(row.events) and kind(row) in ("estimate", "maxcombo", "ahr power"):
        expected = sum(expected_events(plan, row.total_time))
        out.append(_against(row, "expected events", row.events, expected, absolute=1e-3 if row.package == "gsDesign2" else 1e-9))
    if np.isfinite(row.bound_z) and kind(row) != "maxcombo":
        out.append(_against(row, "critical value", row.bound_z, norm.isf(row.alpha), absolute=1e-12))
    if np.isfinite(row.time) and np.isfinite(row.power):
        out.append(_against(row, "month of the analysis", row.time, row.total_time, absolute=1e-12))
    return out


def _weighted_logrank(row: Reference) -> list[Check]:
    plan, weighing = of_nph_row(row), weight(row)
    assert weighing is not None
    exact = row.package == "lrstat"
    # gsDesign2's default sets the critical value by the information without effect
    information = "both" if row.package == "gsDesign2" and not row.test.endswith("h1_info") else "alternative"
    power = weighted_logrank.power(plan, row.total_time, row.alpha, weighing, information)
    adaptive = "gsDesign2 integrates across the step of the hazards to a relative error of 1e-4"
    tolerance = {"lrstat": (1e-9, ""), "gsDesign2": (3e-4, adaptive)}.get(row.package, (1e-3, ""))
    out = [_against(row, f"power, {row.test}", row.power, power, absolute=tolerance[0], note=tolerance[1])]
    if row.package == "gsDesign2":
        ratio = weighted_logrank.one_step_hazard_ratio(replace(plan, ratio=1.0), row.total_time, weighing)
        note = "gsDesign2 prints the ratio as if patients were allocated 1:1"
        out.append(_against(row, "hazard ratio, one step", row.ahr, ratio, absolute=3e-4, note=note))
    if np.isfinite(row.events):
        out.append(_against(row, "expected events", row.events, sum(expected_events(plan, row.total_time)), rel=1e-9))
    if exact:
        score = weighted_logrank.score(plan, row.total_time, weighing)
        hr, variance = weighted_logrank.cox_hazard_ratio(plan, row.total_time, weighing)
        out += [
            _against(row, "expected score", row.uscore, score.u, rel=1e-9, absolute=1e-12),
            _against(row, "variance of the score", row.vscore, score.v, rel=1e-9, absolute=1e-12),
            _against(row, "expected z", row.expected_z, -score.z, rel=1e-9, absolute=1e-12),
            _against(row, "limit of the Cox hazard ratio", row.cox_hr, hr, rel=1e-5, note="lrstat's root search stops at 1e-6"),
            _against(row, "variance of its logarithm", row.var_log_hr, variance, rel=1e-5, note="lrstat's root search stops at 1e-6"),
        ]
    return out


def _maxcombo(row: Reference) -> list[Check]:
    plan, weights = of_nph_row(row), maxcombo.USUAL[: int(row.test[-1])]
    joint = maxcombo.joint_score(plan, row.total_time, weights)
    level = 1 - maxcombo.below(np.full(len(weights), row.bound_z), joint.correlation)
    note = "gsDesign2's integrator is randomised"
    return [
        _against(row, "power", row.power, maxcombo.power(plan, row.total_time, row.alpha, weights), absolute=1e-3, note=note),
        _against(row, "level at the published bound", row.alpha, level, absolute=2e-4, note=note),
    ]


def looks(row: Reference) -> tuple[Look, ...]:
    """Return the looks of a group-sequential row, "log-rank at look 1; FH(0,0)+FH(0,1) at look 2".

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> looks(SimpleNamespace(test="log-rank at look 1; FH(0,0)+FH(0,1) at look 2", look_times="16;22"))[1]
    Look(calendar=22.0, weights=((0.0, 0.0), (0.0, 1.0)))
    """
    out = []
    for time, text in zip(vector(row.look_times), row.test.split(";"), strict=True):
        pairs = re.findall(r"FH\(([\d.]+),([\d.]+)\)", text) or [(0, 0)]
        out.append(Look(time, tuple((float(rho), float(gamma)) for rho, gamma in pairs)))
    return tuple(out)


def _maxcombo_looks(row: Reference) -> list[Check]:
    found = sequential_maxcombo(of_nph_row(row), looks(row), row.alpha, named(re.findall(r"sf\w+", row.function)[0], 0.0))
    note = "gsDesign2's integrator is randomised"
    return [
        _against(row, "critical values", vector(row.look_z), found.bounds, absolute=1e-3, note=note),
        _against(row, "level up to each look", vector(row.look_alpha), found.alpha, absolute=2e-4, note=note),
        _against(row, "power up to each look", vector(row.look_power), found.power, absolute=1e-3, note=note),
    ]


def _average_hazard_ratio(row: Reference) -> list[Check]:
    found = average.average_hazard_ratio(of_nph_row(row), row.time)
    return [
        _against(row, "average hazard ratio", row.ahr, found.ahr, rel=1e-9),
        _against(row, "expected events", row.events, found.events, rel=1e-9),
        _against(row, "information, effect", row["info"], found.information, rel=1e-9),
        _against(row, "information, no effect", row.info0, found.information_null, rel=1e-9),
    ]


def _ahr_power(row: Reference) -> list[Check]:
    plan, information = of_nph_row(row), "alternative" if row.function.endswith("h1_info") else "both"
    return [
        _against(row, "power", row.power, average.power(plan, row.total_time, row.alpha, information), absolute=1e-9),
        _against(row, "average hazard ratio", row.ahr, average.average_hazard_ratio(plan, row.total_time).ahr, rel=1e-9),
    ]


def _time(row: Reference) -> list[Check]:
    # gsDesign2 stops within 1e-3 of the events asked for, so its own count is asked for here
    plan = of_nph_row(row)
    return [
        _against(row, "months to the events", row.time, time_of_events(plan, row.events), absolute=1e-6),
        _against(row, "average hazard ratio", row.ahr, average.average_hazard_ratio(plan, row.time).ahr, rel=1e-9),
        _against(row, "events asked for", row.target_events, sum(expected_events(plan, row.time)), absolute=1e-3),
    ]


def _events(row: Reference) -> list[Check]:
    plan = of_nph_row(row)
    found = sum(expected_events(replace(plan, experimental=plan.control), row.time))
    return [_against(row, "expected events, control hazard in both arms", row.events, found, rel=1e-9)]


def _estimate(row: Reference) -> list[Check]:
    plan = of_nph_row(row)
    at = row.milestone if np.isfinite(row.milestone) else float(row.test.split()[-1])
    functional = FUNCTIONALS[row.test.split()[0]]
    experimental, control = (functional(plan, row.total_time, at, arm) for arm in ("experimental", "control"))
    exact = row.package == "lrstat"
    power = power_two_sample(experimental, control, row.alpha)
    out = [_against(row, "power", row.power, power, absolute=1e-9 if exact else 1e-5)]
    if exact:
        information = 1 / (experimental.variance + control.variance)
        out += [
            _against(row, "estimate, experimental", row.estimate_exp, experimental.value, rel=1e-9),
            _against(row, "estimate, control", row.estimate_control, control.value, rel=1e-9),
            _against(row, "difference", row.difference, experimental.value - control.value, rel=1e-9, absolute=1e-12),
            _against(row, "information", row.information, information, rel=1e-9),
        ]
    return out
