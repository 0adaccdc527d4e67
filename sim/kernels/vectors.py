"""Exponential and logarithm of whole arrays, the same bits on every processor: numpy's own choose their code by processor."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sim.kernels import OPTIONS, elementary


@numba.njit("void(float64[::1], float64[::1])", **OPTIONS)
def _fill_exp(x: np.ndarray, out: np.ndarray) -> None:
    for i in range(x.shape[0]):
        out[i] = elementary.exp(x[i])


@numba.njit("void(float64[::1], float64[::1])", **OPTIONS)
def _fill_log(x: np.ndarray, out: np.ndarray) -> None:
    for i in range(x.shape[0]):
        out[i] = elementary.log(x[i])


def exp(x: Any) -> NDArray[np.float64]:
    """Return e^x, float64 of the shape of x.

    Examples
    --------
    >>> exp([0.0, 1.0])
    array([1.        , 2.71828183])
    """
    x = np.ascontiguousarray(x, dtype=np.float64)
    out = np.empty_like(x)
    _fill_exp(x.reshape(-1), out.reshape(-1))
    return out


def log(x: Any) -> NDArray[np.float64]:
    """Return the natural logarithm of positive, normal numbers, float64 of the shape of x.

    Examples
    --------
    >>> log([1.0, 2.0])
    array([0.        , 0.69314718])
    """
    x = np.ascontiguousarray(x, dtype=np.float64)
    out = np.empty_like(x)
    _fill_log(x.reshape(-1), out.reshape(-1))
    return out
