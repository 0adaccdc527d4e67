"""Level: properties. What must hold of analytic log-rank sizing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.statistic.analytic import average_hazard_ratio, freedman, lachin_foulkes, schoenfeld, weighted_logrank
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan, expected_dropouts, expected_events, time_of_events
from sim.statistic.analytic.weights import FlemingHarrington
from sim.types import InputError

FLAT = PiecewiseRate((0.0,), (0.25,))
BETTER = PiecewiseRate((0.0,), (0.15,))
PLAN = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 16.0, FLAT, BETTER, 1.0, 0.02, 0.02)
LATE = FlemingHarrington(0, 1)
HR = st.floats(0.2, 0.9)
ALPHA = st.floats(0.005, 0.2)
POWER = st.floats(0.3, 0.99)
RATIO = st.floats(0.25, 4)


@given(hr=HR, alpha=ALPHA, power=POWER, ratio=RATIO)
@settings(max_examples=100, deadline=None)
def test_events_and_power_are_inverse(hr, alpha, power, ratio):
    assert schoenfeld.power(schoenfeld.events(hr, alpha, power, ratio), hr, alpha, ratio) == pytest.approx(power, abs=1e-12)
    for formula in freedman.FORMULAS:
        assert freedman.power(freedman.events(hr, alpha, power, ratio, formula), hr, alpha, ratio, formula) == pytest.approx(
            power, abs=1e-12
        )


@given(hr=HR, alpha=ALPHA, power=POWER, ratio=RATIO)
@settings(max_examples=100, deadline=None)
def test_swapping_the_arms_changes_nothing(hr, alpha, power, ratio):
    assert schoenfeld.events(1 / hr, alpha, power, 1 / ratio) == pytest.approx(schoenfeld.events(hr, alpha, power, ratio), rel=1e-12)
    assert freedman.events(1 / hr, alpha, power, 1 / ratio) == pytest.approx(freedman.events(hr, alpha, power, ratio), rel=1e-12)
    swapped = TwoArmPlan(PLAN.accrual, 16.0, BETTER, FLAT, 1 / ratio, 0.02, 0.02)
    straight = replace(PLAN, ratio=ratio)
    assert weighted_logrank.score(swapped, 20.0, LATE).z == pytest.approx(-weighted_logrank.score(straight, 20.0, LATE).z, rel=1e-12)


@given(unit=st.floats(0.05, 20))
@settings(max_examples=30, deadline=None)
def test_the_unit_of_time_does_not_matter(unit):
    def scaled(rate):
        return PiecewiseRate(tuple(b * unit for b in rate.breaks), tuple(r / unit for r in rate.rates))

    other = TwoArmPlan(scaled(PLAN.accrual), 16.0 * unit, scaled(FLAT), scaled(BETTER), 1.0, 0.02 / unit, 0.02 / unit)
    assert expected_events(other, 20.0 * unit) == pytest.approx(expected_events(PLAN, 20.0), rel=1e-11)
    assert time_of_events(other, 100.0) == pytest.approx(unit * time_of_events(PLAN, 100.0), rel=1e-9)
    assert weighted_logrank.power(other, 20.0 * unit, 0.025, LATE) == pytest.approx(
        weighted_logrank.power(PLAN, 20.0, 0.025, LATE), abs=1e-11
    )


@given(calendar=st.floats(0.5, 300))
@settings(max_examples=60, deadline=None)
def test_nobody_is_counted_twice(calendar):
    events, lost, enrolled = sum(expected_events(PLAN, calendar)), expected_dropouts(PLAN, calendar), PLAN.enrolled(calendar)
    assert 0 < events + lost <= enrolled * (1 + 1e-12)
    if calendar > 200:
        assert events + lost == pytest.approx(enrolled, rel=1e-9)


def test_time_of_events_is_the_inverse_of_expected_events():
    for d in (1.0, 60.0, 126.0, 140.0):
        assert sum(expected_events(PLAN, time_of_events(PLAN, d))) == pytest.approx(d, rel=1e-10)


@pytest.mark.parametrize("method", lachin_foulkes.METHODS)
def test_size_reaches_its_own_power(method):
    found = lachin_foulkes.size(PLAN, 0.6, 4.0, 0.025, 0.85, method)
    scaled = replace(PLAN, accrual=PiecewiseRate((0.0,), (10.0 * found.accrual_factor,)))
    assert found.patients == pytest.approx(scaled.enrolled(16.0), rel=1e-12)
    if method in ("lachin_foulkes", "bernstein_lagakos"):
        assert lachin_foulkes.power(scaled, 0.6, 20.0, 0.025, method) == pytest.approx(0.85, abs=1e-12)
    else:
        formula = schoenfeld if method == "schoenfeld" else freedman
        assert formula.power(sum(expected_events(scaled, 20.0)), 0.6, 0.025) == pytest.approx(0.85, abs=1e-12)


def test_duration_and_followup_for_events():
    duration = lachin_foulkes.accrual_for_events(PLAN, 120.0, 4.0)
    assert sum(expected_events(replace(PLAN, accrual_duration=duration), duration + 4.0)) == pytest.approx(120.0, rel=1e-10)
    followup = lachin_foulkes.followup_for_events(PLAN, 120.0)
    assert sum(expected_events(PLAN, 16.0 + followup)) == pytest.approx(120.0, rel=1e-10)


def test_no_effect_gives_alpha():
    same = replace(PLAN, experimental=FLAT)
    assert average_hazard_ratio.power(same, 20.0, 0.025, "alternative") == pytest.approx(0.025, abs=1e-12)
    assert average_hazard_ratio.average_hazard_ratio(PLAN, 20.0).ahr == pytest.approx(0.6, abs=1e-12)
    assert weighted_logrank.power(same, 20.0, 0.025) == pytest.approx(0.025, abs=1e-12)
    assert weighted_logrank.cox_hazard_ratio(PLAN, 20.0)[0] == pytest.approx(0.6, abs=1e-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda: schoenfeld.events(1.0),
        lambda: schoenfeld.events(-0.6),
        lambda: schoenfeld.events(0.6, alpha=0.0),
        lambda: schoenfeld.events(0.6, power=1.0),
        lambda: schoenfeld.power(0, 0.6),
        lambda: freedman.events(0.6, formula="other"),
        lambda: time_of_events(PLAN, 160.0),
        lambda: lachin_foulkes.followup_for_events(PLAN, 20.0),
        lambda: lachin_foulkes.size(PLAN, 0.6, -1.0),
        lambda: lachin_foulkes.size(PLAN, 0.6, 4.0, method="other"),
        lambda: weighted_logrank.time_for_power(PLAN, 0.025, 0.999, 30.0),
        lambda: expected_events(PLAN, 0.0),
        lambda: average_hazard_ratio.power(replace(PLAN, experimental=PiecewiseRate((0.0, 2.0), (0.2, 0.0))), 20.0),
        lambda: average_hazard_ratio.power(PLAN, 20.0, information="none"),
        lambda: PiecewiseRate((1.0,), (0.2,)),
        lambda: PiecewiseRate((0.0, 2.0), (0.2,)),
        lambda: PiecewiseRate((0.0,), (-0.2,)),
        lambda: replace(PLAN, ratio=0.0),
        lambda: replace(PLAN, accrual_duration=np.inf),
        lambda: replace(PLAN, dropout_control=-0.1),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(InputError, match="allowed"):
        call()
