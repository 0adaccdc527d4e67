"""Cox regression on the arm alone: partial likelihood of a tile by Newton's method."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, log
from sim.kernels.transforms import INLINE

BETA, INFORMATION, SCORE_AT_0, INFORMATION_AT_0, GAIN, STATUS, FIELDS = 0, 1, 2, 3, 4, 5, 6
CONVERGED, NO_INFORMATION, MONOTONE, NOT_CONVERGED = 0, 1, 2, 3
MAX_ITERATIONS = 50
RELATIVE_CHANGE = 1e-9  # of the log likelihood, where R's coxph stops; the estimate is then within about 1e-8 of the maximum


@numba.njit(**INLINE)
def evaluate(table: np.ndarray, rows: int, beta: float, efron: bool) -> tuple[float, float, float]:
    """Return (log partial likelihood, score, information) at beta; table rows are (d, d1, n, n1) at an event time."""
    e = exp(beta)
    value = 0.0
    score = 0.0
    information = 0.0
    for i in range(rows):
        d, d1, n, n1 = table[i, 0], table[i, 1], table[i, 2], table[i, 3]
        value += d1 * beta
        score += d1
        if efron and d > 1.0:
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


@numba.njit("void(int64[:, ::1], int64[:, ::1], int64, boolean, float64[:, ::1])", **OPTIONS)
def fit(keys: np.ndarray, counts: np.ndarray, strata_bits: int, efron: bool, out: np.ndarray) -> None:
    """Fill out[i] with (beta, information, score at 0, information at 0, log likelihood gain over 0, status).

    beta : log hazard ratio experimental / control; ties by Efron's approximation or Breslow's
    status : CONVERGED; NO_INFORMATION, the arms are never at risk together at an event; MONOTONE, events of one arm only
        while both are at risk, so that beta runs away; NOT_CONVERGED
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
            stratum = keys[i, j] >> top
            stop = j
            n1 = np.int64(0)
            while stop < total and keys[i, stop] >> top == stratum:
                n1 += keys[i, stop] & 1
                stop += 1
            while j < stop:
                key = keys[i, j]
                if (key >> 1) & 1:
                    n1 -= key & 1
                    j += 1
                    continue
                d = 0
                d1 = np.int64(0)
                k = j
                while k < stop and (keys[i, k] | 1) == (key | 1):
                    d += 1
                    d1 += keys[i, k] & 1
                    k += 1
                n = stop - j
                table[rows, 0] = d
                table[rows, 1] = d1
                table[rows, 2] = n
                table[rows, 3] = n1
                rows += 1
                if 0 < n1 < n:
                    mixed_experimental += d1
                    mixed_control += d - d1
                n1 -= d1
                j = k
        start, score, information = evaluate(table, rows, 0.0, efron)
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
            continue
        beta = 0.0
        value = start
        out[i, STATUS] = NOT_CONVERGED
        for _ in range(MAX_ITERATIONS):
            step = score / information
            new, score, information = evaluate(table, rows, beta + step, efron)
            change = abs(1.0 - value / new)
            while new < value and change > RELATIVE_CHANGE and abs(step) > 1e-12:
                # the likelihood is concave: halve a step that overshoots
                step *= 0.5
                new, score, information = evaluate(table, rows, beta + step, efron)
            beta += step
            value = new
            if change <= RELATIVE_CHANGE:
                out[i, STATUS] = CONVERGED
                break
        out[i, BETA] = beta
        out[i, INFORMATION] = information
        out[i, GAIN] = value - start
