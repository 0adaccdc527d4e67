"""Level: reference. Every published row of log-rank sizing.

Formulas agree to 1e-9 relative, lrstat's root searches to 2e-7; times of an event count to 1e-6 months; power to 1e-6 (asked: 1e-5).
rpact's searches for the times of several looks stop at 5e-5 months, hence 1e-4 there and 1e-3 for patients (10 to 15 a month).
"""

import numpy as np
import pytest

from sim.boundary.recursive_integration import crossing_probabilities, efficacy_bounds
from sim.statistic.analytic import freedman, lachin_foulkes, schoenfeld, weighted_logrank
from sim.statistic.analytic.expected_events import expected_dropouts, expected_events, time_of_events
from sim.types import InputError
from tests.analytic.plans import of_design_row
from tests.boundary.spendings import named
from tests.reference.read import rows, vector

ROWS = rows("logrank_design")


def block(name):
    found = [row for row in ROWS if row.block == name]
    return pytest.mark.parametrize("row", found, ids=lambda row: row.id)


@block("events")
def test_events(row):
    if "Freedman" in row.function:
        found = freedman.events(row.hr, row.alpha, 1 - row.beta, row.ratio, "hsieh" if "Hsieh" in row.function else "freedman")
    else:
        found = schoenfeld.events(row.hr, row.alpha, 1 - row.beta, row.ratio, row.hr0)
    assert found == pytest.approx(row.events, rel=2e-7 if row.package == "lrstat" else 1e-9)


@block("power at calendar time")
def test_power_at_calendar_time(row):
    plan = of_design_row(row)
    control, experimental = expected_events(plan, row.time)
    assert control + experimental == pytest.approx(row.events, rel=1e-9)
    assert plan.enrolled(row.time) == pytest.approx(row.subjects, rel=1e-12)
    if "predictTarget" not in row.function:
        direct = "direct" in row.function
        power = (
            weighted_logrank.power(plan, row.time, row.alpha)
            if direct
            else schoenfeld.power(control + experimental, row.hr, row.alpha, row.ratio)
        )
        assert power == pytest.approx(row.power, abs=1e-9)
        return
    score = weighted_logrank.score(plan, row.time)
    hr, variance = weighted_logrank.cox_hazard_ratio(plan, row.time)
    found = (experimental, control, expected_dropouts(plan, row.time), score.u, score.v, -score.z)
    assert found == pytest.approx([row.events_exp, row.events_control, row.dropouts, row.uscore, row.vscore, row.logrank_z], rel=1e-9)
    # lrstat stops its root search for the Cox limit at 1e-6
    assert (hr, variance, np.log(hr) / np.sqrt(variance)) == pytest.approx((row.cox_hr, row.var_log_hr, row.cox_z), rel=1e-5)


@block("time of an event count")
def test_time_of_an_event_count(row):
    assert time_of_events(of_design_row(row), row.events) == pytest.approx(row.time, abs=1e-6)


@block("power at an event count")
def test_power_at_an_event_count(row):
    assert schoenfeld.power(row.events, row.hr, row.alpha, row.ratio) == pytest.approx(row.power, abs=1e-9)
    assert time_of_events(of_design_row(row), row.events) == pytest.approx(row.time, abs=1e-6)


@block("follow-up for power")
def test_followup_for_power(row):
    plan = of_design_row(row)
    direct = "direct" in row.function
    events = schoenfeld.events(row.hr, row.alpha, 1 - row.beta, row.ratio)
    if row.followup_needed > 1e6:
        # The target is out of reach however long the follow-up. lrstat looks at 1.4e17 months, where neighbouring doubles lie 16 apart,
        # so that of 20 months of accrual it counts 16: its events are 16/20 of those there are.
        with pytest.raises(InputError, match="allowed"):
            weighted_logrank.time_for_power(plan, row.alpha, 1 - row.beta, 1e4) if direct else lachin_foulkes.followup_for_events(
                plan, events
            )
        assert np.spacing(row.followup_needed) == 16
        reachable = sum(expected_events(plan, 1e4)) * 16 / row.accrual_duration
        assert reachable == pytest.approx(row.events, rel=1e-6)
        assert schoenfeld.power(reachable, row.hr, row.alpha, row.ratio) == pytest.approx(row.power, abs=1e-6)
        return
    if direct:
        found = weighted_logrank.time_for_power(plan, row.alpha, 1 - row.beta, 1e3) - row.accrual_duration
    else:
        found = lachin_foulkes.followup_for_events(plan, events)
    assert found == pytest.approx(row.followup_needed, abs=1e-6)


@block("accrual rate for power")
def test_accrual_rate_for_power(row):
    method = next(m for m in lachin_foulkes.METHODS if m.replace("_", "") in row.function.lower())
    found = lachin_foulkes.size(of_design_row(row), row.hr, row.followup, row.alpha, 1 - row.beta, method)
    assert (found.patients, found.events, found.accrual_factor) == pytest.approx(
        (row.subjects, row.events, row.accrual_rate_needed), rel=1e-9
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row.block.startswith("group sequential")], ids=lambda row: row.id)
def test_group_sequential_power(row):
    plan, fractions = of_design_row(row), np.array(vector(row.information_rates))
    bounds = efficacy_bounds(tuple(fractions), row.alpha, named(row.spending, row.spending_parameter))
    last = row.events if row.package == "rpact" else sum(expected_events(plan, row.time))
    events = fractions * last
    times = np.array([time_of_events(plan, d) for d in events])
    loose = row.package == "rpact"
    assert bounds == pytest.approx(vector(row.look_z), abs=1e-6 if loose else 1e-5)
    assert events == pytest.approx(vector(row.look_events), rel=1e-9)
    assert times == pytest.approx(vector(row.look_times), abs=1e-4 if loose else 1e-6)
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
    assert np.cumsum(crossed.upper) == pytest.approx(vector(row.look_power), abs=1e-6)
    assert crossed.ends @ events == pytest.approx(row.expected_events, abs=1e-4)
    assert crossed.ends @ times == pytest.approx(row.expected_duration, abs=1e-4)
    assert crossed.ends @ patients == pytest.approx(row.expected_subjects, abs=1e-3)
    # the smallest observed effect that crosses
    assert np.exp(log_hr) == pytest.approx(vector(row.look_hr), abs=1e-5)


def test_every_block_is_read():
    blocks = {"events", "power at calendar time", "time of an event count", "power at an event count", "follow-up for power"}
    blocks |= {"accrual rate for power", "group sequential power", "group sequential power at an event count"}
    assert {row.block for row in ROWS} == blocks
