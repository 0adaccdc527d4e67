"""Plain versions, written for reading: risk sets, Kaplan-Meier curves and weighted log-rank scores of a list of (time, event, arm, stratum)."""

import math
from itertools import pairwise


def event_times(rows):
    """The distinct event times, rising."""
    return sorted({t for t, event, _, _ in rows if event})


def at(rows, t):
    """(d, d1, n, n1) at an event time: events and patients at risk, all and experimental."""
    d = [arm for time, event, arm, _ in rows if event and time == t]
    n = [arm for time, _, arm, _ in rows if time >= t]
    return len(d), sum(d), len(n), sum(n)


def survival(rows, t, including=True):
    """The Kaplan-Meier curve at t, or just before it."""
    s = 1.0
    for u in event_times(rows):
        if u < t or (including and u == t):
            d, _, n, _ = at(rows, u)
            s *= 1 - d / n
    return s


def greenwood(rows, t):
    """Sum of d / (n (n - d)) up to t, without a term that empties the curve."""
    terms = [(d, n) for d, _, n, _ in (at(rows, u) for u in event_times(rows) if u <= t)]
    return sum(d / (n * (n - d)) for d, n in terms if d < n)


def area(rows, start, stop):
    """The area under the curve from start to stop."""
    corners = [start, *(u for u in event_times(rows) if start < u < stop), stop]
    return sum((b - a) * survival(rows, a) for a, b in pairwise(corners))


def area_variance(rows, horizon):
    """Uno's sum over event times of (remaining area)^2 d / (n (n - d))."""
    total = 0.0
    for u in event_times(rows):
        d, _, n, _ = at(rows, u)
        if u <= horizon and d < n:
            total += area(rows, u, horizon) ** 2 * d / (n * (n - d))
    return total


def known(rows, horizon):
    """Whether the curve is known up to the horizon."""
    return any(t >= horizon for t, _, _, _ in rows) or (bool(rows) and survival(rows, horizon) == 0)


def followed(rows, horizon):
    """How many have a known state at the horizon: watched until it, or with an event before it."""
    return sum(t >= horizon or event for t, event, _, _ in rows)


def score(rows, weight):
    """(sum w (O - E), sum w^2 v, sum w v) of one stratum; weight is a function of the event time."""
    u = v = information = 0.0
    for t in event_times(rows):
        d, d1, n, n1 = at(rows, t)
        w = weight(t)
        var = d * n1 / n * (1 - n1 / n) * (n - d) / (n - 1) if n > 1 else 0.0
        u += w * (d1 - d * n1 / n)
        v += w * w * var
        information += w * var
    return u, v, information


def strata(rows):
    """The rows of each stratum."""
    return [[r for r in rows if r[3] == s] for s in sorted({r[3] for r in rows})]


def fleming_harrington(rows, rho, gamma):
    """The weight S(t-)^rho (1 - S(t-))^gamma of these rows' pooled curve."""
    return lambda t: survival(rows, t, False) ** rho * (1 - survival(rows, t, False)) ** gamma


def modest(rows, t_star, s_star, simtrial):
    """The weight 1 / max(S(t-), S(t_star), s_star), S(t_star) as the convention reads it."""
    early = [t for t in event_times(rows) if t <= t_star]
    at_star = min((survival(rows, t, False) for t in early), default=1.0) if simtrial else survival(rows, t_star, False)
    floor = max(at_star, s_star)
    return lambda t: 1 / max(survival(rows, t, False), floor if t > t_star else s_star)


TRANSFORMS = {
    "plain": (lambda s: s, lambda s: 1.0),
    "log": (math.log, lambda s: 1 / s),
    "loglog": (lambda s: -math.log(-math.log(s)), lambda s: -1 / (s * math.log(s))),
    "logit": (lambda s: math.log(s / (1 - s)), lambda s: 1 / (s * (1 - s))),
    "arcsine": (lambda s: math.asin(math.sqrt(s)), lambda s: 1 / (2 * math.sqrt(s * (1 - s)))),
}
"""g and its derivative."""
