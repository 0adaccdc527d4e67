"""Inference after a group-sequential trial: stage-wise p-value, median-unbiased estimate, intervals.

theta is the effect per unit of information: E(Z_j) = theta sqrt(I_j). For a log-rank test theta = -log(hazard ratio) and I = events / 4
with equal allocation, so that a positive theta favours the experimental arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.boundary.recursive_integration import crossing_probabilities
from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")


@dataclass(frozen=True)
class StagewiseInference:
    """Hold what a stopped trial says: one-sided p-value of `theta0`, median-unbiased estimate of theta and its interval."""

    p_value: float
    estimate: float
    low: float
    high: float


def stagewise_p_value(
    z: float, information: Sequence[float] | Array, upper: Sequence[float], lower: Sequence[float] | None = None, theta: float = 0.0
) -> float:
    """Compute the one-sided p-value by the stage-wise ordering.

    Parameters
    ----------
    z : statistic at the look where the trial stopped
    information : float64[k], rising, of the looks so far, the last being that look
    upper : float64[k - 1] or longer, bounds of the looks before; later ones do not enter
    lower : like `upper`, futility bounds that were obeyed; None where there are none (or where they are non-binding)
    theta : effect under which the p-value is computed

    Notes
    -----
    More extreme than (k, z) are an upper crossing at an earlier look and, at look k, any Z_k >= z:
    p(theta) = sum_{j<k} P_theta(first upper crossing at j) + P_theta(the trial goes on to k and Z_k >= z).
    What would have happened later never enters, so looks that were not taken need not be known. Stopping at a lower bound is
    covered: whoever goes on from look k lies above it, hence above z.

    Raises
    ------
    InputError : z not finite, too few bounds, or whatever makes boundaries impossible

    References
    ----------
    Armitage, Biometrika 1957;44:9. Fairbanks & Madsen, Biometrika 1982;69:69. Tsiatis, Rosner & Mehta, Biometrics 1984;40:797.
    Jennison & Turnbull, Group Sequential Methods, 2000, section 8.4.

    Examples
    --------
    >>> round(stagewise_p_value(2.6, (40, 80), (2.7965,)), 5), round(stagewise_p_value(2.9, (40,), ()), 5)
    (0.00651, 0.00187)
    """
    info, up, low = _before(z, information, upper, lower)
    mean = theta * np.sqrt(info)
    return float(crossing_probabilities(info, np.append(up, z), np.append(low, -np.inf), mean).upper.sum())


def stagewise_inference(
    z: float,
    information: Sequence[float] | Array,
    upper: Sequence[float],
    lower: Sequence[float] | None = None,
    confidence: float = 0.95,
    theta0: float = 0.0,
) -> StagewiseInference:
    """Compute the p-value, the median-unbiased estimate and the confidence interval of a trial that has stopped.

    Parameters
    ----------
    z, information, upper, lower : as for `stagewise_p_value`
    confidence : two-sided level of the interval, within (0, 1)
    theta0 : effect under the null hypothesis

    Notes
    -----
    p(theta) rises with theta, so the limits solve p(low) = (1 - confidence) / 2 and p(high) = (1 + confidence) / 2 and the estimate
    p = 1/2: P(estimate <= theta) = 1/2 and the coverage is exact whatever theta is. With one look all are the usual ones.

    Examples
    --------
    >>> found = stagewise_inference(2.6, (40 / 4, 80 / 4), (2.7965,))
    >>> [round(float(np.exp(-x)), 3) for x in (found.estimate, found.high, found.low)]  # hazard ratio with interval
    [0.564, 0.362, 0.883]
    """
    if not 0 < confidence < 1:
        raise InputError(f"stage-wise inference: confidence is {confidence}; allowed: above 0 and below 1")
    half = (1 - confidence) / 2
    low, estimate, high = (effect_at(p, z, information, upper, lower) for p in (half, 0.5, 1 - half))
    return StagewiseInference(stagewise_p_value(z, information, upper, lower, theta0), estimate, low, high)


def effect_at(
    p: float, z: float, information: Sequence[float] | Array, upper: Sequence[float], lower: Sequence[float] | None = None
) -> float:
    """Return the theta whose stage-wise p-value is p.

    Examples
    --------
    >>> round(effect_at(0.5, 1.5, (9.0,), ()), 9)
    0.5
    """
    if not 0 < p < 1:
        raise InputError(f"stage-wise inference: p is {p}; allowed: above 0 and below 1")
    info = np.asarray(information, dtype=np.float64)

    def excess(theta: float) -> float:
        return stagewise_p_value(z, info, upper, lower, theta) - p

    # one standard error at the first look is the widest scale there is
    step = 1.0 / float(np.sqrt(info[0])) if info.size and info[0] > 0 else 1.0
    low = high = float(z / np.sqrt(info[-1])) if info.size and info[-1] > 0 else 0.0
    low, high = low - step, high + step
    while excess(low) > 0:
        low, step = low - step, 2 * step
    while excess(high) < 0:
        high, step = high + step, 2 * step
    return float(brentq(excess, low, high, xtol=1e-12, rtol=1e-14))


def repeated_intervals(z: Sequence[float] | Array, information: Sequence[float] | Array, bounds: Sequence[float] | Array) -> Array:
    """Compute the repeated confidence intervals of theta, one at each look.

    Parameters
    ----------
    z, information : float64[k], statistics and information of the looks
    bounds : float64[k], upper bounds of one-sided level alpha; infinity where a look cannot stop

    Returns
    -------
    float64[k, 2] : low, high

    Notes
    -----
    (z_j -+ c_j) / sqrt(I_j). All lower limits together lie below theta with probability 1 - alpha exactly, and all intervals together
    hold theta with probability 1 - 2 alpha at least, whatever stops the trial. A lower limit is above theta0 exactly where the
    test of theta0 rejects.

    References
    ----------
    Jennison & Turnbull, JRSS B 1989;51:305; Group Sequential Methods, 2000, chapter 9.

    Examples
    --------
    >>> repeated_intervals([1.2, 2.6], [10, 20], [2.7965, 1.9774]).round(3).tolist()
    [[-0.505, 1.264], [0.139, 1.024]]
    """
    stat, info, c = (np.asarray(x, dtype=np.float64) for x in (z, information, bounds))
    if not stat.shape == info.shape == c.shape or stat.ndim != 1:
        raise InputError(
            f"repeated intervals: {stat.size} statistics, {info.size} informations, {c.size} bounds; allowed: one for each look"
        )
    if not (np.all(info > 0) and np.all(np.diff(info) > 0)):
        raise InputError(f"repeated intervals: information is {info.tolist()}; allowed: rising numbers above 0")
    return np.stack([(stat - c) / np.sqrt(info), (stat + c) / np.sqrt(info)], axis=1)


def _before(
    z: float, information: Sequence[float] | Array, upper: Sequence[float], lower: Sequence[float] | None
) -> tuple[Array, Array, Array]:
    """Return the information of the looks so far and the bounds of those before the last."""
    info = np.asarray(information, dtype=np.float64)
    earlier = info.size - 1
    if not np.isfinite(z):
        raise InputError(f"stage-wise inference: z is {z}; allowed: a finite number")
    up = np.asarray(upper, dtype=np.float64)
    low = np.full(max(earlier, 0), -np.inf) if lower is None else np.asarray(lower, dtype=np.float64)
    if min(up.size, low.size) < earlier:
        raise InputError(
            f"stage-wise inference: {info.size} looks but {up.size} upper and {low.size} lower bounds; allowed: one for each look but the last"
        )
    return info, up[:earlier], low[:earlier]
