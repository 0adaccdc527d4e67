"""Beta-binomial rules as the papers print them: integrals by quadrature, sums term by term, every outcome one at a time."""

import math

from scipy.integrate import quad
from scipy.stats import beta, betabinom


def above(x, n, prior, standard, margin=0.0):
    """P(rate > standard + margin | x of n)."""
    a, b = prior[0] + x, prior[1] + n - x
    if not isinstance(standard, tuple):
        return 1 - beta.cdf(standard + margin, a, b)
    inside = lambda s: beta.sf(s + margin, a, b) * beta.pdf(s, *standard)  # noqa: E731
    mode = standard[0] / sum(standard)
    return quad(inside, 0, mode, limit=400, epsabs=1e-12)[0] + quad(inside, mode, 1, limit=400, epsabs=1e-12)[0]


def predictive(x, n, total, prior, standard, final):
    """P(the posterior at the end is at least `final` | x of n): Lee & Liu's sum of probability times indicator."""
    out = 0.0
    for y in range(total - n + 1):
        if above(x + y, total, prior, standard) >= final:
            out += betabinom.pmf(y, total - n, prior[0] + x, prior[1] + n - x)
    return out


def decision(j, x, rule, t):
    """What look j does with x responders: reject, stop, go on."""
    n, total = rule.n[j], rule.n[-1]
    if j == len(rule.n) - 1:
        return "reject" if above(x, n, rule.prior, rule.standard) >= t.final else "stop"
    if rule.kind == "predictive":
        low = high = predictive(x, n, total, rule.prior, rule.standard, t.final)
    else:
        low, high = (above(x, n, rule.prior, rule.standard, m) for m in (rule.margin, 0.0))
    bound = t.final if t.efficacy == "final" else t.efficacy
    if bound is not None and high >= bound:
        return "reject"
    return "stop" if low < t.futility else "go on"


def characteristics(rule, t, p):
    """(P(reject), P(stop before the last look), expected patients), following all counts from look to look."""
    paths, before, reject, early, patients = {0: 1.0}, 0, 0.0, 0.0, 0.0
    for j, n in enumerate(rule.n):
        m, after = n - before, {}
        for x, chance in paths.items():
            for y in range(m + 1):
                c = chance * math.comb(m, y) * p**y * (1 - p) ** (m - y)
                after[x + y] = after.get(x + y, 0.0) + c
        paths = {}
        for x, chance in after.items():
            what = decision(j, x, rule, t)
            if what == "go on":
                paths[x] = chance
                continue
            reject += chance * (what == "reject")
            early += chance * (j < len(rule.n) - 1)
            patients += chance * n
        before = n
    return reject, early, patients
