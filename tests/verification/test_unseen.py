"""Long verification: designs and data nobody published, each against something that shares no code with the program.

Simon's designs by trying every design with scipy's binomial; boundaries by Jennison & Turnbull's grid; data sets by statsmodels.
"""

import math

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.duration.api import PHReg, survdiff

from sim.boundary.beta_spending import beta_spending_bounds
from sim.boundary.exact_binomial import smallest_n
from sim.boundary.simon import simon
from sim.boundary.spending import HwangShihDeCani, KimDeMets, LanDeMetsOBrienFleming, LanDeMetsPocock, UserSpending
from sim.statistic.cox import cox_fit
from sim.statistic.logrank import LogRank
from sim.statistic.risk_sets import risk_sets
from tests.boundary import naive_recursive_integration as naive
from tests.statistic.data import make

pytestmark = pytest.mark.verify

RATES = [
    (0.03, 0.13, 0.05, 0.8),
    (0.05, 0.2, 0.025, 0.9),
    (0.1, 0.22, 0.1, 0.8),
    (0.17, 0.34, 0.05, 0.85),
    (0.2, 0.33, 0.05, 0.8),
    (0.25, 0.4, 0.1, 0.9),
    (0.35, 0.5, 0.05, 0.8),
    (0.42, 0.6, 0.025, 0.8),
    (0.5, 0.65, 0.1, 0.85),
    (0.6, 0.8, 0.05, 0.95),
    (0.75, 0.9, 0.05, 0.8),
    (0.85, 0.95, 0.1, 0.8),
]


def best_designs(p0, p1, alpha, power, n_max):
    """(optimal, minimax) of all two-stage designs with at most n_max patients, as (EN, r1, n1, r, n)."""
    optimal, minimax = (math.inf,), None
    for n in range(2, n_max + 1):
        best = (math.inf,)
        for n1 in range(1, n):
            x1 = np.arange(n1 + 1)
            r = np.arange(n)
            # P(X1 = x and X1 + X2 > r) for every x and r; stopping up to r1 leaves out the rows up to r1
            level, strength = (
                (binom.pmf(x1, n1, p)[:, None] * binom.sf(r[None, :] - x1[:, None], n - n1, p))[::-1].cumsum(axis=0)[::-1] for p in (p0, p1)
            )
            for r1 in range(n1):
                good = np.flatnonzero(level[r1 + 1] <= alpha)
                good = good[good >= r1]
                if len(good) and strength[r1 + 1, good[0]] >= power:
                    expected = n1 + binom.sf(r1, n1, p0) * (n - n1)
                    best = min(best, (expected, r1, n1, int(good[0]), n))
        if math.isfinite(best[0]):
            minimax = minimax or best
            optimal = min(optimal, best)
    return optimal, minimax


@pytest.mark.parametrize("rates", RATES, ids=str)
def test_simon(rates):
    found = {kind: simon(*rates, kind) for kind in ("optimal", "minimax")}
    optimal, minimax = best_designs(*rates, min(found["optimal"].n + 4, 150))
    for kind, (expected, *design) in (("optimal", optimal), ("minimax", minimax)):
        design_found = found[kind]
        assert [design_found.r1, design_found.n1, design_found.r, design_found.n] == design, kind
        assert design_found.en_p0 == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("rates", RATES, ids=str)
def test_single_stage(rates):
    p0, p1, alpha, power = rates
    n = np.arange(1, 800)
    r = binom.isf(alpha, n, p0).astype(int) + 1
    r -= binom.sf(r - 2, n, p0) <= alpha
    enough = binom.sf(r - 1, n, p1) >= power
    assert smallest_n(p0, p1, alpha, power, "first").n == n[np.argmax(enough)]
    assert smallest_n(p0, p1, alpha, power, "stays").n == n[np.flatnonzero(~enough)[-1] + 1]


SPENDINGS = [
    LanDeMetsOBrienFleming(),
    LanDeMetsPocock(),
    HwangShihDeCani(-3.0),
    HwangShihDeCani(1.5),
    KimDeMets(1.7),
    UserSpending((0.4, 0.7, 1.0), (0.2, 0.55, 1.0)),
]


@pytest.mark.parametrize("seed", range(20))
def test_boundaries_spend_both_errors(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 6))
    fractions = (*np.sort(rng.uniform(0.15, 0.95, k - 1)).tolist(), 1.0)
    alpha, beta = float(rng.choice([0.0125, 0.025, 0.05])), float(rng.choice([0.1, 0.15, 0.2]))
    efficacy, futility = (SPENDINGS[int(rng.integers(len(SPENDINGS)))] for _ in range(2))
    binding = bool(rng.integers(2))
    design = beta_spending_bounds(fractions, alpha, beta, efficacy, futility, binding)
    lower = design.lower if binding else np.full(k, -20.0)
    above, _ = naive.crossing(fractions, design.upper, lower, 0.0)
    _, below = naive.crossing(fractions, design.upper, design.lower, design.drift)
    # their grid of 6r - 1 points with r = 64 leaves 1e-7
    t = np.array(fractions)
    assert np.cumsum(above) == pytest.approx(efficacy.spent(t, alpha), abs=1e-6)
    assert np.cumsum(below) == pytest.approx(futility.spent(t, beta), abs=1e-6)


def patients(seed):
    """(time, event, arm, stratum) with ties, strata and censoring, some of it heavy, arms of unequal size."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(30, 160))
    arm = (rng.random(n) < rng.choice([0.35, 0.5, 0.67])).astype(int)
    stratum = rng.integers(0, int(rng.integers(1, 4)), n)
    event = rng.exponential(4 / np.where(arm == 1, 0.7, 1.0))
    lost = rng.exponential(float(rng.choice([2.0, 6.0, 20.0])), n)
    time = np.minimum(event, lost)
    step = float(rng.choice([0.0, 0.5, 1.0]))
    time = np.ceil(time / step) * step if step else time
    return time, (event <= lost).astype(int), arm, stratum


@pytest.mark.parametrize("seed", range(20))
def test_data_sets(seed):
    time, event, arm, stratum = patients(seed)
    o, cut = make([np.zeros(len(time))], [time], [event], [arm], [stratum], strata=3), np.array([1e6])
    for stratified in (False, True):
        chi_square, _ = survdiff(time, event, arm, strata=stratum if stratified else None)
        z = LogRank(stratified).test(o, cut, 0.025).z[0]
        assert z**2 == pytest.approx(chi_square, rel=1e-9, abs=1e-12)
        for ties in ("breslow", "efron"):
            fitted = PHReg(time, arm[:, None].astype(float), event, strata=stratum if stratified else None, ties=ties).fit(disp=0)
            found = cox_fit(risk_sets(o, cut, stratified), ties)
            # their search stops at a gradient of 1e-5 or so
            assert found.log_hazard_ratio[0] == pytest.approx(fitted.params[0], abs=1e-5)
            assert found.standard_error[0] == pytest.approx(fitted.bse[0], rel=1e-5)
