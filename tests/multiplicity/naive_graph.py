"""The graphical procedure by its definition as a closed test, and step by step in exact fractions, for reading."""

from fractions import Fraction
from itertools import combinations


def without(weights, transitions, i):
    """The graph after hypothesis i is taken out (Bretz et al. 2009, algorithm 1), in fractions."""
    h = range(len(weights))
    w = [Fraction(0) if j == i else weights[j] + weights[i] * transitions[i][j] for j in h]
    g = [[Fraction(0)] * len(weights) for _ in h]
    for j in h:
        for k in h:
            back = transitions[j][i] * transitions[i][j]
            if i not in (j, k) and j != k and back < 1:
                g[j][k] = (transitions[j][k] + transitions[j][i] * transitions[i][k]) / (1 - back)
    return w, g


def weights_of(weights, transitions, kept):
    """The weights when only the hypotheses `kept` are left."""
    for i in range(len(weights)):
        if i not in kept:
            weights, transitions = without(weights, transitions, i)
    return weights


def closed(weights, transitions, p, alpha):
    """Which hypotheses a closed test rejects: each whose every intersection has a p at or below its weight there times alpha."""
    h = len(weights)
    sets = [set(s) for size in range(1, h + 1) for s in combinations(range(h), size)]
    fails = []
    for s in sets:
        w = weights_of(weights, transitions, s)
        fails.append(not any(w[i] > 0 and p[i] <= w[i] * alpha for i in s))
    return tuple(not any(i in s and bad for s, bad in zip(sets, fails, strict=True)) for i in range(h))


def hochberg(p, alpha):
    """From the largest p down: the first at or below alpha / rank rejects itself and all smaller."""
    ranked = sorted(range(len(p)), key=lambda i: -p[i])
    for rank, i in enumerate(ranked, start=1):
        if p[i] <= alpha / rank:
            return tuple(j in ranked[rank - 1 :] for j in range(len(p)))
    return (False,) * len(p)
