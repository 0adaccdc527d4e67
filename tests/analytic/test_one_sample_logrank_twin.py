"""Level: twin. Moments and power against trials simulated patient by patient; tolerances are 4 Monte Carlo standard errors."""

import numpy as np
import pytest
from scipy.stats import norm

from sim.statistic.analytic.one_sample_logrank import moments, power
from tests.analytic import naive_one_sample_logrank as naive
from tests.analytic.curves import piecewise

NULL = piecewise((0.0, 2.0), (0.30, 0.12))
ALTERNATIVE = piecewise((0.0, 1.0, 4.0), (0.30, 0.12, 0.03))
TRIAL = {"accrual": 9.0, "followup": 5.0, "dropout": 0.03}
N, REPLICATES = 60, 10_000


@pytest.fixture(scope="module")
def simulated():
    return naive.simulate(NULL, ALTERNATIVE, N, **TRIAL, replicates=REPLICATES, seed=20230712)


def test_moments(simulated):
    observed, expected = simulated
    m = moments(NULL, ALTERNATIVE, **TRIAL)
    assert abs(observed.mean() - N * m.events) < 4 * observed.std() / np.sqrt(REPLICATES)
    assert abs(expected.mean() - N * m.expected) < 4 * expected.std() / np.sqrt(REPLICATES)
    # the standard error of a variance or covariance of near-normal sums is about sqrt(2 / R) of the product of the SDs
    error = 4 * np.sqrt(2 / REPLICATES)
    assert observed.var() / N == pytest.approx(m.variance_events, rel=error)
    assert expected.var() / N == pytest.approx(m.variance_expected, rel=error)
    assert np.cov(observed, expected)[0, 1] / N == pytest.approx(m.covariance, abs=error * np.sqrt(m.variance_events * m.variance_expected))
    assert (observed - expected).var() / N == pytest.approx(m.variance, rel=error)


@pytest.mark.parametrize("variance", ["mean", "null", "observed"])
def test_power(simulated, variance):
    z = naive.z_score(*simulated, variance)
    m = moments(NULL, ALTERNATIVE, **TRIAL)
    share = np.mean(z >= norm.isf(0.025))
    # the first-order expansion leaves about 0.008 of asymptotic error, the Monte Carlo 4 standard errors
    assert power(N, m, 0.025, variance, "delta") == pytest.approx(share, abs=0.008 + 4 * np.sqrt(share * (1 - share) / REPLICATES))
