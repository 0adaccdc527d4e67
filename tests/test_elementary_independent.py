"""Level: independent. Our logarithm, exponential and normal quantile against decimal arithmetic, Python's and scipy's."""

import math
import random
from decimal import Decimal, localcontext
from statistics import NormalDist

import numpy as np
import pytest
from scipy.special import ndtri

from sim.kernels.elementary import exp, exponential, log, normal_quantile, power, uniform


def ulps(value, exact):
    """The error in units in the last place of the exact value; exact : a 45-digit decimal."""
    return float(abs(Decimal(value) - exact) / Decimal(math.ulp(float(exact))))


def worst(function, exact, points):
    with localcontext() as context:
        context.prec = 45
        return max(ulps(function(x), exact(Decimal(x))) for x in points)


def draws(seed, count, make):
    generator = random.Random(seed)
    return [make(generator) for _ in range(count)]


@pytest.mark.parametrize(
    "make",
    [
        lambda g: math.exp(g.uniform(-708, 709)),
        lambda g: g.random() + 2**-60,
        lambda g: 1 + g.uniform(-1e-3, 1e-3),
        lambda g: (g.getrandbits(32) + 0.5) / 2**32,
    ],
)
def test_log_is_within_one_ulp(make):
    assert worst(log, Decimal.ln, draws(1, 4000, make)) < 1


@pytest.mark.parametrize(("low", "high"), [(-707.9, 709), (-30, 5), (-1, 1), (-1e-6, 1e-6), (-1e-300, 1e-300)])
def test_exp_is_within_one_ulp(low, high):
    assert worst(exp, Decimal.exp, draws(2, 4000, lambda g: g.uniform(low, high))) < 1


def test_edges_of_log_and_exp():
    smallest, largest = 2.2250738585072014e-308, 1.7976931348623157e308
    edges = [smallest, math.nextafter(1, 0), math.nextafter(1, 2), 0.5, 2.0, math.sqrt(0.5), math.sqrt(2), largest]
    assert worst(log, Decimal.ln, edges) < 1
    assert log(1.0) == 0.0
    assert exp(0.0) == exp(-0.0) == 1.0
    assert exp(-708.0) == exp(-1e9) == exp(-math.inf) == 0.0
    assert exp(709.5) == exp(math.inf) == exp(709.0) > 8e307


def test_power():
    # the relative error of x^a is that of the exponent, |a log x| 2^-53, and the two roundings
    for x, a in draws(3, 2000, lambda g: (g.uniform(1e-6, 1), g.choice([0.5, 1.0, 2.0, g.uniform(0, 4)]))):
        assert power(x, a) == pytest.approx(x**a, rel=2e-16 * (3 + abs(a * math.log(x))))


def test_uniform_is_the_middle_of_the_cell_and_never_an_end():
    assert uniform(0) == 2.0**-33
    assert uniform(2**32 - 1) == 1 - 2.0**-33
    assert all(uniform(w) == (w + 0.5) / 2**32 for w in draws(4, 1000, lambda g: g.getrandbits(32)))
    assert exponential(0) == pytest.approx(33 * math.log(2), rel=1e-15)
    assert 0 < exponential(2**32 - 1) < 2e-10


def test_normal_quantile():
    # 2e-15 relative: AS 241 states 1e-16 for its rational functions; forming p - 1/2 and 1 - p costs some units in the last place
    tails = 10 ** np.random.default_rng(5).uniform(-290, -1, 3000)
    p = np.concatenate(
        [tails, 1 - tails[tails > 1e-15], np.random.default_rng(6).uniform(1e-9, 1 - 1e-9, 4000), [0.075, 0.925, math.exp(-25)]]
    )
    ours = np.array([normal_quantile(x) for x in p])
    np.testing.assert_allclose(ours, ndtri(p), rtol=2e-15, atol=2e-16)
    np.testing.assert_allclose(ours, [NormalDist().inv_cdf(x) for x in p], rtol=2e-15, atol=2e-16)
    assert normal_quantile(0.5) == 0.0
