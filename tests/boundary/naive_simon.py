"""Simon's two-stage designs by trying everything, for reading."""

from functools import cache
from math import comb


@cache
def mass(n, p):
    """P(X = x) for x = 0 … n"""
    return [comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)]


@cache
def more_than(n, r, p):
    """P(X > r)"""
    return sum(mass(n, p)[max(r + 1, 0) :])


def rejects(r1, n1, r, n, p):
    """P(X1 > r1 and X1 + X2 > r)"""
    return sum(mass(n1, p)[x] * more_than(n - n1, r - x, p) for x in range(r1 + 1, n1 + 1))


def all_designs(p0, p1, alpha, beta, n_max):
    """Every design with at most n_max patients that meets both errors, with its least r, as (EN(p0), r1, n1, r, n)."""
    for n in range(2, n_max + 1):
        for n1 in range(1, n):
            for r1 in range(n1):
                for r in range(r1, n):
                    if rejects(r1, n1, r, n, p0) <= alpha:
                        if rejects(r1, n1, r, n, p1) >= 1 - beta:
                            yield n1 + more_than(n1, r1, p0) * (n - n1), r1, n1, r, n
                        break
