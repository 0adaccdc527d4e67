"""Inverse-transform sampling from piecewise constant hazards, without branches."""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exponential


@numba.njit(
    "void(uint32[:, ::1], uint8[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1])",
    **OPTIONS,
)
def invert_hazard(
    words: np.ndarray, group: np.ndarray, inverse: np.ndarray, before: np.ndarray, width: np.ndarray, out: np.ndarray
) -> None:
    """Fill out with the time at which the cumulative hazard of the patient's group reaches a unit exponential.

    words : uint32[m, n]; group : uint8[m, n], row of the tables; inverse, before, width : float64[g, k]
    (1 / hazard, cumulative hazard at the start of the piece, its length; the last is infinite); out : float64[m, n]

    t = sum over pieces of min(max((E - before) * inverse, 0), width)
    """
    m, n = words.shape
    pieces = inverse.shape[1]
    e = np.empty(n)
    for i in range(m):
        # the logarithms in a loop of their own: the look-ups in the tables would keep it from vectorising
        for j in range(n):
            e[j] = exponential(words[i, j])
        if pieces == 1:
            for j in range(n):
                out[i, j] = e[j] * inverse[group[i, j], 0]
        else:
            for j in range(n):
                out[i, j] = 0.0
            for k in range(pieces):
                for j in range(n):
                    g = group[i, j]
                    out[i, j] += min(max((e[j] - before[g, k]) * inverse[g, k], 0.0), width[g, k])


@numba.njit("void(uint32[:, ::1], float64, float64[:, ::1], uint8[:, ::1])", **OPTIONS)
def censor_at_exponential(words: np.ndarray, hazard: float, time: np.ndarray, event: np.ndarray) -> None:
    """Cut `time` at an exponential dropout, in place; event[i, j] becomes 1 where the event came first.

    words : uint32[m, n]; hazard per month > 0; time : float64[m, n]; event : uint8[m, n]
    """
    m, n = words.shape
    inverse = 1.0 / hazard
    for i in range(m):
        for j in range(n):
            dropout = exponential(words[i, j]) * inverse
            event[i, j] = np.uint8(time[i, j] <= dropout)
            time[i, j] = min(time[i, j], dropout)


@numba.njit("void(uint32[:, ::1], float64[::1], uint8[:, ::1])", **OPTIONS)
def categories(words: np.ndarray, cumulative: np.ndarray, out: np.ndarray) -> None:
    """Fill out with the category whose interval of `cumulative` holds the uniform; cumulative : float64[k - 1], rising."""
    m, n = words.shape
    for i in range(m):
        for j in range(n):
            u = (np.float64(words[i, j]) + 0.5) * 2.3283064365386962890625e-10
            c = 0
            for k in range(cumulative.shape[0]):
                c += np.int64(u > cumulative[k])
            out[i, j] = np.uint8(c)


@numba.njit("void(uint32[:, ::1], uint8[:, ::1], float64[::1], uint8[:, ::1])", **OPTIONS)
def bernoulli(words: np.ndarray, group: np.ndarray, probability: np.ndarray, out: np.ndarray) -> None:
    """Fill out with 1 where the uniform is below the probability of the patient's group."""
    m, n = words.shape
    for i in range(m):
        for j in range(n):
            u = (np.float64(words[i, j]) + 0.5) * 2.3283064365386962890625e-10
            out[i, j] = np.uint8(u < probability[group[i, j]])


@numba.njit("void(float64[:, ::1], int64[::1], float64, float64[:, ::1], uint8[:, ::1])", **OPTIONS)
def months_of_looks(at: np.ndarray, places: np.ndarray, longest: float, months: np.ndarray, reached: np.ndarray) -> None:
    """Fill months[k, i] with at[i, places[k]], at most `longest`, and reached[k, i] with 1 where it is not beyond.

    at : float64[m, n], each row in order at these places; months, reached : [looks, m]
    """
    for k in range(len(places)):
        for i in range(at.shape[0]):
            month = at[i, places[k]]
            months[k, i] = min(month, longest)
            reached[k, i] = np.uint8(month <= longest)


@numba.njit("void(float64[:, ::1], float64[:, ::1], uint8[:, ::1], float64[:, ::1])", **OPTIONS)
def calendar_of_events(entry: np.ndarray, time: np.ndarray, event: np.ndarray, out: np.ndarray) -> None:
    """Fill out with entry + time where an event ends the observation, with infinity elsewhere."""
    m, n = entry.shape
    for i in range(m):
        for j in range(n):
            at = entry[i, j] + time[i, j]
            out[i, j] = at if event[i, j] == 1 else np.inf
