"""Level: reference and twin. The limit of Cox's estimator against independent rows (quadrature of another kind, 1e-6) and a plain twin."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.effect import ByStratum
from sim.effect.cox_limit import LargeTrial, cox_limit, kalbfleisch_prentice, uniform_follow_up
from sim.population.piecewise_exponential import PiecewiseExponential
from tests.effect import naive_cox_limit as naive
from tests.reference.read import vector as cells

ROWS = Path(__file__).parent / "rows"


def rows(name):
    """The independent rows of a family that only tests read."""
    return [row for _, row in pd.read_csv(ROWS / f"{name}.csv", float_precision="round_trip").iterrows()]


FRAILTY = rows("frailty_limit")
ILLNESS_DEATH = rows("illness_death")


def vector(cell):
    """The numbers of a cell; none where it is empty."""
    values = np.array(cells(cell))
    return values[~np.isnan(values)]


def large(control, experimental, row, allocation, dropout=0.0):
    t = control.times
    end = row.accrual_months + row.followup_months
    keep = t <= end + 1e-9
    curves = np.array([control.survival[keep], experimental.survival[keep]])
    follow = uniform_follow_up(t[keep], row.accrual_months, end, dropout)
    return LargeTrial.of(curves, np.array([1 - allocation, allocation]), np.array([0.0, 1.0]), follow)


@pytest.mark.parametrize("row", FRAILTY, ids=lambda row: row.id)
def test_frailty(row):
    hazards = tuple((float(h),) for h in vector(row.hazards))
    shares = vector(row.shares)
    patients = PiecewiseExponential(
        hazards=hazards,
        shares=tuple(shares / shares.sum()),
        names=tuple(str(i) for i in range(len(hazards))),
        response_rates=(0.3,) * len(hazards),
    )
    control = patients.curve("pfs")
    found = large(
        control, patients.curve("pfs", ByStratum(vector(row.conditional_hr))), row, row.allocation_experimental, row.dropout_hazard
    )
    assert found.cox() == pytest.approx(row.cox_limit, abs=1e-6)
    assert found.expected_events == pytest.approx(row.event_share, abs=1e-6)
    inverse = np.where(vector(row.acts_in_stratum) == 1, row.conditional_hr_for_target, 1.0)
    reached = large(control, patients.curve("pfs", ByStratum(inverse)), row, row.allocation_experimental, row.dropout_hazard)
    assert reached.cox() == pytest.approx(row.target_cox_limit, abs=1e-6)
    experimental = patients.curve("pfs", ByStratum(vector(row.conditional_hr)))
    assert control.median() == pytest.approx(row.median_control, rel=1e-4)
    assert experimental.median() == pytest.approx(row.median_experimental, rel=1e-4)


def pfs_of(row, arm):
    """The textbook population whose hazard is that of leaving the first state."""
    pieces = [
        (np.concatenate([[0.0], vector(getattr(row, f"{h}_change_{arm}"))]), vector(getattr(row, f"{h}_{arm}"))) for h in ("h01", "h02")
    ]
    breaks = np.unique(np.concatenate([b for b, _ in pieces]))
    hazard = sum(h[np.searchsorted(b, breaks, side="right") - 1] for b, h in pieces)
    return PiecewiseExponential(hazards=(tuple(hazard),), breaks=tuple(breaks)).curve("pfs")


@pytest.mark.parametrize("row", ILLNESS_DEATH, ids=lambda row: row.id)
def test_progression_free_survival_of_the_illness_death_model(row):
    control, experimental = (pfs_of(row, arm) for arm in ("control", "experimental"))
    found = large(control, experimental, row, row.allocation_experimental)
    assert found.cox() == pytest.approx(row.cox_limit_pfs, abs=1e-6)
    assert found.event_weighted() == pytest.approx(row.ahr_geometric_pfs, abs=1e-5)
    assert found.expected_events == pytest.approx(row.event_share_pfs, abs=1e-6)
    k = round(row.tau / control.step) + 1
    assert kalbfleisch_prentice(control.survival[:k], experimental.survival[:k]) == pytest.approx(row.ahr_pfs, abs=1e-6)


def test_twin_of_the_stratified_limit():
    hazards, ratios, shares, allocation, end, lost = (0.35, 0.07), (0.4, 0.9), (0.3, 0.7), 1 / 3, 20.0, 0.02
    t = np.linspace(0, end, 2001)
    curves = np.exp(-np.array([h * r for r in ((1, 1), ratios) for h, r in zip(hazards, r, strict=True)])[:, None] * t)
    weights = np.array([s * a for a in (1 - allocation, allocation) for s in shares])
    follow = uniform_follow_up(t, 8.0, end, lost)
    fast = cox_limit(curves, weights, np.array([0.0, 0, 1, 1]), follow, np.array([0, 1, 0, 1]))
    strata = [
        (s, lambda u, h=h: math.exp(-h * u), lambda u, h=h, r=r: math.exp(-h * r * u), allocation)
        for s, h, r in zip(shares, hazards, ratios, strict=True)
    ]
    slow = naive.cox_limit(strata, lambda u: min((end - u) / 8.0, 1.0) * math.exp(-lost * u), end)
    assert fast == pytest.approx(slow, abs=2e-6)
    pooled = cox_limit(curves, weights, np.array([0.0, 0, 1, 1]), follow)
    assert abs(pooled - fast) > 0.01  # the strata matter here


def test_edges():
    t = np.linspace(0, 10, 101)
    nobody, some = np.ones_like(t), np.exp(-0.2 * t)
    shares, codes, follow = np.array([0.5, 0.5]), np.array([0.0, 1.0]), np.ones_like(t)
    assert math.isnan(cox_limit(np.array([nobody, nobody]), shares, codes, follow))  # no event
    assert cox_limit(np.array([some, nobody]), shares, codes, follow) == 0.0  # none in one arm
    assert cox_limit(np.array([nobody, some]), shares, codes, follow) == math.inf
    assert cox_limit(np.array([some, some**0.02]), shares, codes, follow) == pytest.approx(0.02, abs=1e-6)
    assert LargeTrial.of(np.array([some, some]), shares, codes, follow).one_step() == pytest.approx(1.0, abs=1e-12)
