"""Plain versions of the response tests: the cubic of Miettinen & Nurminen, and Fisher's tail in whole numbers."""

from fractions import Fraction
from math import comb, log

import numpy as np


def restricted_rate(x1, n1, x0, n0, margin):
    """p0 of largest likelihood under p1 = p0 + margin: the best root of the score's cubic within the allowed rates."""
    n, x = n1 + n0, x1 + x0
    roots = np.roots([n, (n1 + 2 * n0) * margin - n - x, (n0 * margin - n - 2 * x0) * margin + x, x0 * margin * (1 - margin)])
    low, high = max(0, -margin), min(1, 1 - margin)
    real = [min(max(r.real, low), high) for r in roots if abs(r.imag) < 1e-7 and low - 1e-9 <= r.real <= high + 1e-9]

    def likelihood(p):
        pairs = ((x1, p + margin), (n1 - x1, 1 - p - margin), (x0, p), (n0 - x0, 1 - p))
        return sum(count * log(max(rate, 1e-300)) for count, rate in pairs if count)

    return max(real, key=likelihood)


def fisher(x1, n1, x0, n0):
    """P(X >= x1) given the margins, exactly."""
    responders = x1 + x0
    tail = sum(comb(n1, k) * comb(n0, responders - k) for k in range(x1, min(responders, n1) + 1))
    return float(Fraction(tail, comb(n1 + n0, responders)))
