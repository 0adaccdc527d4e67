"""The exact single-stage design by sums of binomial terms in rational arithmetic, for reading."""

from fractions import Fraction
from math import comb


def tail(n, r, p):
    """P(X >= r), exactly, for a rational p."""
    p = Fraction(p)
    return sum(comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(r, n + 1))


def rejection_count(n, p0, alpha):
    for r in range(n + 2):
        if tail(n, r, p0) <= alpha:
            return r
    raise AssertionError("the empty sum is 0")


def power(n, p0, p1, alpha):
    return tail(n, rejection_count(n, p0, alpha), p1)
