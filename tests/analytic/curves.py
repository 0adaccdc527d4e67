"""Survival curves that several tests need."""

import numpy as np

from sim.curve import Curve


def piecewise(times, hazards, step=0.01, end=60.0):
    """The curve with hazards[k] from times[k] on."""
    t = np.arange(round(end / step) + 1) * step
    ends = [*times[1:], np.inf]
    h = sum(rate * np.clip(t - a, 0, b - a) for a, b, rate in zip(times, ends, hazards, strict=True))
    return Curve(step, np.exp(-h))
