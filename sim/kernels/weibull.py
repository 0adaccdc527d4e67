"""The area under a Weibull survival, exactly: its slope at 0 is infinite for shapes below 1, so no rule on a grid will do."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, power

_SATURATED = 600.0  # beyond this cumulative hazard nothing is added: e^-600 is 1e-261


@numba.njit("void(float64[::1], float64, float64, float64[::1])", **OPTIONS)
def fill_area(t: np.ndarray, scale: float, shape: float, out: np.ndarray) -> None:
    """Fill out with the integral from 0 to t of exp(-(u / scale)^shape) du, t >= 0.

    Notes
    -----
    With x = (t / scale)^shape and a = 1 / shape the integral is scale a gamma(a, x), gamma the lower incomplete gamma function, whose
    series x^a e^-x (1 / a + x / (a (a + 1)) + …) has positive terms only (Abramowitz & Stegun 1964, 6.5.29).
    """
    a = 1.0 / shape
    for i in range(t.shape[0]):
        x = power(t[i] / scale, shape) if t[i] > 0.0 else 0.0
        # x^a is t / scale
        reach = t[i] if x <= _SATURATED else scale * power(_SATURATED, a)
        x = min(x, _SATURATED)
        term = 1.0
        total = 1.0
        k = a
        while term > 1e-17 * total:
            k += 1.0
            term *= x / k
            total += term
        out[i] = reach * exp(-x) * total
