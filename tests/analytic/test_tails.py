"""Tails and quantiles of counts against SciPy's own distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, poisson

from sim.tails import binomial_tail, falls_to, poisson_tail

DEEP = (0.975, 0.9, 0.5, 0.1, 0.025, 1e-6)


@pytest.mark.parametrize("n", [1, 2, 10, 160, 999, 10_000, 100_000])
@pytest.mark.parametrize("p", [0.0, 1e-7, 0.1, 0.3, 0.5, 0.9, 1.0])
def test_binomial_tails_and_the_counts_they_fall_to(n, p):
    tail = binomial_tail(n, p)
    k = np.unique(np.clip(np.linspace(n * p - 40, n * p + 40, 41).astype(int), -1, n + 1))
    np.testing.assert_allclose([tail(int(x)) for x in k], binom.sf(k, n, p), rtol=1e-9, atol=1e-300)
    assert [falls_to(tail, q) for q in DEEP] == [max(int(binom.isf(q, n, p)), 0) for q in DEEP]


@pytest.mark.parametrize("mean", [0.0, 1e-6, 0.7, 12.0, 340.5, 40_000.0])
def test_poisson_tails_and_the_counts_they_fall_to(mean):
    tail = poisson_tail(mean)
    k = np.unique(np.clip(np.linspace(mean - 40, mean + 40, 41).astype(int), -1, None))
    np.testing.assert_allclose([tail(int(x)) for x in k], poisson.sf(k, mean), rtol=1e-9, atol=1e-300)
    assert [falls_to(tail, q) for q in DEEP] == [max(int(poisson.isf(q, mean)), 0) for q in DEEP]


def test_ranks_of_an_interval_for_a_quantile_are_the_quantiles_of_the_binomial():
    for n in [*range(1, 400), 999, 1000, 9_999, 10_000, 20_000, 100_000]:
        for q in (0.1, 0.9):
            tail = binomial_tail(n, q)
            assert [falls_to(tail, 1 - p) for p in (0.025, 0.5, 0.975)] == [int(binom.ppf(p, n, q)) for p in (0.025, 0.5, 0.975)], (n, q)
