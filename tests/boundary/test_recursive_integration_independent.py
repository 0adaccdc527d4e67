"""Level: independent. Against scipy's multivariate normal distribution (deterministic in two dimensions, 1e-5 in three) and a plain simulation."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from sim.boundary.recursive_integration import crossing_probabilities


def joint(information, mean):
    root = np.sqrt(np.asarray(information))
    return {"mean": mean, "cov": np.minimum.outer(root, root) / np.maximum.outer(root, root)}


def test_two_looks():
    information, upper, mean = (0.6, 1.0), np.array([2.6686, 1.981]), np.array([1.4, 2.1])
    found = crossing_probabilities(information, upper, mean=mean)
    below_both = multivariate_normal(**joint(information, mean)).cdf(upper)
    assert found.upper[0] == pytest.approx(norm.sf(upper[0] - mean[0]), abs=1e-12)
    assert found.upper.sum() == pytest.approx(1 - below_both, abs=1e-7)


def test_three_looks_with_means_that_follow_no_constant_effect():
    information, upper, mean = (0.4, 0.75, 1.0), np.array([3.36, 2.34, 2.01]), np.array([-0.2, 0.9, 2.4])
    found = crossing_probabilities(information, upper, mean=mean)
    below_all = multivariate_normal.cdf(upper, **joint(information, mean), abseps=1e-7, maxpts=2_000_000, rng=np.random.default_rng(1))
    assert found.upper.sum() == pytest.approx(1 - below_all, abs=1e-5)


def test_simulated_looks():
    information, upper, lower, drift = np.array([0.3, 0.5, 0.8, 1.0]), np.array([3.9, 2.9, 2.3, 2.0]), np.array([-0.5, 0.3, 1.2, 2.0]), 2.6
    n = 400_000
    rng = np.random.default_rng(8)
    steps = np.diff(information, prepend=0.0)
    z = np.cumsum(rng.normal(drift * steps, np.sqrt(steps), (n, 4)), axis=1) / np.sqrt(information)
    out = (z > upper) | (z < lower)
    first = np.argmax(out, axis=1)
    stopped = out.any(axis=1)
    found = crossing_probabilities(information, upper, lower, drift)
    for j in range(4):
        here = stopped & (first == j)
        for probability, share in (
            (found.upper[j], np.mean(here & (z[:, j] > upper[j]))),
            (found.lower[j], np.mean(here & (z[:, j] < lower[j]))),
        ):
            # four Monte Carlo standard errors
            assert probability == pytest.approx(share, abs=4 * np.sqrt(max(share, 1e-6) / n))
