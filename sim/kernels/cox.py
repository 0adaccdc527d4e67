"""Cox regression on the arm alone: partial likelihood of a tile by Newton's method."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, log
from sim.kernels.risk_set import next_event_time, stratum_end
from sim.kernels.transforms import INLINE

BETA, INFORMATION, SCORE_AT_0, INFORMATION_AT_0, GAIN, STATUS, FIELDS = 0, 1, 2, 3, 4, 5, 6
CONVERGED, NO_INFORMATION, MONOTONE, NOT_CONVERGED = 0, 1, 2, 3
MAX_ITERATIONS = 50
EFRON, BRESLOW, EXACT = 0, 1, 2
RELATIVE_CHANGE = 1e-9  # of the log likelihood, where R's coxph stops; the estimate is then within about 1e-8 of the maximum


@numba.njit(**INLINE)
def conditional(d: float, n: float, n1: float, beta: float) -> tuple[float, float, float]:
    """Return (log of sum_k C(n1, k) C(n - n1, d - k) e^(k beta), mean of k, variance of k): the choices of who dies among n."""
    least = max(0.0, d - (n - n1))
    most = min(d, n1)
    constant = least * beta
    for j in range(np.int64(least)):
        constant += log((n1 - j) / (j + 1.0))
    for j in range(np.int64(d - least)):
        constant += log((n - n1 - j) / (j + 1.0))
    e = exp(beta)
    weight = 1.0
    scale = 0.0
    total = 0.0
    mean = 0.0
    square = 0.0
    for step in range(np.int64(most - least) + 1):
        k = least + step
        total += weight
        mean += weight * step
        square += weight * step * step
        weight *= (n1 - k) * (d - k) / ((k + 1.0) * (n - n1 - d + k + 1.0)) * e
        if weight > 1e200:
            # only ratios matter, so that many ties do not overflow
            weight *= 1e-200
            total *= 1e-200
            mean *= 1e-200
            square *= 1e-200
            scale += log(1e200)
    mean /= total
    return constant + scale + log(total), least + mean, square / total - mean * mean


@numba.njit(**INLINE)
def evaluate(table: np.ndarray, rows: int, beta: float, ties: int) -> tuple[float, float, float]:
    """Return (log partial likelihood, score, information) at beta; table rows are (d, d1, n, n1) at an event time."""
    e = exp(beta)
    value = 0.0
    score = 0.0
    information = 0.0
    for i in range(rows):
        d, d1, n, n1 = table[i, 0], table[i, 1], table[i, 2], table[i, 3]
        value += d1 * beta
        score += d1
        if ties == EXACT and d > 1.0:
            constant, mean, variance = conditional(d, n, n1, beta)
            value -= constant
            score -= mean
            information += variance
        elif ties == EFRON and d > 1.0:
            for k in range(np.int64(d)):
                f = np.float64(k) / d
                a = (n1 - f * d1) * e
                s = a + (n - n1 - f * (d - d1))
                p = a / s
                value -= log(s)
                score -= p
                information += p * (1.0 - p)
        else:
            a = n1 * e
            s = a + (n - n1)
            p = a / s
            value -= d * log(s)
            score -= d * p
            information += d * p * (1.0 - p)
    return value, score, information


@numba.njit(**INLINE)
def log_choices(n: float, d: float) -> float:
    """Return log C(n, d)."""
    value = 0.0
    for j in range(np.int64(d)):
        value += log((n - j) / (j + 1.0))
    return value


@numba.njit(**INLINE)
def gain_at_infinity(table: np.ndarray, rows: int, ties: int) -> float:
    """Return the limit of the log partial likelihood less its value at 0, where the likelihood rises for ever one way.

    At each time at which both arms are at risk, events are then of one arm only (by the exact likelihood: as many of it as can
    be), with n_s at risk: that arm's patients alone make up the sums over the risk set in the limit. Times at which one
    arm is alone say the same at every beta.
    """
    gain = 0.0
    for i in range(rows):
        d, d1, n, n1 = table[i, 0], table[i, 1], table[i, 2], table[i, 3]
        if n1 <= 0.0 or n1 >= n:
            continue
        same = n1 if d1 > 0.0 else n - n1
        if ties == EXACT and d > 1.0:
            gain += log_choices(n, d) - log_choices(n1, d1) - log_choices(n - n1, d - d1)
        elif ties == EFRON and d > 1.0:
            for k in range(np.int64(d)):
                gain += log((n - k) / (same - k))
        else:
            gain += d * log(n / same)
    return gain


@numba.njit("void(int64[:, ::1], int64[:, ::1], int64, int64, float64[:, ::1])", **OPTIONS)
def fit(keys: np.ndarray, counts: np.ndarray, strata_bits: int, ties: int, out: np.ndarray) -> None:
    """Fill out[i] with (beta, information, score at 0, information at 0, log likelihood gain over 0, status).

    beta : log hazard ratio experimental / control; ties by Efron's or Breslow's approximation, or exactly
    status : CONVERGED; NO_INFORMATION, the arms are never at risk together at an event; MONOTONE, events of one arm only
        while both are at risk, so that beta runs away, to the side that the score at 0 points to, and the gain is its limit;
        NOT_CONVERGED
    keys, counts : as `logrank.pack` makes them, rows sorted
    """
    m, width = keys.shape
    top = 63 - strata_bits
    table = np.empty((width, 4))
    for i in range(m):
        total = counts[i, 0]
        rows = 0
        mixed_control = np.int64(0)
        mixed_experimental = np.int64(0)
        j = 0
        while j < total:
            stop, n1 = stratum_end(keys, i, j, total, top)
            while j < stop:
                first, j, d1, n1 = next_event_time(keys, i, j, stop, n1)
                d = j - first
                if d == 0:
                    break
                n = stop - first
                table[rows, 0] = d
                table[rows, 1] = d1
                table[rows, 2] = n
                table[rows, 3] = n1
                rows += 1
                if 0 < n1 < n:
                    # by the exact likelihood only what could have been otherwise says anything: all who die at once do not
                    mixed_experimental += d1 - (max(d - (n - n1), 0) if ties == EXACT else 0)
                    mixed_control += (min(d, n1) if ties == EXACT else d) - d1
                n1 -= d1
        start, score, information = evaluate(table, rows, 0.0, ties)
        out[i, BETA] = 0.0
        out[i, INFORMATION] = information
        out[i, SCORE_AT_0] = score
        out[i, INFORMATION_AT_0] = information
        out[i, GAIN] = 0.0
        out[i, STATUS] = CONVERGED
        if mixed_experimental + mixed_control == 0 or information <= 0.0:
            out[i, STATUS] = NO_INFORMATION
            continue
        if mixed_experimental == 0 or mixed_control == 0:
            out[i, STATUS] = MONOTONE
            out[i, GAIN] = gain_at_infinity(table, rows, ties)
            continue
        beta = 0.0
        value = start
        out[i, STATUS] = NOT_CONVERGED
        for _ in range(MAX_ITERATIONS):
            step = score / information
            new, score, information = evaluate(table, rows, beta + step, ties)
            change = abs(1.0 - value / new)
            while new < value and change > RELATIVE_CHANGE and abs(step) > 1e-12:
                # the likelihood is concave: halve a step that overshoots
                step *= 0.5
                new, score, information = evaluate(table, rows, beta + step, ties)
            beta += step
            value = new
            if change <= RELATIVE_CHANGE:
                out[i, STATUS] = CONVERGED
                break
        out[i, BETA] = beta
        out[i, INFORMATION] = information
        out[i, GAIN] = value - start
