"""Plain versions of the MaxCombo test's parts: covariances by definition, the p-value on a fine grid."""

import numpy as np
from scipy.stats import norm

from tests.statistic.naive_risk_sets import at, event_times, fleming_harrington, strata


def covariance(rows, weights, stratified):
    """(U, V) of each weight and pair of weights, summed over the strata."""
    u, v = np.zeros(len(weights)), np.zeros((len(weights), len(weights)))
    for part in strata(rows) if stratified else [rows]:
        w = [fleming_harrington(part, *pair) for pair in weights]
        for t in event_times(part):
            d, d1, n, n1 = at(part, t)
            var = d * n1 / n * (1 - n1 / n) * (n - d) / (n - 1) if n > 1 else 0.0
            value = np.array([f(t) for f in w])
            u += value * (d1 - d * n1 / n)
            v += np.outer(value, value) * var
    return u, v


def p_value(correlation, m, points=801):
    """P(max Z >= m) for a correlation of rank 3 or less: two principal axes on a grid, the third by the normal distribution."""
    values, vectors = np.linalg.eigh(correlation)
    # the axis of least variance last: there the conditional probability is exact
    axes = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :3]
    x = np.linspace(-7, 7, points)
    one, two = np.meshgrid(x, x, indexing="ij")
    high, low = np.full(one.shape, np.inf), np.full(one.shape, -np.inf)
    possible = np.ones(one.shape, dtype=bool)
    for a, b, c in axes:
        rest = m - a * one - b * two
        if abs(c) < 1e-7:
            possible &= rest > 0
        elif c > 0:
            high = np.minimum(high, rest / c)
        else:
            low = np.maximum(low, rest / c)
    inside = np.where(possible, np.maximum(norm.cdf(high) - norm.cdf(low), 0), 0)
    density = norm.pdf(one) * norm.pdf(two)
    return 1 - float((inside * density).sum() * (x[1] - x[0]) ** 2)
