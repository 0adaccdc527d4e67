"""Transforms of a survival probability, rising in it, with their derivatives."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import log

INLINE: dict[str, Any] = {"nogil": True, "error_model": "numpy"}  # of functions that kernels of this layer call
PLAIN, LOG, LOGLOG, LOGIT, ARCSINE = 0, 1, 2, 3, 4


@numba.njit(**INLINE)
def arcsine(x: float) -> float:
    """Return arcsin x for x in [0, 1], by the rational approximation of fdlibm (Sun Microsystems, 1993: e_asin.c)."""
    large = x >= 0.5
    t = (1.0 - x) * 0.5 if large else x * x
    s = np.sqrt(t) if large else x
    num = t * (
        1.66666666666666657415e-01
        + t
        * (
            -3.25565818622400915405e-01
            + t
            * (
                2.01212532134862925881e-01
                + t * (-4.00555345006794114027e-02 + t * (7.91534994289814532176e-04 + t * 3.47933107596021167570e-05))
            )
        )
    )
    den = 1.0 + t * (
        -2.40339491173441421878e00 + t * (2.02094576023350569471e00 + t * (-6.88283971605453293030e-01 + t * 7.70381505559019352791e-02))
    )
    r = s + s * (num / den)
    return 1.57079632679489655800e00 - 2.0 * r if large else r


@numba.njit("void(float64[::1], int64, float64[::1], float64[::1])", **OPTIONS)
def transform(s: np.ndarray, which: int, value: np.ndarray, slope: np.ndarray) -> None:
    """Fill value with g(s) and slope with g'(s), s strictly inside (0, 1).

    plain s; log log s; loglog -log(-log s); logit log(s / (1 - s)); arcsine arcsin sqrt s
    """
    for i in range(s.shape[0]):
        x = s[i]
        if which == PLAIN:
            value[i] = x
            slope[i] = 1.0
        elif which == LOG:
            value[i] = log(x)
            slope[i] = 1.0 / x
        elif which == LOGLOG:
            hazard = -log(x)
            value[i] = -log(hazard)
            slope[i] = 1.0 / (x * hazard)
        elif which == LOGIT:
            value[i] = log(x) - log(1.0 - x)
            slope[i] = 1.0 / (x * (1.0 - x))
        else:
            value[i] = arcsine(np.sqrt(x))
            slope[i] = 0.5 / np.sqrt(x * (1.0 - x))
