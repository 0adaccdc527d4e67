"""A two-arm trial simulated patient by patient, and its expected events by a plain sum over small steps."""

import numpy as np


def piecewise_time(rng, breaks, rates, n):
    """Event times with these hazards, interval by interval."""
    time = np.full(n, np.inf)
    ends = [*breaks[1:], np.inf]
    for start, end, rate in zip(breaks, ends, rates, strict=True):
        if rate == 0:
            continue
        candidate = start + rng.exponential(1 / rate, n)
        time = np.where((time == np.inf) & (candidate < end), candidate, time)
    return time


def hazard(breaks, rates, t):
    k = max(i for i, b in enumerate(breaks) if b <= t)
    return rates[k]


def expected_events(accrual, accrual_duration, share, hazards, dropout, calendar, step=0.002):
    """Patients who arrive in each step, times the chance that the event comes before the cut and before they are lost."""
    steps = round(calendar / step)
    seen, survival = np.zeros(steps + 1), 1.0
    for i in range(steps):
        rate = hazard(*hazards, (i + 0.5) * step)
        lost = rate + dropout
        seen[i + 1] = seen[i] + survival * (rate / lost * (1 - np.exp(-lost * step)) if lost > 0 else 0.0)
        survival *= np.exp(-lost * step)
    total = 0.0
    for i in range(steps):
        entry = (i + 0.5) * step
        if entry < accrual_duration:
            # the time left ends half a step off the grid
            total += step * hazard(*accrual, entry) * (seen[steps - i - 1] + seen[steps - i]) / 2
    return total * share


def fleming_harrington(rho, gamma):
    """Weights of the event times from those times and the curve just before them."""
    return lambda time, left: left**rho * (1 - left) ** gamma


def patients(plan, rng):
    """(arm, entry, time of the event, time of loss) of one trial of the planned size, 1:1."""
    n = round(plan.enrolled(plan.accrual_duration))
    arm = rng.permutation(np.arange(n) % 2)
    entry = rng.uniform(0, plan.accrual_duration, n)
    event = np.where(
        arm == 1,
        piecewise_time(rng, plan.experimental.breaks, plan.experimental.rates, n),
        piecewise_time(rng, plan.control.breaks, plan.control.rates, n),
    )
    return arm, entry, event, rng.exponential(1 / plan.dropout_control, n)


def weighted_z(arm, entry, event, lost, calendar, weigh):
    """z of a weighted log-rank test at a calendar month, positive when it favours the experimental arm."""
    here = entry < calendar
    seen = np.minimum(calendar - entry, lost)[here]
    time, died = np.minimum(event[here], seen), event[here] <= seen
    order = np.argsort(time)
    time, died, exp = time[order], died[order], arm[here][order]
    at_risk = np.arange(len(time), 0, -1)
    exp_at_risk = np.cumsum(exp[::-1])[::-1]
    survival = np.cumprod(1 - died / at_risk)
    left = np.append(1.0, survival[:-1])
    w = weigh(time, left)
    p = exp_at_risk / at_risk
    return -np.sum(w * died * (exp - p)) / np.sqrt(np.sum(w**2 * died * p * (1 - p)))


def simulate_scores(plan, calendar, weigh, replicates, seed):
    """z of a weighted log-rank test in simulated trials of the planned size."""
    rng = np.random.default_rng(seed)
    return np.array([weighted_z(*patients(plan, rng), calendar, weigh) for _ in range(replicates)])


def simulate_two_looks(plan, calendars, tests, replicates, seed):
    """z of tests (look, (rho, gamma)) of the same simulated trials, one row a test."""
    rng = np.random.default_rng(seed)
    trials = [patients(plan, rng) for _ in range(replicates)]
    return np.array([[weighted_z(*t, calendars[look], fleming_harrington(*pair)) for t in trials] for look, pair in tests])
