"""Level: reference. Published power and accrual of single-arm milestone and RMST tests, to 1e-9: lrstat uses the same formulas."""

import numpy as np
import pytest
from scipy.optimize import brentq

from sim.boundary.recursive_integration import crossing_probabilities
from sim.statistic.analytic.estimate import power_one_sample
from sim.statistic.analytic.expected_events import expected_dropouts, expected_events
from sim.statistic.analytic.milestone import milestone
from sim.statistic.analytic.rmst import rmst
from tests.analytic.plans import of_one_sample_row
from tests.reference.read import rows, vector

ROWS = [row for row in rows("one_sample") if row.function[:2] in ("km", "rm")]
FIXED = [row for row in ROWS if "kMax" not in row.function]
SEQUENTIAL = [row for row in ROWS if "kMax" in row.function]


@pytest.mark.parametrize("row", FIXED, ids=lambda row: row.id)
def test_fixed_design(row):
    plan = of_one_sample_row(row)
    end = plan.accrual_duration + row.followup
    estimate = (milestone if row.function.startswith("km") else rmst)(plan, end, row.milestone)
    assert power_one_sample(estimate, row.h0, row.alpha) == pytest.approx(row.power, abs=1e-9)
    assert 1 / estimate.variance == pytest.approx(row.information, rel=1e-9)
    assert sum(expected_events(plan, end)) == pytest.approx(row.events, rel=1e-9)
    assert plan.enrolled(end) == pytest.approx(row.subjects, rel=1e-9)
    if np.isfinite(row.h1):
        assert estimate.value == pytest.approx(row.h1, rel=1e-12)
        assert expected_dropouts(plan, end) == pytest.approx(row.dropouts, rel=1e-9)


@pytest.mark.parametrize("row", SEQUENTIAL, ids=lambda row: row.id)
def test_group_sequential_milestone(row):
    plan = of_one_sample_row(row)
    end = plan.accrual_duration + row.followup
    last = milestone(plan, end, row.milestone)

    def missing(calendar, fraction=0.6):
        return 1 / milestone(plan, calendar, row.milestone).variance - fraction / last.variance

    interim = brentq(missing, row.milestone + 0.01, end)
    # lrstat's search for the time stops at 1e-6 or so, and so do its bounds
    assert (interim, end) == pytest.approx(vector(row.look_times), abs=1e-5)
    mean = (last.value - row.h0) / np.sqrt(last.variance)
    crossed = crossing_probabilities((0.6, 1.0), np.array(vector(row.look_z)), mean=mean)
    assert np.cumsum(crossed.upper) == pytest.approx(vector(row.look_power), abs=1e-5)
    assert crossed.ends @ (interim, end) == pytest.approx(row.expected_duration, abs=1e-4)
