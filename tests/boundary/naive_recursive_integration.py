"""Recursive integration as Jennison & Turnbull (2000, section 19.2) print it: their grid, Simpson's rule, plain sums."""

import math

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
    return np.array(above), np.array(below)
