"""The bounds of group-sequential trials and the critical counts of response trials, computed plainly and by themselves.

Nothing is taken from `sim.boundary`: spending functions, normal bounds by bisection over the recursive integration of
`tests/boundary/naive_recursive_integration.py`, binomial counts by sums of `math.comb`. A rule is recognised by its class name
and read by its fields.
"""

import math
from functools import lru_cache
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr

from tests.boundary import naive_beta_binomial, naive_simon
from tests.boundary.naive_recursive_integration import grid

NORMAL = NormalDist()
FAR = 12.0  # a z that nothing reaches


# --- normal bounds ---------------------------------------------------------------------------------------------------


def spent(spending, t, error):
    """The error spent by the information fraction t (Lan & DeMets 1983; Kim & DeMets 1987; Hwang, Shih & DeCani 1990)."""
    t = min(t, 1.0)
    name = type(spending).__name__
    if name == "LanDeMetsOBrienFleming":
        return 2 * (1 - NORMAL.cdf(NORMAL.inv_cdf(1 - error / 2) / math.sqrt(t)))
    if name == "LanDeMetsPocock":
        return error * math.log(1 + (math.e - 1) * t)
    if name == "KimDeMets":
        return error * t**spending.rho
    assert name == "HwangShihDeCani", name
    return error * t if spending.gamma == 0 else error * (1 - math.exp(-spending.gamma * t)) / (1 - math.exp(-spending.gamma))


class Walk:
    """The trials that go on, under no effect: a density on a grid of z at the latest look."""

    def __init__(self):
        self.info = self.z = self.weights = None

    def above(self, info, c):
        """P(going on until now and Z >= c at this information)."""
        if self.info is None:
            return 1 - NORMAL.cdf(c)
        step = math.sqrt(info - self.info)
        return float(self.weights @ ndtr((self.z * math.sqrt(self.info) - c * math.sqrt(info)) / step))

    def bound(self, info, error):
        """The c with P(going on until now and Z >= c) = error, by bisection."""
        low, high = -FAR, FAR
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.above(info, middle) > error else (low, middle)
        return (low + high) / 2

    def go_on(self, info, lower, upper):
        """Keep the trials with lower < Z < upper at this information."""
        new, w = grid(0.0, lower, max(lower, upper), 32)
        if self.info is None:
            density = np.exp(-0.5 * new**2) / math.sqrt(2 * math.pi)
        else:
            delta = info - self.info
            x = (new[:, None] * math.sqrt(info) - self.z[None, :] * math.sqrt(self.info)) / math.sqrt(delta)
            density = np.exp(-0.5 * x**2) @ self.weights * math.sqrt(info / delta) / math.sqrt(2 * math.pi)
        self.info, self.z, self.weights = info, new, w * density


def efficacy(fractions, alpha, spending, lower=None):
    """The upper bounds that spend alpha; with `lower`, among trials that stop at or below it."""
    walk, bounds, before = Walk(), [], 0.0
    for k, t in enumerate(fractions):
        total = alpha if k == len(fractions) - 1 else spent(spending, t, alpha)
        bounds.append(walk.bound(t, total - before))
        before = total
        if k < len(fractions) - 1:
            down = -FAR if lower is None else min(lower[k], bounds[k])
            walk.go_on(t, max(down, -FAR), bounds[k])
    return bounds


def futility(rule, fractions, information, final_z):
    """The z at or below which each look gives up; minus infinity at the last (Lan, Simon & Halperin 1982; Spiegelhalter et al. 1986)."""
    out = []
    for k, t in enumerate(fractions[:-1]):
        name = type(rule).__name__
        if name == "FixedZ":
            z = rule.z[k] if len(rule.z) > 1 else rule.z[0]
        elif name == "FixedHazardRatio":
            z = -math.log(rule.hr) * math.sqrt(t * information)
        elif name == "ConditionalPower":
            needed = final_z + math.sqrt(1 - t) * NORMAL.inv_cdf(rule.threshold)
            drift = None if rule.hr is None else -math.log(rule.hr) * math.sqrt(information)
            z = math.sqrt(t) * needed if drift is None else (needed - drift * (1 - t)) / math.sqrt(t)
        else:
            assert name == "PredictivePower", name
            z = final_z * math.sqrt(t) + math.sqrt(1 - t) * NORMAL.inv_cdf(rule.threshold)
        out.append(z)
    return [*out, -math.inf]


def group_sequential(design):
    """(upper, lower) of a randomised trial's planned looks."""
    events = design.look_events
    fractions = [d / events[-1] for d in events]
    a, b = design.ratio
    information = events[-1] * a * b / (a + b) ** 2
    if len(events) == 1:
        return [NORMAL.inv_cdf(1 - design.alpha)], [-math.inf]
    upper = efficacy(fractions, design.alpha, design.spending)
    if design.futility is None:
        return upper, [-math.inf] * len(upper)
    if not design.binding:
        lower = futility(design.futility, fractions, information, upper[-1])
        return upper, [min(x, y) for x, y in zip(lower, upper, strict=True)]
    low, high = -FAR, upper[-1]  # the last bound that it itself leads to: its excess falls as it rises
    for _ in range(50):
        middle = (low + high) / 2
        found = efficacy(fractions, design.alpha, design.spending, futility(design.futility, fractions, information, middle))
        low, high = (middle, high) if found[-1] > middle else (low, middle)
    lower = futility(design.futility, fractions, information, high)
    upper = efficacy(fractions, design.alpha, design.spending, lower)
    return upper, [min(x, y) for x, y in zip(lower, upper, strict=True)]


def two_stage_critical(t, futility_z, alpha, binding):
    """c with P(Z1 > futility_z, Z2 >= c) = alpha, corr(Z1, Z2) = sqrt(t) (Kwak & Jung 2014); without the first part when not binding."""
    if not binding:
        return NORMAL.inv_cdf(1 - alpha)

    def both(c):
        inside = lambda x: NORMAL.pdf(x) * NORMAL.cdf((x * math.sqrt(t) - c) / math.sqrt(1 - t))  # noqa: E731
        return quad(inside, futility_z, FAR, epsabs=1e-13, limit=200)[0]

    low, high = -FAR, FAR
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if both(middle) > alpha else (low, middle)
    return high


# --- critical counts -------------------------------------------------------------------------------------------------


def mass(n, x, p):
    """P(X = x) of n."""
    return math.comb(n, x) * p**x * (1 - p) ** (n - x)


def followed(n, p, reject, accept):
    """P(x responders) at the latest of these stages among trials that neither rejected nor gave up at an earlier one."""
    paths, before = {0: 1.0}, 0
    for j, m in enumerate(n):
        after = {}
        for x, chance in paths.items():
            for y in range(m - before + 1):
                after[x + y] = after.get(x + y, 0.0) + chance * mass(m - before, y, p)
        if j < len(n) - 1:
            after = {x: c for x, c in after.items() if accept[j] < x < reject[j]}
        paths, before = after, m
    return paths


def fleming(n, p0, alpha):
    """(accept, reject) by stage: Fleming 1982, with the nearest whole numbers."""
    total, z = n[-1], NORMAL.inv_cdf(1 - alpha)
    p = (math.sqrt(total * p0) + math.sqrt(1 - p0) * z) ** 2 / (total + z * z)
    nearest = lambda x: math.floor(x + 0.5)  # noqa: E731
    reject = [nearest(m * p0 + z * math.sqrt(total * p0 * (1 - p0))) + 1 for m in n]
    accept = [min(max(nearest(m * p - z * math.sqrt(total * p * (1 - p))), -1), r - 1) for m, r in zip(n, reject, strict=True)]
    return [*accept[:-1], reject[-1] - 1], reject


def exact_spending(n, p0, p1, alpha, beta, efficacy_spending, futility_spending, binding):
    """(accept, reject) by stage: the least counts whose exact errors stay within what is spent (Jennison & Turnbull 2000, chapter 12)."""
    accept, reject, used, missed = [], [], 0.0, 0.0
    for j, m in enumerate(n):
        last, t = j == len(n) - 1, m / n[-1]
        may = alpha if last else spent(efficacy_spending, t, alpha) if efficacy_spending is not None else 0.0
        ignored = [-1] * j
        null = followed(n[: j + 1], p0, reject, accept if binding else ignored)
        r = max(accept, default=-1) + 1 if binding else 0
        tail = lambda r: sum(c for x, c in null.items() if x >= r)  # noqa: E731, B023
        while used + tail(r) > may + 1e-15:
            r += 1
        used += tail(r)
        a = r - 1 if last else -1
        if futility_spending is not None and not last:
            effect = followed(n[: j + 1], p1, reject, accept)
            below = lambda a: sum(c for x, c in effect.items() if x <= a)  # noqa: E731, B023
            may_miss = spent(futility_spending, t, beta)
            while a + 1 <= r - 1 and missed + below(a + 1) <= may_miss:
                a += 1
            missed += below(a)
        accept.append(a)
        reject.append(r)
    return accept, reject


@lru_cache(maxsize=64)
def simon(p0, p1, alpha, power, kind, n_max):
    """(r1, n1, r, n) of Simon's optimal or minimax design, by trying all with at most n_max patients."""
    found = naive_simon.all_designs(p0, p1, alpha, 1 - power, n_max)
    key = {"optimal": lambda d: (d[0], d[4]), "minimax": lambda d: (d[4], d[0])}[kind]
    return min(found, key=key)[1:]


def bayesian(design, n, p0):
    """(accept, reject) by look: the counts at which posterior or predictive probability stops, for given thresholds."""
    mean = p0 if design.prior_mean is None else design.prior_mean
    known = design.standard_patients
    rule = SimpleNamespace(
        n=n,
        kind=design.rule,
        standard=p0 if known is None else (known * p0, known * (1 - p0)),
        prior=(design.prior_patients * mean, design.prior_patients * (1 - mean)),
        margin=design.margin,
    )
    thresholds = SimpleNamespace(final=design.final_threshold, futility=design.futility_threshold, efficacy=design.efficacy_threshold)
    accept, reject = [], []
    for j, m in enumerate(n):
        what = [naive_beta_binomial.decision(j, x, rule, thresholds) for x in range(m + 1)]
        accept.append(max((x for x, w in enumerate(what) if w == "stop"), default=-1))
        reject.append(min((x for x, w in enumerate(what) if w == "reject"), default=m + 1))
    return accept, reject
