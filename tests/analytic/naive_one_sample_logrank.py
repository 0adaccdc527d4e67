"""The one-sample log-rank test simulated patient by patient, for reading."""

import math

import numpy as np


def quantile(curve, u):
    """The time at which the curve falls to u."""
    h = curve.cumulative_hazard()
    return np.interp(-np.log(u), h, curve.times, right=curve.times[-1])


def cumulative_hazard(curve, t):
    return np.interp(t, curve.times, curve.cumulative_hazard())


def simulate(null, alternative, n, accrual, followup, dropout, replicates, seed):
    """Return events and expected events of every simulated trial."""
    rng = np.random.default_rng(seed)
    observed, expected = np.empty(replicates), np.empty(replicates)
    for i in range(replicates):
        entry = rng.uniform(0, accrual, n)
        event = quantile(alternative, rng.uniform(size=n))
        lost = rng.exponential(1 / dropout, n) if dropout else np.full(n, math.inf)
        seen = np.minimum(accrual + followup - entry, lost)
        time = np.minimum(event, seen)
        observed[i] = np.sum(event <= seen)
        expected[i] = np.sum(cumulative_hazard(null, time))
    return observed, expected


def z_score(observed, expected, variance):
    v = {"mean": (observed + expected) / 2, "null": expected, "observed": observed}[variance]
    return (expected - observed) / np.sqrt(v)
