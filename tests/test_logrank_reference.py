"""Level: reference. The log-rank family against survival::survdiff, lrstat and simtrial on twenty data sets; 1e-9 (definitions 36)."""

import math

import pytest

from sim.validation import data_sets, survival_logrank
from tests import naive
from tests.reference.read import rows
from tests.validation.holding import hold

ANALYSES = data_sets.analyses([row for row in rows("survival_stats") if survival_logrank.belongs(row)])


def test_every_family_row_is_here():
    # 24 analyses of data sets with two arms: 2 weights of survdiff, 5 of lrtest and 5 of wlr
    assert len(ANALYSES) == 24 * (2 + 5 + 5)
    patients = {}
    for row in rows("survival_datasets"):
        patients.setdefault(row.dataset, set()).add(row.arm)
    assert {a.first.dataset for a in ANALYSES} == {name for name, arms in patients.items() if len(arms) == 2}


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.name)
def test_rows(analysis):
    checks = survival_logrank.checks(analysis.rows)
    hold(checks)
    assert {c.id for c in checks} == {row.id for row in analysis.rows}
    assert all(c.tolerance == max(1e-9, 1e-9 * abs(c.expected[0])) for c in checks)


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.name)
def test_the_plain_twin_agrees(analysis):
    o, _ = analysis.data
    seen = [naive.Seen(t, bool(e), int(a), int(g)) for t, e, a, g in zip(o.time[0], o.event[0], o.arm[0], o.stratum[0], strict=True)]
    rho, gamma = survival_logrank.exponents(analysis.first.settings)
    u, v, information = naive.logrank(seen, analysis.stratified, rho, gamma)
    ours = survival_logrank.scores(analysis)
    assert ours[:2] == pytest.approx((u, v), abs=1e-9, rel=1e-9)
    assert ours[2] == pytest.approx(-u / math.sqrt(v), abs=1e-9)
    assert ours[3] == pytest.approx(math.exp(u / information), rel=1e-9)
