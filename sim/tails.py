"""Tails of the binomial and the Poisson distribution, and the counts at which they fall below a probability.

Both are incomplete beta and gamma functions, so that who needs a tail need not load all of `scipy.stats`.
"""

from __future__ import annotations

from collections.abc import Callable

from sim.later import later

betainc = later("scipy.special", "betainc")
gammainc = later("scipy.special", "gammainc")

Tail = Callable[[int], float]


def binomial_tail(n: int, p: float) -> Tail:
    """Return k -> P(X > k), X ~ Binomial(n, p).

    Parameters
    ----------
    n : trials, 0 or more; p : probability, in [0, 1]

    Notes
    -----
    P(X > k) = I_p(k + 1, n - k), the regularised incomplete beta function (Abramowitz & Stegun 1964, 26.5.24).

    Examples
    --------
    >>> binomial_tail(3, 0.5)(1)
    0.5
    """
    return lambda k: 1.0 if k < 0 else 0.0 if k >= n else float(betainc(k + 1, n - k, p))


def poisson_tail(mean: float) -> Tail:
    """Return k -> P(X > k), X ~ Poisson(mean), mean 0 or more.

    Notes
    -----
    P(X > k) = P(k + 1, mean), the regularised lower incomplete gamma function (Abramowitz & Stegun 1964, 26.4.21).

    Examples
    --------
    >>> round(poisson_tail(1.0)(0), 6)
    0.632121
    """
    return lambda k: 1.0 if k < 0 else float(gammainc(k + 1, mean))


def falls_to(tail: Tail, probability: float) -> int:
    """Return the smallest count k >= 0 with P(X > k) <= probability, by bisection.

    Parameters
    ----------
    tail : falling in k, with limit 0; probability : in (0, 1)

    Examples
    --------
    >>> falls_to(binomial_tail(3, 0.5), 0.5), falls_to(binomial_tail(3, 0.5), 1e-9)
    (1, 3)
    """
    low, high = -1, 1
    while tail(high) > probability:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if tail(middle) > probability else (low, middle)
    return high
