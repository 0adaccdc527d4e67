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
    shape, flat = np.shape(x), np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
    out = np.empty_like(flat)
    _fill_exp(flat, out)
    return out.reshape(shape)


def log(x: Any) -> NDArray[np.float64]:
    """Return the natural logarithm of positive, normal numbers, float64 of the shape of x.

    Examples
    --------
    >>> log([1.0, 2.0])
    array([0.        , 0.69314718])
    """
    shape, flat = np.shape(x), np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
    out = np.empty_like(flat)
    _fill_log(flat, out)
    return out.reshape(shape)


def power(x: Any, a: float) -> NDArray[np.float64]:
    """Return x^a for x >= 0 and a > 0, float64 of the shape of x.

    Examples
    --------
    >>> power([0.0, 4.0], 0.5)
    array([0., 2.])
    """
    x = np.asarray(x, dtype=np.float64)
    out: NDArray[np.float64] = np.where(x > 0, exp(a * log(np.maximum(x, 1e-300))), 0.0)
    return out


def relative_exponential(x: Any) -> NDArray[np.float64]:
    """Return (e^x - 1) / x, 1 at 0, float64 of the shape of x, for |x| below 700.

    Notes
    -----
    Near 0 the errors of e^x - 1 and of log e^x cancel in their ratio (Kahan; Higham, Accuracy and Stability of Numerical Algorithms
    2002, section 1.14.1).

    Examples
    --------
    >>> relative_exponential([0.0, 1.0])
    array([1.        , 1.71828183])
    """
    x = np.asarray(x, dtype=np.float64)
    y = exp(x)
    near = np.abs(x) < 1
    below = np.where(near, log(y), x)
    flat = y == 1
    out: NDArray[np.float64] = np.where(flat, 1.0, (y - 1) / np.where(flat, 1.0, below))
    return out
