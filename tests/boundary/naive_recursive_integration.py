"""Recursive integration as Jennison & Turnbull (2000, section 19.2) print it: their grid, Simpson's rule, plain sums."""

import math
from statistics import NormalDist

import numpy as np
from scipy.special import ndtr


def grid(mean, low, high, r):
    """The 6r - 1 points round the mean, cut at the bounds, with midpoints and Simpson weights."""
    x = [mean - 3 - 4 * math.log(r / i) for i in range(1, r)]
    x += [mean - 3 + 3 * (i - r) / (2 * r) for i in range(r, 5 * r + 1)]
    x += [mean + 3 + 4 * math.log(r / (6 * r - i)) for i in range(5 * r + 1, 6 * r)]
    x = [max(low, x[0]), *[v for v in x if low < v < high], min(high, x[-1])]
    x = sorted(set(x))
    if len(x) < 2:
        return np.array([mean]), np.array([0.0])
    z, w = [], [0.0] * (2 * len(x) - 1)
    for j in range(len(x) - 1):
        z += [x[j], (x[j] + x[j + 1]) / 2]
        step = x[j + 1] - x[j]
        w[2 * j] += step / 6
        w[2 * j + 1] += 4 * step / 6
        w[2 * j + 2] += step / 6
    return np.array([*z, x[-1]]), np.array(w)


def crossing(information, upper, lower, theta, r=64):
    """P(first crossing above and below at each look) when E(Z_j) = theta sqrt(I_j)."""
    above, below, _ = crossing_and_state(information, upper, lower, theta, r)
    return np.array(above), np.array(below)


def crossing_and_state(information, upper, lower, theta, r=64):
    """The same, and the nodes of the last look's Z with their shares of the trials that go on from there."""
    above, below = [], []
    z = h = None
    for j, info in enumerate(information):
        if j == 0:
            above.append(ndtr(theta * math.sqrt(info) - upper[0]))
            below.append(ndtr(lower[0] - theta * math.sqrt(info)))
        else:
            last = information[j - 1]
            delta = info - last
            up = (z * math.sqrt(last) + theta * delta - upper[j] * math.sqrt(info)) / math.sqrt(delta)
            low = (lower[j] * math.sqrt(info) - z * math.sqrt(last) - theta * delta) / math.sqrt(delta)
            above.append(sum(h * ndtr(up)))
            below.append(sum(h * ndtr(low)))
        new, w = grid(theta * math.sqrt(info), lower[j], upper[j], r)
        if j == 0:
            density = np.exp(-0.5 * (new - theta * math.sqrt(info)) ** 2) / math.sqrt(2 * math.pi)
        else:
            density = np.empty(len(new))
            for i, v in enumerate(new):
                x = (v * math.sqrt(info) - z * math.sqrt(last) - theta * delta) / math.sqrt(delta)
                density[i] = sum(h * np.exp(-0.5 * x**2)) * math.sqrt(info / delta) / math.sqrt(2 * math.pi)
        z, h = new, w * density
    return above, below, (z, h)


def next_bound(information, upper, lower, spend, r=24):
    """The z that the last look of `information` exceeds with probability `spend`, in trials that crossed none of the earlier bounds.

    No result in favour of the control rejects: 0 where fewer trials go on than are to reject.
    """
    if spend <= 0:
        return math.inf
    if len(information) == 1:
        return NormalDist().inv_cdf(1 - spend)
    *before, now = information
    _, _, (z, h) = crossing_and_state(before, upper, lower, 0.0, r)
    sd = math.sqrt(now - before[-1])

    def tail(bound):
        return sum(h * ndtr((z * math.sqrt(before[-1]) - bound * math.sqrt(now)) / sd))

    if spend >= sum(h):
        return 0.0
    low, high = -10.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > spend else (low, middle)
    return low


def counted(information):
    """Which looks count: one that finds no more than the one before takes its place."""
    kept = []
    for k, x in enumerate(information):
        if kept and x <= information[kept[-1]]:
            kept[-1] = k
        elif x > 0:
            kept.append(k)
    return kept


def last_bound(alpha, information, upper, lower):
    """The bound of an analysis that turned out to be the last: what the earlier looks, at their planned bounds, have left of alpha."""
    kept = counted(information)
    if not kept:
        return math.inf
    info, up, low = ([values[k] for k in kept] for values in (information, upper, lower))
    spent = sum(crossing(info[:-1], up[:-1], low[:-1], 0.0, 24)[0]) if len(kept) > 1 else 0.0
    return next_bound(info, up[:-1], low[:-1], alpha - spent)


def obrien_fleming_type(alpha):
    """What Lan & DeMets (1983) spend by a fraction t."""
    half = NormalDist().inv_cdf(1 - alpha / 2)
    return lambda t: 2 * (1 - NormalDist().cdf(half / math.sqrt(min(t, 1.0))))


def recomputed_bounds(alpha, information, fractions, last, lower_at, binding, spent_by=None):
    """(upper, lower) of the latest look, spending read at `fractions` of the plan; lower_at(look) : the futility rule's z."""
    spent_by = spent_by or obrien_fleming_type(alpha)
    kept = counted(information)
    up, low = [], []
    spent = 0.0
    for j, k in enumerate(kept):
        end = last and j == len(kept) - 1
        by_now = alpha if end else spent_by(fractions[k])
        obeyed = low if binding else [-math.inf] * len(low)
        bound = next_bound([information[i] for i in kept[: j + 1]], up, obeyed, by_now - spent)
        spent = by_now
        low.append(-math.inf if end else min(bound, lower_at(k)))
        up.append(bound)
    return (up[-1], low[-1]) if kept else (math.inf, -math.inf)
