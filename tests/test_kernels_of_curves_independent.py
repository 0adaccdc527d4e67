"""Level: independent. The functions that curves of the calibrated population are made of, against numpy's and scipy's, and sums written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from sim.kernels.convolution import convolve
from sim.kernels.vectors import exp, power, relative_exponential
from sim.kernels.weibull import fill_area
from sim.population.centring import least_squares, solve

LENGTHS = st.integers(1, 40)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(LENGTHS, LENGTHS, st.floats(1e-12, 1e12), st.integers(0, 2**32 - 1))
def test_convolution_is_the_sum(m, n, size, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=m) * size, rng.normal(size=n)
    expected = [sum(a[i] * b[k - i] for i in range(m) if 0 <= k - i < n) for k in range(m + n - 1)]
    np.testing.assert_allclose(
        convolve(a, b), expected, rtol=0, atol=1e-14 * size * np.sqrt(np.sum((a / size) ** 2) * np.sum(b**2)) + 1e-300
    )


def test_convolution_of_a_curve_as_long_as_in_use():
    t = np.arange(6001) * 0.02
    mass, survival = np.diff(1 - np.exp(-t / 3)), np.exp(-((t[1:] / 9) ** 0.4))
    np.testing.assert_allclose(convolve(mass, survival), np.convolve(mass, survival), rtol=0, atol=1e-14)


def test_convolution_with_nothing():
    assert convolve(np.zeros(3), np.ones(4)).tolist() == [0.0] * 6


@pytest.mark.parametrize("shape", [0.2, 0.28, 0.39, 0.75, 1.0, 2.5])
@pytest.mark.parametrize("scale", [0.3, 4.0, 60.0])
def test_area_under_a_weibull(shape, scale):
    t, area = np.concatenate([[0.0], np.geomspace(1e-9, 1e4, 300)]), np.empty(301)
    fill_area(t, scale, shape, area)
    expected = scale / shape * special.gamma(1 / shape) * special.gammainc(1 / shape, (t / scale) ** shape)
    np.testing.assert_allclose(area, expected, rtol=2e-13, atol=0)


def test_powers_and_difference_quotients():
    x = np.concatenate([[0.0], np.geomspace(1e-12, 300, 400)])
    np.testing.assert_allclose(power(x, 0.39), x**0.39, rtol=1e-14)
    both = np.concatenate([-x[::-1], x])
    expected = np.where(both == 0, 1.0, np.expm1(np.where(both == 0, 1.0, both)) / np.where(both == 0, 1.0, both))
    np.testing.assert_allclose(relative_exponential(both), expected, rtol=4e-15)
    assert exp(1.0).shape == ()


@pytest.mark.parametrize("seed", range(5))
def test_least_squares_as_scipy_finds_them(seed):
    rng = np.random.default_rng(seed)
    slopes, target = rng.normal(size=(6, 3)), rng.normal(size=6)

    def residuals(x):
        return np.concatenate([np.tanh(slopes @ x) - target, 0.1 * x])

    found, expected = (
        least_squares(residuals, np.zeros(3)),
        optimize.least_squares(residuals, np.zeros(3), xtol=1e-12, ftol=1e-12, gtol=1e-12),
    )
    assert np.sum(residuals(found) ** 2) == pytest.approx(2 * expected.cost, rel=1e-8)
    np.testing.assert_allclose(found, expected.x, atol=2e-5)


def test_linear_equations():
    matrix = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 2.0]])
    np.testing.assert_allclose(matrix @ solve(matrix, np.array([1.0, 2.0, 3.0])), [1.0, 2.0, 3.0], rtol=1e-14)
