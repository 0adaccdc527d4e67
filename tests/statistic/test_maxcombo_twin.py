"""Level: twin. The joint p-value against a fine grid, scipy's integrator and closed forms; the decision by bounds against the exact one."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from sim.kernels.correlated_maximum import p_values
from sim.statistic.analytic.maxcombo import below
from sim.statistic.maxcombo import LATTICE_POINTS, NODES, MaxCombo
from sim.statistic.risk_sets import risk_sets
from tests.statistic import naive_maxcombo
from tests.statistic.data import make, random_trials

GRID_ERROR = 1e-5  # of the plain version with 801 points; with 1601 it is 5e-7


def tail(correlation, m):
    """P(max Z >= m) by the kernel."""
    k = len(correlation)
    p = np.full(1, np.nan)
    p_values(np.full((1, k), float(m)), np.array([correlation], dtype=float), NODES, LATTICE_POINTS, np.ones(1, dtype=np.uint8), p)
    return p[0]


def equal_correlation(k, r):
    return np.full((k, k), r) + (1 - r) * np.eye(k)


def test_nodes_are_those_of_legendre():
    x, w = np.polynomial.legendre.leggauss(20)
    assert NODES[0] == pytest.approx(x, abs=1e-15)
    # numpy's own weights err by 7e-14 at the ends
    assert NODES[1] == pytest.approx(w, rel=1e-13)


@pytest.mark.parametrize("m", [-1.0, 0.3, 1.96, 2.5, 4.0])
def test_closed_forms(m):
    one = norm.sf(m)
    assert tail([[1.0]], m) == pytest.approx(one, rel=1e-9)
    assert tail(np.ones((4, 4)), m) == pytest.approx(one, rel=1e-9)
    assert tail([[1, -1], [-1, 1]], m) == pytest.approx(min(2 * one, 1.0), rel=1e-9)
    for k in (2, 3):
        # a standard normal is left out beyond 6: 2e-9 for each variable
        assert tail(np.eye(k), m) == pytest.approx(1 - norm.cdf(m) ** k, abs=1e-8)
    for k in (4, 5, 7):
        assert tail(np.eye(k), m) == pytest.approx(1 - norm.cdf(m) ** k, abs=3e-4)


@pytest.mark.parametrize("r", [-0.45, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_orthant_probabilities(r):
    # P(X < 0, Y < 0) = 1/4 + arcsin r / 2 pi, and for three 1/8 + 3 arcsin r / 4 pi
    assert tail(equal_correlation(2, r), 0.0) == pytest.approx(0.75 - math.asin(r) / (2 * math.pi), abs=1e-6)
    assert tail(equal_correlation(3, r), 0.0) == pytest.approx(0.875 - 3 * math.asin(r) / (4 * math.pi), abs=2e-5)


def test_small_probabilities_keep_their_digits():
    # of two independent variables the square is negligible: p = 2 Q(m) - Q(m)^2
    assert tail(np.eye(2), 6.0) == pytest.approx(2 * norm.sf(6.0), rel=1e-6)


@pytest.mark.parametrize("events", [0.75, 0.25, 0.1])
def test_against_a_grid_and_scipy(events):
    o, cut = random_trials(2, 160, hr=0.7, events=events)
    z, correlation = MaxCombo(exact_p=True).components(risk_sets(o, cut))
    assert np.linalg.matrix_rank(correlation[0], tol=1e-8) == 3
    for i in range(2):
        for m in (z[i].max(), 2.2):
            p = tail(correlation[i], m)
            assert p == pytest.approx(naive_maxcombo.p_value(correlation[i], m), abs=GRID_ERROR)
    scipy = 1 - multivariate_normal.cdf(
        np.full(4, 2.2), cov=correlation[0], allow_singular=True, maxpts=100_000, abseps=1e-5, rng=np.random.default_rng(1)
    )
    assert tail(correlation[0], 2.2) == pytest.approx(scipy, abs=2e-4)


@pytest.mark.parametrize("events", [0.75, 0.25, 0.1])
def test_against_the_quadrature_of_the_sizing_formula(events):
    # written apart, on other nodes; it states 1e-6
    o, cut = random_trials(5, 160, hr=0.7, events=events, seed=4)
    _, correlation = MaxCombo().components(risk_sets(o, cut))
    for i in range(5):
        for m in (1.0, 2.2, 3.0):
            assert tail(correlation[i], m) == pytest.approx(1 - below(np.full(4, m), correlation[i]), abs=5e-6)


def test_ranks_above_three_come_from_a_lattice():
    o, cut = random_trials(3, 160, hr=0.7)
    weights = ((0, 0), (0, 1), (1, 1), (2, 1), (0, 3))
    _, correlation = MaxCombo(weights).components(risk_sets(o, cut))
    for i in range(3):
        assert np.linalg.matrix_rank(correlation[i], tol=1e-8) > 3
        scipy = 1 - multivariate_normal.cdf(
            np.full(5, 2.2), cov=correlation[i], allow_singular=True, maxpts=100_000, abseps=1e-5, rng=np.random.default_rng(i)
        )
        assert tail(correlation[i], 2.2) == pytest.approx(scipy, abs=3e-4)


@pytest.mark.parametrize("hr", [1.0, 0.7, 0.5])
@pytest.mark.parametrize("alpha", [0.01, 0.025])
def test_bounds_decide_as_the_p_value_does(hr, alpha):
    o, cut = random_trials(1500, 100, hr)
    quick, exact = (MaxCombo(exact_p=e).test(o, cut, alpha) for e in (False, True))
    critical = norm.isf(alpha)
    assert ((quick.z >= critical) == (exact.z >= critical)).all()
    # what is not computed is the bound k (1 - Phi(m)): never in favour of the treatment
    assert (quick.z <= exact.z + 1e-12).all()
    computed = np.abs(quick.z - exact.z) < 1e-12
    assert 0.005 < computed.mean() < 0.5
    assert (quick.estimate == exact.estimate).all()
    assert (norm.sf(exact.z) >= norm.sf(exact.estimate) * (1 - 1e-7)).all()


def test_a_weight_without_variance_is_left_out():
    # before the first event 1 - S is 0, so one event leaves FH(0,1) nothing
    o = make([[0, 0, 0, 0]], [[1, 9, 9, 9]], [[1, 1, 1, 1]], [[0, 1, 0, 1]])
    z, _ = MaxCombo().components(risk_sets(o, np.array([2.0])))
    assert np.isfinite(z[0]).tolist() == [True, True, False, False]
    found = MaxCombo(exact_p=True).test(o, np.array([2.0]), 0.025)
    # FH(0,0) and FH(1,0) then are one and the same
    assert found.z[0] == pytest.approx(z[0, 0], abs=1e-9)
