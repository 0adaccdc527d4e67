"""Level: reference, twin and properties. Inference after a group-sequential trial by the stage-wise ordering, and repeated intervals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from sim.boundary.recursive_integration import crossing_probabilities, efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock
from sim.boundary.stagewise_inference import effect_at, repeated_intervals, stagewise_inference, stagewise_p_value
from sim.types import InputError
from tests.boundary.naive_recursive_integration import crossing

INFORMATION = (6.0, 14.0, 20.0)
FRACTIONS = tuple(x / 20 for x in INFORMATION)
OBF = tuple(efficacy_bounds(FRACTIONS, 0.025, LanDeMetsOBrienFleming()))
POCOCK = tuple(efficacy_bounds(FRACTIONS, 0.025, LanDeMetsPocock()))
FUTILITY = (-0.2, 0.7)
NONE = (-math.inf, -math.inf)


@pytest.mark.parametrize(
    ("bound", "p", "estimate", "low", "high"), [(4.049, 0.0014, 0.452, 0.157, 0.748), (2.361, 0.0098, 0.419, 0.074, 0.729)]
)
def test_published_example(bound, p, estimate, low, high):
    # Wassmer & Brannath 2016, section 4.1: four stages of 22, two-sided .05, stopped at the second with z = 3. They print three digits.
    found = stagewise_inference(3.0, (22, 44), (bound,), (-bound,))
    assert found.p_value == pytest.approx(p, abs=5e-5)
    assert (found.estimate, found.low, found.high) == pytest.approx((estimate, low, high), abs=6e-4)


def test_one_look_is_the_usual_interval():
    found = stagewise_inference(1.3, (16.0,), (), confidence=0.9)
    assert (found.estimate, found.p_value) == pytest.approx((1.3 / 4, norm.sf(1.3)), abs=1e-10)
    assert (found.low, found.high) == pytest.approx((1.3 / 4 - norm.isf(0.05) / 4, 1.3 / 4 + norm.isf(0.05) / 4), abs=1e-9)


def test_at_the_bound_the_p_value_is_what_was_spent():
    for upper in (OBF, POCOCK):
        spent = np.cumsum(crossing_probabilities(INFORMATION, np.array(upper)).upper)
        for k in range(3):
            assert stagewise_p_value(upper[k], INFORMATION[: k + 1], upper[:k]) == pytest.approx(spent[k], abs=1e-12)
        # p <= alpha, and an interval above 0, exactly where the trial rejects
        for z, rejects in ((upper[2] - 1e-4, False), (upper[2] + 1e-4, True)):
            found = stagewise_inference(z, INFORMATION, upper)
            assert (found.p_value <= 0.025) == rejects == (found.low > 0)


bounds = st.sampled_from([OBF, POCOCK])
futility = st.sampled_from([None, FUTILITY])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.floats(-4, 6), st.floats(0.001, 1), st.floats(-1, 1), bounds, futility)
def test_monotone(look, z, more, theta, upper, lower):
    info = INFORMATION[:look]
    p = stagewise_p_value(z, info, upper, lower, theta)
    assert stagewise_p_value(z + more, info, upper, lower, theta) < p + 1e-14
    assert stagewise_p_value(z, info, upper, lower, theta + more) > p - 1e-14
    # nothing at a later look is as extreme as an upper crossing, or as little extreme as a lower one
    if look > 1:
        stops = sum(crossing(INFORMATION[: look - 1], upper, NONE if lower is None else lower, theta)[0])
        assert p >= stops - 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.floats(-3, 5), st.floats(0.5, 0.99), bounds, futility)
def test_the_limits_solve_their_equations_in_the_other_implementation(look, z, confidence, upper, lower):
    found = stagewise_inference(z, INFORMATION[:look], upper, lower, confidence)
    half = (1 - confidence) / 2
    assert found.low < found.estimate < found.high
    for theta, p in ((found.low, half), (found.estimate, 0.5), (found.high, 1 - half)):
        assert beyond(theta, look, z, upper, lower) == pytest.approx(p, abs=1e-6)
        assert effect_at(p, z, INFORMATION[:look], upper, lower) == pytest.approx(theta, abs=1e-10)


def beyond(theta, look, z, upper, lower):
    """P_theta(more extreme than (look, z)) on Jennison and Turnbull's grid."""
    low = [*(NONE if lower is None else lower)[: look - 1], -math.inf]
    return sum(crossing(INFORMATION[:look], [*upper[: look - 1], z], low, theta)[0])


def stops_with(theta, upper, lower, smallest):
    """P_theta(the trial stops at some look k with Z_k >= smallest[k]), by integration over the places where it can stop."""
    total = 0.0
    for k in range(3):

        def reach(z, k=k):
            low = [*(NONE if lower is None else lower)[:k], -math.inf]
            # far outside what a normal reaches, in place of infinity
            return crossing(INFORMATION[: k + 1], [*upper[:k], min(max(z, -30.0), 30.0)], low, theta)[0][k]

        if k == 2:
            total += reach(smallest[k])
            continue
        total += reach(max(upper[k], smallest[k]))
        if lower is not None and smallest[k] < lower[k]:
            total += reach(smallest[k]) - reach(lower[k])
    return total


def smallest_z(p, theta, upper, lower):
    """By look, the z whose p-value under theta is p; infinite where none is that large or that small."""

    def at(k):
        def excess(z):
            return stagewise_p_value(z, INFORMATION[:k], upper, lower, theta) - p

        if excess(20.0) > 0:
            return math.inf
        return -math.inf if excess(-20.0) < 0 else brentq(excess, -20, 20, xtol=1e-11)

    return [at(k) for k in (1, 2, 3)]


@pytest.mark.parametrize("lower", [None, FUTILITY], ids=["no futility", "futility"])
@pytest.mark.parametrize("upper", [OBF, POCOCK], ids=["obrien-fleming", "pocock"])
@pytest.mark.parametrize("theta", [-0.3, 0.0, 0.4, 0.9])
@pytest.mark.parametrize("p", [0.004, 0.025, 0.3, 0.5, 0.975])
def test_p_values_are_uniform_so_coverage_and_median_are_exact(p, theta, upper, lower):
    smallest = smallest_z(p, theta, upper, lower)
    assert stops_with(theta, upper, lower, smallest) == pytest.approx(p, abs=1e-6)
    # and the limit of that level is theta exactly there, above it for a larger z
    for k, z in enumerate(smallest, 1):
        if math.isfinite(z):
            assert effect_at(p, z, INFORMATION[:k], upper, lower) == pytest.approx(theta, abs=1e-7)
            assert effect_at(p, z + 0.01, INFORMATION[:k], upper, lower) > theta


def simulated(theta, upper, lower, n=200_000, seed=5):
    """(look, z) at which each of n trials stops, one Brownian path each."""
    rng = np.random.default_rng(seed)
    steps = np.diff(INFORMATION, prepend=0.0)
    score = np.cumsum(rng.normal(theta * steps, np.sqrt(steps), (n, 3)), axis=1)
    paths = score / np.sqrt(INFORMATION)
    look = np.full(n, 3)
    for k in (1, 0):
        look[(paths[:, k] >= upper[k]) | (paths[:, k] <= lower[k])] = k + 1
    return look, paths[np.arange(n), look - 1]


@pytest.mark.parametrize("theta", [0.0, 0.5])
@pytest.mark.parametrize(("k", "z"), [(1, 3.0), (1, -0.9), (2, 2.7), (2, 0.1), (3, 1.9), (3, -0.5)])
def test_plain_twin_counts_trials_that_are_more_extreme(theta, k, z):
    upper, lower = POCOCK, FUTILITY
    look, stat = simulated(theta, upper, lower)
    above = np.zeros(len(look), dtype=bool)
    for j in (1, 2, 3):
        here = look == j
        if j < k:
            above |= here & (stat >= upper[j - 1])
        elif j == k:
            above |= here & (stat >= z)
        else:
            # who went on from look k had a Z_k above its lower bound, so above this z
            above |= here & (z <= lower[k - 1])
    p = stagewise_p_value(z, INFORMATION[:k], upper, lower, theta)
    assert abs(above.mean() - p) < 4 * math.sqrt(p * (1 - p) / len(look)) + 1e-12


def test_the_simulated_estimate_has_its_median_at_the_truth_and_the_naive_one_does_not():
    theta, upper = 0.5, POCOCK
    look, stat = simulated(theta, upper, FUTILITY)
    # the estimate rises with z: above theta exactly where z is above the z whose estimate is theta
    share = np.mean(stat > np.array(smallest_z(0.5, theta, upper, FUTILITY))[look - 1])
    naive = np.mean(stat / np.sqrt(INFORMATION)[look - 1] > theta)
    se = 0.5 / math.sqrt(len(look))
    assert abs(share - 0.5) < 4 * se
    assert abs(naive - 0.5) > 10 * se


@pytest.mark.parametrize("spending", [LanDeMetsOBrienFleming(), HwangShihDeCani(-2.0)])
@pytest.mark.parametrize("theta", [-0.4, 0.0, 0.8])
def test_repeated_intervals_hold_theta_at_all_looks_together(spending, theta):
    c = efficacy_bounds(FRACTIONS, 0.05, spending)
    rng = np.random.default_rng(11)
    steps = np.diff(INFORMATION, prepend=0.0)
    n = 20_000
    stat = np.cumsum(rng.normal(theta * steps, np.sqrt(steps), (n, 3)), axis=1) / np.sqrt(INFORMATION)
    limits = np.array([repeated_intervals(z, INFORMATION, c) for z in stat])
    below = np.mean((limits[:, :, 0] <= theta).all(axis=1))
    both = np.mean(((limits[:, :, 0] <= theta) & (theta <= limits[:, :, 1])).all(axis=1))
    se = math.sqrt(0.95 * 0.05 / n)
    assert abs(below - 0.95) < 4 * se
    exact = 1 - sum(np.sum(x) for x in crossing(INFORMATION, c, -c, 0.0))
    assert exact >= 0.9
    assert abs(both - exact) < 4 * math.sqrt(exact * (1 - exact) / n)


def test_a_repeated_limit_is_above_zero_where_the_test_rejects():
    stat = np.array([OBF[0] - 1e-6, OBF[1] + 1e-6, OBF[2] - 1e-6])
    assert (repeated_intervals(stat, INFORMATION, OBF)[:, 0] > 0).tolist() == [False, True, False]
    nowhere = repeated_intervals([1.0, 1.0], [4.0, 9.0], [math.inf, 2.0])
    assert nowhere[0].tolist() == [-math.inf, math.inf]


@pytest.mark.parametrize(
    "call",
    [
        lambda: stagewise_p_value(math.nan, (4.0,), ()),
        lambda: stagewise_p_value(1.0, (4.0, 9.0), ()),
        lambda: stagewise_p_value(1.0, (9.0, 4.0), (2.0,)),
        lambda: stagewise_p_value(1.0, (), ()),
        lambda: stagewise_p_value(1.0, (4.0, 9.0), (2.0,), ()),
        lambda: stagewise_inference(1.0, (4.0,), (), confidence=1.0),
        lambda: effect_at(0.0, 1.0, (4.0,), ()),
        lambda: effect_at(0.5, 1.0, (), ()),
        lambda: repeated_intervals([1.0], [4.0, 5.0], [2.0, 2.0]),
        lambda: repeated_intervals([1.0, 1.0], [5.0, 5.0], [2.0, 2.0]),
    ],
)
def test_refuses(call):
    with pytest.raises(InputError, match="allowed"):
        call()
