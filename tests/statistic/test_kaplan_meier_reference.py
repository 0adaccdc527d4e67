"""Level: reference. Kaplan-Meier estimates, medians, milestones and restricted means against R's survival, survRM2 and lrstat."""

import numpy as np
import pytest

from sim.statistic.rmst_difference import RMSTDifference
from sim.statistic.statistic import Code
from sim.validation import data_sets, survival_curves
from tests.reference.read import rows
from tests.validation.holding import hold

ANALYSES = data_sets.analyses([row for row in rows("survival_stats") if survival_curves.belongs(row)])


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.name)
def test_every_row(analysis):
    checks = survival_curves.checks(analysis.rows)
    hold(checks)
    assert {c.id for c in checks} == {row.id for row in analysis.rows}
    # what cannot be compared is checked to be so; all else to 1e-9
    assert {c.tolerance for c in checks if not c.note} <= {0, 1e-9}
    for c in checks:
        assert c.tolerance == 1e-9 or not np.isfinite(c.expected[0]) or c.quantity.endswith(("not comparable", "(code)")), c


def test_few_rows_are_not_comparable_by_number():
    checks = [c for a in ANALYSES for c in survival_curves.checks(a.rows)]
    assert sum(c.quantity.endswith("not comparable") for c in checks) < 20


def test_most_rows_are_comparable():
    differences = [a for a in ANALYSES if a.first.function == "rmdiff"]
    tested = [
        RMSTDifference(float(a.first.settings[4:]), stratified=a.stratified).test(*a.data, 0.025).code[0] == Code.OK for a in differences
    ]
    assert np.mean(tested) > 0.7
