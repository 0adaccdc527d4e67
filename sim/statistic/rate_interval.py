"""Confidence intervals of a response rate: Clopper-Pearson, Wilson, Jeffreys."""

from __future__ import annotations

from sim.later import later
from sim.types import InputError

beta = later("scipy.stats", "beta")
binomtest = later("scipy.stats", "binomtest")

METHODS = ("clopper_pearson", "wilson", "jeffreys")


def rate_interval(x: int, n: int, method: str = "clopper_pearson", confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval of a response rate when x of n patients respond in one stage.

    Parameters
    ----------
    x, n : responders, patients; 0 <= x <= n and n at least 1
    method : "clopper_pearson" inverts the exact test, so that its coverage is never below `confidence`; "wilson" inverts the score
        test; "jeffreys" takes quantiles of the posterior under the prior Beta(1/2, 1/2), with 0 where x is 0 and 1 where x is n
    confidence : float, between 0 and 1

    Raises
    ------
    InputError : counts that cannot be, an unknown method, a confidence outside (0, 1)

    References
    ----------
    Clopper & Pearson, Biometrika 1934;26:404. Wilson, JASA 1927;22:209. Brown, Cai & DasGupta, Statistical Science 2001;16:101, section 3.
    After two stages: `sim.statistic.after_two_stages.interval`.

    Examples
    --------
    >>> [tuple(round(limit, 4) for limit in rate_interval(8, 40, method)) for method in METHODS]
    [(0.0905, 0.3565), (0.105, 0.3476), (0.0994, 0.3422)]
    """
    if not (n >= 1 and 0 <= x <= n):
        raise InputError(f"interval of a rate: {x} responders of {n}; allowed: 0 to n of at least 1")
    if method not in METHODS:
        raise InputError(f"interval of a rate: method is {method!r}; allowed: {', '.join(METHODS)}")
    if not 0 < confidence < 1:
        raise InputError(f"interval of a rate: confidence is {confidence}; allowed: above 0 and below 1")
    if method == "jeffreys":
        low, high = beta.ppf([(1 - confidence) / 2, (1 + confidence) / 2], x + 0.5, n - x + 0.5)
        return 0.0 if x == 0 else float(low), 1.0 if x == n else float(high)
    limits = binomtest(x, n).proportion_ci(confidence, "exact" if method == "clopper_pearson" else "wilson")
    return float(limits.low), float(limits.high)
