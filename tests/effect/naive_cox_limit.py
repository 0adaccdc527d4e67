"""The limit of Cox's estimator, written for reading: one sum over time, bisection for the root. Curves are functions of time."""

import math


def score(beta, strata, follow, end, steps):
    """The expected score; strata : list of (share, control curve, experimental curve, share of the experimental arm)."""
    total = 0.0
    for share, control, experimental, allocation in strata:
        for i in range(steps):
            start, stop = i * end / steps, (i + 1) * end / steps
            middle = 0.5 * (start + stop)
            events_control = (1 - allocation) * (control(start) - control(stop)) * follow(middle)
            events_experimental = allocation * (experimental(start) - experimental(stop)) * follow(middle)
            at_risk_control = (1 - allocation) * control(middle)
            at_risk_experimental = allocation * experimental(middle) * math.exp(beta)
            expected = at_risk_experimental / (at_risk_control + at_risk_experimental)
            total += share * (events_experimental - expected * (events_control + events_experimental))
    return total


def cox_limit(strata, follow, end, steps=4000):
    """exp of the root, found by halving."""
    low, high = -6.0, 6.0
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        if score(middle, strata, follow, end, steps) > 0:
            low = middle
        else:
            high = middle
    return math.exp(low)
