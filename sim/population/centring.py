"""Nonlinear least squares of a few unknowns in plain arithmetic: linear algebra of a library rounds as its processor likes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.types import Array

STEP = 1e-6  # of the forward differences
SMALL = 1e-10  # a step below it ends the search


def least_squares(residuals: Callable[[Array], Array], start: Array, rounds: int = 100) -> Array:
    """Minimise the sum of squares of some residuals by Levenberg and Marquardt's method.

    Parameters
    ----------
    residuals : float64[k] -> float64[m], smooth, unknowns of order 1
    start : float64[k]
    rounds : most steps that are tried

    Returns
    -------
    x : float64[k], where no step of more than 1e-10 brings the sum down

    Notes
    -----
    Steps solve (J'J + mu diag J'J) step = -J'r; mu falls by 10 after a step that helps and rises by 10 after one that does not.

    References
    ----------
    Marquardt, SIAM Journal on Applied Mathematics 1963;11:431.

    Examples
    --------
    >>> least_squares(lambda x: np.array([x[0] - 2.0, x[0] * x[1] - 6.0]), np.array([1.0, 1.0])).round(6)
    array([2., 3.])
    """
    x, found, mu = start.astype(np.float64), residuals(start), 1e-3
    slopes = _slopes(residuals, x, found)
    for _ in range(rounds):
        normal = _products(slopes)
        damped = normal + mu * np.diag(np.diag(normal))
        step = solve(damped, -np.sum(slopes * found, axis=1))
        further = residuals(x + step)
        if np.sum(further * further) < np.sum(found * found):
            x, found, mu = x + step, further, max(mu / 10, 1e-12)
            slopes = _slopes(residuals, x, found)
        else:
            mu *= 10
        if np.max(np.abs(step)) < SMALL:
            break
    return x


def _slopes(residuals: Callable[[Array], Array], x: Array, found: Array) -> Array:
    """float64[k, m], derivatives by the unknowns"""
    return np.array([(residuals(x + STEP * unit) - found) / STEP for unit in np.eye(len(x))])


def _products(slopes: Array) -> Array:
    out: Array = np.sum(slopes[:, None, :] * slopes[None, :, :], axis=2)
    return out


def solve(matrix: Array, right: Array) -> Array:
    """Solve a positive definite system by Gauss's elimination without pivots.

    Examples
    --------
    >>> solve(np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([3.0, 4.0]))
    array([1., 1.])
    """
    a, b = matrix.copy(), right.copy()
    for i in range(len(b)):
        for j in range(i + 1, len(b)):
            factor = a[j, i] / a[i, i]
            a[j] = a[j] - factor * a[i]
            b[j] = b[j] - factor * b[i]
    for i in reversed(range(len(b))):
        for j in range(i + 1, len(b)):
            b[i] = b[i] - a[i, j] * b[j]
        b[i] = b[i] / a[i, i]
    return b
