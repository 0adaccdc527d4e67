"""Sizing and power of the log-rank test: events, power, patients, times, follow-up, accrual, group-sequential power.

Formulas agree to 1e-9 relative, lrstat's root searches to 2e-7; times of an event count to 1e-6 months; power to 1e-6 (asked: 1e-5).
rpact's searches for the times of several looks stop at 5e-5 months, hence 1e-4 there and 1e-3 for patients (10 to 15 a month).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sim.boundary.recursive_integration import crossing_probabilities, efficacy_bounds
from sim.statistic.analytic import freedman, lachin_foulkes, schoenfeld, weighted_logrank
from sim.statistic.analytic.expected_events import TwoArmPlan, expected_dropouts, expected_events, time_of_events
from sim.types import InputError
from sim.validation.check import Check, Reference, compare
from sim.validation.gs_bounds import named
from sim.validation.plans import of_design_row
from sim.validation.reading import vector

FAMILY = "logrank_design"
_against = partial(compare, FAMILY)


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold every block of log-rank sizing against the rows."""
    return [check for row in rows if row.block in BLOCKS for check in (*BLOCKS[row.block](row), *_looks(row), *_plan(row))]


def _plan(row: Reference) -> list[Check]:
    """The plan's own figures: its hazard ratio, when its follow-up ends, who has entered by then."""
    if not isinstance(row.lambda_exp, str):
        return []
    plan = of_design_row(row)
    ratios = np.array(vector(row.lambda_exp)) / np.array(vector(row.lambda_control))
    constant = np.full(len(ratios), row.hr)
    out = [_against(row, "hazard ratio of the plan", constant, ratios, rel=1e-9)] if np.isfinite(row.hr) else []
    if row.block in TO_THE_END and np.isfinite(row.followup):
        out.append(_against(row, "months in all", row.time, row.accrual_duration + row.followup, rel=1e-12))
    if np.isfinite(row.subjects) and isinstance(row.accrual_rates, str) and row.time < 1e6:
        out.append(_against(row, "patients at the end", row.subjects, plan.enrolled(row.time), rel=1e-9))
    return out


def _looks(row: Reference) -> list[Check]:
    """A row that names no information has one look."""
    looks = len(vector(row.information_rates)) if isinstance(row.information_rates, str) else 1
    return [_against(row, "looks", row.looks, looks)] if np.isfinite(row.looks) else []


def _events(row: Reference) -> list[Check]:
    if "Freedman" in row.function:
        found = freedman.events(row.hr, row.alpha, 1 - row.beta, row.ratio, "hsieh" if "Hsieh" in row.function else "freedman")
    else:
        found = schoenfeld.events(row.hr, row.alpha, 1 - row.beta, row.ratio, row.hr0)
    return [_against(row, "events", row.events, found, rel=2e-7 if row.package == "lrstat" else 1e-9)]


def _power_at_calendar_time(row: Reference) -> list[Check]:
    plan = of_design_row(row)
    control, experimental = expected_events(plan, row.time)
    out = [
        _against(row, "expected events", row.events, control + experimental, rel=1e-9),
        _against(row, "patients", row.subjects, plan.enrolled(row.time), rel=1e-12),
        _against(row, "dropouts", row.dropouts, expected_dropouts(plan, row.time), rel=1e-9, absolute=1e-12),
    ]
    if "predictTarget" not in row.function:
        if "direct" in row.function:
            power = weighted_logrank.power(plan, row.time, row.alpha)
        else:
            power = schoenfeld.power(control + experimental, row.hr, row.alpha, row.ratio)
        return [*out, _against(row, "power", row.power, power, absolute=1e-9)]
    score = weighted_logrank.score(plan, row.time)
    hr, variance = weighted_logrank.cox_hazard_ratio(plan, row.time)
    for name, expected, got in (
        ("events, experimental", row.events_exp, experimental),
        ("events, control", row.events_control, control),
        ("expected score", row.uscore, score.u),
        ("variance of the score", row.vscore, score.v),
        ("expected z", row.logrank_z, -score.z),
    ):
        out.append(_against(row, name, expected, got, rel=1e-9, absolute=1e-12))
    for name, expected, got in (
        ("limit of the Cox hazard ratio", row.cox_hr, hr),
        ("variance of its logarithm", row.var_log_hr, variance),
        ("expected Cox z", row.cox_z, float(np.log(hr) / np.sqrt(variance))),
    ):
        out.append(_against(row, name, expected, got, rel=1e-5, note="lrstat's root search for the Cox limit stops at 1e-6"))
    return out


def _time_of_an_event_count(row: Reference) -> list[Check]:
    return [_against(row, "months to the events", row.time, time_of_events(of_design_row(row), row.events), absolute=1e-6)]


def _power_at_an_event_count(row: Reference) -> list[Check]:
    power = schoenfeld.power(row.events, row.hr, row.alpha, row.ratio)
    return [_against(row, "power", row.power, power, absolute=1e-9), *_time_of_an_event_count(row)]


def _followup_for_power(row: Reference) -> list[Check]:
    plan = of_design_row(row)
    direct = "direct" in row.function
    events = schoenfeld.events(row.hr, row.alpha, 1 - row.beta, row.ratio)
    if row.followup_needed > 1e6:
        return _out_of_reach(row, plan, events, direct)
    if direct:
        found = weighted_logrank.time_for_power(plan, row.alpha, 1 - row.beta, 1e3) - row.accrual_duration
    else:
        found = lachin_foulkes.followup_for_events(plan, events)
    end = row.accrual_duration + found
    out = [
        _against(row, "months of follow-up", row.followup_needed, found, absolute=1e-6),
        _against(row, "months in all", row.time, end, absolute=1e-6),
        # a root search of 1e-6 months leaves as many events, at 10 or so a month, and less power
        _against(row, "events", row.events, sum(expected_events(plan, end)), absolute=1e-5),
    ]
    if np.isfinite(row.power):
        power = weighted_logrank.power(plan, end, row.alpha) if direct else schoenfeld.power(events, row.hr, row.alpha, row.ratio)
        out.append(_against(row, "power", row.power, power, absolute=1e-6))
    return out


def _out_of_reach(row: Reference, plan: TwoArmPlan, events: float, direct: bool) -> list[Check]:
    """The target is out of reach however long the follow-up: refused here, where lrstat answers with an impossible time."""
    try:
        if direct:
            weighted_logrank.time_for_power(plan, row.alpha, 1 - row.beta, 1e4)
        else:
            lachin_foulkes.followup_for_events(plan, events)
        refused = False
    except InputError as error:
        refused = "allowed" in str(error)
    # lrstat looks at 1.4e17 months or so, where neighbouring doubles lie 16 apart, so that of 20 months of accrual it counts 16
    counted = (row.followup_needed + row.accrual_duration) - row.followup_needed
    reachable = sum(expected_events(plan, 1e4)) * counted / row.accrual_duration
    answer = f"lrstat answers {row.followup_needed:.1e} months, and counts {counted:g} of {row.accrual_duration:g} months of accrual"
    note = f"out of reach: refused here; {answer}"
    return [
        _against(row, "refused", 1, refused, note=note),
        _against(row, "accrual that doubles resolve there is not the plan's", 1, counted != row.accrual_duration, note=note),
        _against(row, "events ever, as lrstat counts", row.events, reachable, rel=1e-6, note=note),
        _against(
            row, "power, as lrstat counts", row.power, schoenfeld.power(reachable, row.hr, row.alpha, row.ratio), absolute=1e-6, note=note
        ),
    ]


def _accrual_rate_for_power(row: Reference) -> list[Check]:
    method = next(m for m in lachin_foulkes.METHODS if m.replace("_", "") in row.function.lower())
    found = lachin_foulkes.size(of_design_row(row), row.hr, row.followup, row.alpha, 1 - row.beta, method)
    return [
        _against(row, "patients", row.subjects, found.patients, rel=1e-9),
        _against(row, "events", row.events, found.events, rel=1e-9),
        _against(row, "accrual per month", row.accrual_rate_needed, found.accrual_factor, rel=1e-9),
    ]


def _group_sequential_power(row: Reference) -> list[Check]:
    plan, fractions = of_design_row(row), np.array(vector(row.information_rates))
    bounds = efficacy_bounds(tuple(fractions), row.alpha, named(row.spending, row.spending_parameter))
    loose = row.package == "rpact"
    events = fractions * (row.events if loose else sum(expected_events(plan, row.time)))
    times = np.array([time_of_events(plan, d) for d in events])
    if "direct" in row.function:
        scores = [weighted_logrank.score(plan, t) for t in times]
        information, mean = np.array([s.v for s in scores]), np.array([s.z for s in scores])
        log_hr = -bounds * np.sqrt([weighted_logrank.cox_hazard_ratio(plan, t)[1] for t in times])
    else:
        information = events * row.ratio / (1 + row.ratio) ** 2
        mean = -np.log(row.hr) * np.sqrt(information)
        log_hr = -bounds / np.sqrt(information)
    crossed = crossing_probabilities(information, bounds, mean=mean)
    patients = np.array([plan.enrolled(t) for t in times])
    return [
        _against(row, "efficacy bounds, z", vector(row.look_z), bounds, absolute=1e-6 if loose else 1e-5),
        _against(row, "events at the looks", vector(row.look_events), events, rel=1e-9),
        _against(row, "events", row.events, sum(expected_events(plan, row.time)), rel=1e-6 if loose else 1e-9),
        _against(row, "power", row.power, crossed.upper.sum(), absolute=1e-6),
        _against(row, "months of the looks", vector(row.look_times), times, absolute=1e-4 if loose else 1e-6),
        _against(row, "cumulative power", vector(row.look_power), np.cumsum(crossed.upper), absolute=1e-6),
        _against(row, "expected events", row.expected_events, crossed.ends @ events, absolute=1e-4),
        _against(row, "expected duration, months", row.expected_duration, crossed.ends @ times, absolute=1e-4),
        _against(row, "expected patients", row.expected_subjects, crossed.ends @ patients, absolute=1e-3),
        _against(row, "hazard ratio just significant", vector(row.look_hr), np.exp(log_hr), absolute=1e-5),
    ]


TO_THE_END = ("power at calendar time", "accrual rate for power", "group sequential power")
"""Blocks whose rows end with the planned follow-up; in the others the time is found."""

BLOCKS: dict[str, Callable[[Reference], list[Check]]] = {
    "events": _events,
    "power at calendar time": _power_at_calendar_time,
    "time of an event count": _time_of_an_event_count,
    "power at an event count": _power_at_an_event_count,
    "follow-up for power": _followup_for_power,
    "accrual rate for power": _accrual_rate_for_power,
    "group sequential power": _group_sequential_power,
    "group sequential power at an event count": _group_sequential_power,
}
