"""Level: twin and independent. The bound of an analysis that turns out to be the last, and bounds of the largest of several scores."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from sim.boundary.joint_maximum import JointMonitor, LastOfSeveral, any_above, joint_correlation, joint_limits
from sim.boundary.last_analysis import LastOfOne
from sim.boundary.recursive_integration import crossing_probabilities, efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock, increments
from sim.statistic.analytic.maxcombo import below
from tests.boundary import naive_recursive_integration as naive

OBF = LanDeMetsOBrienFleming()
NEVER = (-math.inf,) * 3


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(1, 130), min_size=1, max_size=3).map(sorted),
    st.sampled_from([0.005, 0.025, 0.1]),
    st.sampled_from([NEVER, (0.0, 0.5, -math.inf), (-0.5, -math.inf, -math.inf)]),
)
def test_plain_twin(events, alpha, lower):
    found = tuple(float(d) for d in events)
    upper = tuple(efficacy_bounds((1 / 3, 2 / 3, 1.0), alpha, OBF).tolist())
    k = len(found)
    assert LastOfOne(alpha, upper, lower).bound(found) == pytest.approx(naive.last_bound(alpha, found, upper[:k], lower[:k]), abs=1e-5)


@pytest.mark.parametrize("found", [(40.0, 80.0, 97.0), (40.0, 80.0, 119.0), (40.0, 55.0), (23.0,), (40.0, 80.0, 150.0), (3.1, 9.2, 14.0)])
@pytest.mark.parametrize("spending", [OBF, LanDeMetsPocock(), HwangShihDeCani(-4.0)], ids=lambda s: s.label)
def test_alpha_is_kept_whatever_is_found(found, spending):
    upper = tuple(efficacy_bounds((1 / 3, 2 / 3, 1.0), 0.025, spending).tolist())
    last = LastOfOne(0.025, upper, NEVER).bound(found)
    crossed = crossing_probabilities(found, np.array([*upper[: len(found) - 1], last])).upper.sum()
    assert crossed == pytest.approx(0.025, abs=1e-9)


def test_nothing_more_found_takes_the_place_of_the_look_before():
    last = LastOfOne(0.025, tuple(efficacy_bounds((0.5, 1.0), 0.025, OBF).tolist()), NEVER[:2])
    assert last.bound((60.0, 60.0)) == last.bound((60.0,)) == pytest.approx(norm.isf(0.025), abs=1e-9)
    assert last.bound((0.0, 60.0)) == last.bound((60.0,))
    assert last.bound((0.0, 0.0)) == np.inf


# --- the largest of several scores


def correlation(rank, k, seed):
    load = np.random.default_rng(seed).uniform(-0.2, 1.0, (k, rank))
    c = load @ load.T
    sd = np.sqrt(np.diag(c))
    return c / np.outer(sd, sd)


@pytest.mark.parametrize("rank", [2, 4, 6])
@pytest.mark.parametrize("limit", [0.5, 2.0, 2.8])
def test_against_the_multivariate_normal(rank, limit):
    c = correlation(rank, rank, seed=rank)
    other = 1 - multivariate_normal.cdf(np.full(rank, limit), cov=c, maxpts=200_000, abseps=1e-6, rng=np.random.default_rng(1))
    assert any_above(np.full(rank, limit), c) == pytest.approx(other, abs=1e-4 if limit < 1 else 3e-5)


@pytest.mark.parametrize(("rank", "k"), [(2, 4), (3, 4), (3, 7)])
@pytest.mark.parametrize("limit", [2.0, 2.8])
def test_fewer_dimensions_than_scores_against_the_quadrature(rank, k, limit):
    c = correlation(rank, k, seed=rank)
    assert any_above(np.full(k, limit), c) == pytest.approx(1 - below(np.full(k, limit), c), abs=5e-5)


def test_scores_that_are_one_and_the_same_or_opposite():
    assert any_above(np.full(3, 2.0), np.ones((3, 3))) == pytest.approx(norm.sf(2.0), rel=1e-9)
    assert any_above(np.full(2, 2.0), np.array([[1.0, -1.0], [-1.0, 1.0]])) == pytest.approx(2 * norm.sf(2.0), rel=1e-9)


def test_one_score_at_three_looks_is_the_recursion():
    covariances = [np.array([[t]]) for t in (0.25, 0.6, 1.0)]
    spend = increments(LanDeMetsPocock(), np.array([0.25, 0.6, 1.0]), 0.025)
    found = [limit.z for limit in joint_limits(covariances, spend)]
    assert found == pytest.approx(efficacy_bounds((0.25, 0.6, 1.0), 0.025, LanDeMetsPocock()), abs=1e-3)


# two scores, as of weights 1 and 1 - S, by the share of the events
def covariance(t):
    return np.array([[t, t**2 / 2], [t**2 / 2, t**3 / 3]])


def by_simulation(limits, looks, n=400_000):
    """P(the largest score crosses its limit at any look), by random increments."""
    rng, before, u = np.random.default_rng(3), np.zeros((2, 2)), np.zeros((n, 2))
    crossed = np.zeros(n, dtype=bool)
    for limit, t in zip(limits, looks, strict=True):
        u = u + rng.multivariate_normal(np.zeros(2), covariance(t) - before, n)
        before = covariance(t)
        crossed |= (u / np.sqrt(np.diag(before)) >= limit).any(axis=1)
    return crossed.mean()


@pytest.mark.parametrize("alpha", [0.025, 0.1])
def test_two_scores_hold_their_level(alpha):
    looks = (0.4, 0.7, 1.0)
    limits = joint_limits([covariance(t) for t in looks], increments(OBF, np.array(looks), alpha))
    p = by_simulation([limit.largest for limit in limits], looks)
    assert abs(p - alpha) < 4 * math.sqrt(alpha * (1 - alpha) / 400_000)
    for limit, t in zip(limits, looks, strict=True):
        # the look's own level is that of its largest score alone
        assert any_above(np.full(2, limit.largest), joint_correlation([covariance(t)])) == pytest.approx(norm.sf(limit.z), rel=1e-6)


@pytest.mark.parametrize("found", [(0.4, 0.7, 0.8), (0.4, 0.55), (0.3,), (0.4, 0.4)])
def test_the_last_of_several_keeps_alpha(found):
    limits = joint_limits([covariance(t) for t in (0.4, 0.7, 1.0)], increments(OBF, np.array([0.4, 0.7, 1.0]), 0.05))
    largest = tuple(limit.largest for limit in limits)
    z = LastOfSeveral(0.05, largest, covariance).bound(found)
    # back from the level of the look to the limit of its largest score
    own = joint_correlation([covariance(found[-1])])
    low, high = 0.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if any_above(np.full(2, middle), own) > norm.sf(z) else (low, middle)
    kept = naive.counted(found)
    p = by_simulation([*(largest[k] for k in kept[:-1]), low], [found[k] for k in kept])
    assert abs(p - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 400_000)


def test_watching_the_plan_is_the_plan():
    looks = (0.4, 0.7, 1.0)
    limits = joint_limits([covariance(t) for t in looks], increments(OBF, np.array(looks), 0.025))
    monitor = JointMonitor(1.0, 0.025, OBF, covariance)
    found = [monitor.bounds(looks[: k + 1], last=k == 2)[0] for k in range(3)]
    assert found == pytest.approx([limit.z for limit in limits], abs=1e-9)
    assert monitor.bounds((0.0,), last=False) == (np.inf, -np.inf)
