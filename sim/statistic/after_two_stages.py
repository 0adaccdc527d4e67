"""Inference on a response rate after Simon's two stages: estimates, p-value and interval that know of the early stop."""

from __future__ import annotations

from math import comb

import numpy as np

from sim.later import later
from sim.types import InputError

brentq = later("scipy.optimize", "brentq")
binom = later("scipy.stats", "binom")


def umvue(x: int, r1: int, n1: int, n: int) -> float:
    """Estimate the response rate without bias and with the smallest variance.

    Parameters
    ----------
    x : responders in all; r1 or fewer means that the trial stopped after n1 patients
    r1, n1 : stop after n1 patients where at most r1 respond
    n : patients of a trial that went on, as enrolled

    Notes
    -----
    The mean of X1 / n1 given (stage, x): x / n1 after one stage; after two sum C(n1 - 1, y - 1) C(n2, x - y) /
    sum C(n1, y) C(n2, x - y) over first-stage counts y above r1. Whole numbers, so exact.

    References
    ----------
    Jung & Kim, Statistics in Medicine 2004;23:881. Girshick, Mosteller & Savage, Annals of Mathematical Statistics 1946;17:13.

    Examples
    --------
    >>> umvue(1, 1, 10, 29), round(umvue(6, 1, 10, 29), 4)
    (0.1, 0.2613)
    """
    _check(x, r1, n1, n)
    if x <= r1:
        return x / n1
    n2 = n - n1
    first = range(max(r1 + 1, x - n2), min(n1, x) + 1)
    return sum(comb(n1 - 1, y - 1) * comb(n2, x - y) for y in first) / sum(comb(n1, y) * comb(n2, x - y) for y in first)


def p_value(x: int, r1: int, n1: int, n: int, p0: float) -> float:
    """Return the one-sided p-value by the stage-wise ordering: every outcome of two stages is more extreme than any of one.

    Notes
    -----
    After one stage P(X1 >= x); after two P(X1 > r1 and X1 + X2 >= x). At x = r + 1 it is the design's exact type I error.

    References
    ----------
    Koyama & Chen, Statistics in Medicine 2008;27:3145.

    Examples
    --------
    >>> round(p_value(6, 1, 10, 29, 0.1), 4)
    0.0471
    """
    _check(x, r1, n1, n)
    if x <= r1:
        return float(binom.sf(x - 1, n1, p0))
    y = np.arange(r1 + 1, n1 + 1)
    return float(np.sum(binom.pmf(y, n1, p0) * binom.sf(x - y - 1, n - n1, p0)))


def p_value_after_deviation(x1: int, x2: int, m2: int, r1: int, n1: int, r: int, n: int, p0: float) -> float:
    """Return the one-sided p-value of a trial whose second stage enrolled another number than planned, for whatever reason.

    Parameters
    ----------
    x1 : responders of the first stage, above r1; x2 : responders among the m2 patients that the second stage enrolled
    r1, n1, r, n : the planned design; p0 : response rate under the null

    Notes
    -----
    The conditional p-value c = P(X2 >= x2 | m2, p0) is matched with the rate q at which the planned second stage would have
    rejected as often, P(Y2 > r - x1 | n - n1, q) = c; the p-value is P(X1 = y | p0) P(Y2 > r - y | n - n1, q) summed over y > r1.
    It is at most the design's level exactly where c is at most the conditional level that the plan had left, so it
    stays valid when m2 was chosen after the first stage was seen.

    References
    ----------
    Koyama & Chen, Statistics in Medicine 2008;27:3145, section 4.

    Examples
    --------
    >>> round(p_value_after_deviation(2, 4, 19, 1, 10, 5, 29, 0.1), 4) == round(p_value(6, 1, 10, 29, 0.1), 4)
    True
    """
    _check(x1 + x2, r1, n1, n1 + m2)
    if not (r1 < x1 <= n1 and 0 <= x2 <= m2 and r1 <= r < n):
        raise InputError(f"two-stage inference: x1 {x1} and x2 {x2} of {m2}; allowed: r1 = {r1} < x1 <= {n1}, 0 <= x2 <= {m2}")
    n2 = n - n1
    c = float(binom.sf(x2 - 1, m2, p0))

    def excess(q: float) -> float:
        return float(binom.sf(r - x1, n2, q)) - c

    # where the plan would reject, or accept, whatever came, the rate is at an end of its range
    q = 0.0 if excess(0.0) >= 0 else 1.0 if excess(1.0) <= 0 else float(brentq(excess, 0.0, 1.0, xtol=1e-14))
    y = np.arange(r1 + 1, n1 + 1)
    return float(np.sum(binom.pmf(y, n1, p0) * binom.sf(r - y, n2, q)))


def interval(x: int, r1: int, n1: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval that inverts `p_value`: its coverage is at least `confidence`.

    Notes
    -----
    The lower end has p-value (1 - confidence) / 2. The upper end is where an outcome at most as extreme has that probability.

    References
    ----------
    Koyama & Chen, Statistics in Medicine 2008;27:3145. Jung & Kim, Statistics in Medicine 2004;23:881.

    Examples
    --------
    >>> low, high = interval(6, 1, 10, 29, 0.9); round(low, 4), round(high, 4)
    (0.1015, 0.4127)
    """
    if not 0 < confidence < 1:
        raise InputError(f"two-stage inference: confidence is {confidence}; allowed: above 0 and below 1")
    _check(x, r1, n1, n)
    tail = (1 - confidence) / 2
    low = 0.0 if x == 0 else float(brentq(lambda p: p_value(x, r1, n1, n, p) - tail, 0.0, 1.0, xtol=1e-12))
    last = x == n
    high = 1.0 if last else float(brentq(lambda p: 1 - p_value(x + 1, r1, n1, n, p) - tail, 0.0, 1.0, xtol=1e-12))
    return low, high


def median_unbiased(x: int, r1: int, n1: int, n: int) -> float:
    """Return the rate at which the p-value is one half.

    References
    ----------
    Koyama & Chen, Statistics in Medicine 2008;27:3145.
    """
    _check(x, r1, n1, n)
    return 0.0 if x == 0 else float(brentq(lambda p: p_value(x, r1, n1, n, p) - 0.5, 0.0, 1.0, xtol=1e-12))


def _check(x: int, r1: int, n1: int, n: int) -> None:
    if not (0 <= r1 < n1 < n and 0 <= x <= n):
        raise InputError(f"two-stage inference: {x} responders, r1/n1 {r1}/{n1}, n {n}; allowed: 0 <= r1 < n1 < n and 0 <= x <= n")
