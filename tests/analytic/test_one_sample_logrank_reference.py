"""Level: reference. Published Monte Carlo power of the one-sample log-rank test, 100,000 trials a row.

Expected events are exact, so they are held to 4 standard errors. The power is asymptotic: first order in the variance estimate ("delta")
it comes within 0.006 of the simulated power above 0.5 in every row, and Wu's, which holds the variance estimate fixed, within 0.027.
"""

import pytest

from sim.validation import one_sample
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = [row for row in rows("one_sample") if one_sample.kind(row) == "log-rank"]
EFFECT = [row for row in ROWS if not row.scenario.endswith("H0")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_expected_events_and_power(row):
    checks = one_sample.checks([row])
    hold(checks)
    assert [c.tolerance for c in checks[1:]] == ([] if row.scenario.endswith("H0") else [0.006, 0.027])


def test_there_are_rows_of_both_kinds():
    assert len(ROWS) > len(EFFECT) >= 10
