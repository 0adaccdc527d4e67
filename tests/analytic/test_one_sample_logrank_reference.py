"""Level: reference. Published Monte Carlo power of the one-sample log-rank test, 100,000 trials a row.

Expected events are exact, so they are held to 4 standard errors. The power is asymptotic: first order in the variance estimate ("delta")
it comes within 0.006 of the simulated power above 0.5 in every row, and Wu's, which holds the variance estimate fixed, within 0.027.
"""

import math

import pytest

from sim.statistic.analytic.one_sample_logrank import moments, power
from tests.analytic.curves import piecewise
from tests.reference.read import rows, vector

ROWS = [row for row in rows("one_sample") if row.function.startswith("Monte Carlo one-sample log-rank")]
EFFECT = [row for row in ROWS if not row.scenario.endswith("H0")]


def of(row):
    variance = "mean" if row.function.endswith("sqrt((O+E)/2)") else "null"
    m = moments(
        piecewise((0.0,), (row.lambda_h0,)),
        piecewise(vector(row.pw_times), vector(row["lambda"])),
        row.accrual_duration,
        row.followup,
        row.dropout,
    )
    return m, variance


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_expected_events(row):
    m, _ = of(row)
    standard_error = math.sqrt(row.subjects * m.events * (1 - m.events) / row.n_sim)
    assert row.subjects * m.events == pytest.approx(row.events, abs=4 * standard_error)


@pytest.mark.parametrize("row", EFFECT, ids=lambda row: row.id)
def test_power(row):
    m, variance = of(row)
    assert power(row.subjects, m, row.alpha, variance, "delta") == pytest.approx(row.power, abs=0.006)
    assert power(row.subjects, m, row.alpha, variance, "wu2015") == pytest.approx(row.power, abs=0.027)


def test_there_are_rows_of_both_kinds():
    assert len(ROWS) > len(EFFECT) >= 10
