"""Plain Cox model of the arm: the partial likelihood written out, its maximum found by a general minimiser."""

import math

from scipy.optimize import minimize_scalar

from tests.statistic.naive_risk_sets import at, event_times, strata


def log_likelihood(rows, beta, ties, stratified):
    """The log partial likelihood at a log hazard ratio."""
    total = 0.0
    for part in strata(rows) if stratified else [rows]:
        for t in event_times(part):
            d, d1, n, n1 = at(part, t)
            risk = n - n1 + n1 * math.exp(beta)
            dying = d - d1 + d1 * math.exp(beta)
            total += d1 * beta
            if ties == "exact":
                total -= math.log(sum(math.comb(n1, k) * math.comb(n - n1, d - k) * math.exp(k * beta) for k in range(d + 1)))
                continue
            for k in range(d):
                total -= math.log(risk - (k / d * dying if ties == "efron" else 0))
    return total


def derivatives(rows, beta, ties, stratified, h=1e-4):
    """Score and information by differences."""
    low, mid, high = (log_likelihood(rows, beta + s, ties, stratified) for s in (-h, 0, h))
    return (high - low) / (2 * h), -(high - 2 * mid + low) / h**2


def fit(rows, ties, stratified):
    """The log hazard ratio within -15 … 15."""
    best = minimize_scalar(
        lambda b: -log_likelihood(rows, b, ties, stratified), bounds=(-15, 15), method="bounded", options={"xatol": 1e-10}
    )
    return float(best.x)
