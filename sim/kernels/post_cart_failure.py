"""Courses of patients after CAR-T failure from raw words: one pass, no branches, and the decay that quadrature needs.

A course is a race of clocks reset at every transition. States are coded by what happened, with selects: both sides are
computed and one is kept, so that the loop has no branches.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, exponential, log, normal_quantile, uniform

INLINE = {"nogil": True, "error_model": "numpy"}
U = "uint32[::1]"
F = "float64[::1]"
CHUNK = 256  # patients whose exponentials wait together, in the first-level cache


@numba.njit(f"void({F}, {F}, {F})", **OPTIONS)
def decayed_sum(gain: np.ndarray, decay: np.ndarray, out: np.ndarray) -> None:
    """Fill out[0] = 0, out[i + 1] = out[i] decay[i] + gain[i]: what is left of arrivals that decay.

    gain, decay : float64[k]; out : float64[k + 1]
    """
    total = 0.0
    out[0] = 0.0
    for i in range(len(gain)):
        total = total * decay[i] + gain[i]
        out[i + 1] = total


@numba.njit(**INLINE)
def accumulated(t: float, breaks: np.ndarray, ratios: np.ndarray) -> float:
    """Return the integral of the piecewise constant hazard ratio from 0 to t."""
    total = 0.0
    for k in range(len(ratios)):
        total += ratios[k] * min(max(t - breaks[k], 0.0), breaks[k + 1] - breaks[k])
    return total


@numba.njit(**INLINE)
def when_accumulated(x: float, reached: np.ndarray, ratios: np.ndarray) -> float:
    """Return the t at which `accumulated` is x; reached[k] is its value at breaks[k], the last infinite."""
    t = 0.0
    for k in range(len(ratios)):
        t += min(max(x - reached[k], 0.0), reached[k + 1] - reached[k]) / ratios[k]
    return t


@numba.njit(**INLINE)
def fill_exponentials(words, first, stop, out) -> None:  # type: ignore[no-untyped-def]
    """Fill out with unit exponentials of words first to stop: a loop of its own vectorises, inside the courses it would not."""
    for i in range(first, stop):
        out[i - first] = exponential(words[i])


@numba.njit(**INLINE)
def first_line(  # type: ignore[no-untyped-def]
    arm, group, w_regimen, w_response, w_durable, e_event, e_allo, w_cured, e_relapse,
    share, response, rate, durable_share, allo_rate, allo_cured, relapse_rate, breaks, reached, ratios,
):  # fmt: skip
    """Return (regimen, response, durable, transplanted from response, time to progression or death) from the start of first line; w_* are raw words, e_* unit exponentials."""
    u = uniform(w_regimen)
    k = 0
    for i in range(len(share)):
        k += 1 if u >= share[i] else 0
    responds = 1 if uniform(w_response) < response[arm, k] else 0
    durable = responds if uniform(w_durable) < durable_share else 0
    leave = when_accumulated(e_event / rate[group, responds + durable, k], reached[arm], ratios[arm])
    to_allo = e_allo / (allo_rate if responds - durable == 1 else 1e-300)
    relapse = when_accumulated(accumulated(to_allo, breaks[arm], ratios[arm]) + e_relapse / relapse_rate, reached[arm], ratios[arm])
    relapse = np.inf if uniform(w_cured) < allo_cured else relapse
    transplanted = 1 if to_allo < leave else 0
    return k, responds, durable, transplanted, (relapse if transplanted == 1 else leave)


@numba.njit(**INLINE)
def residual(  # type: ignore[no-untyped-def]
    transplanted, w_dies, post, e_allo, w_cured, e_relapse, e_after_relapse,
    exit_death, allo_rate, allo_cured, relapse_rate, allo_death,
):  # fmt: skip
    """Return (dies at exit, transplanted after progression, months from progression to death); post: those without a transplant."""
    after_relapse = e_after_relapse / allo_death
    dies = 1 if uniform(w_dies) < exit_death else 0
    to_allo = e_allo / allo_rate
    beyond = e_relapse / relapse_rate + after_relapse
    beyond = np.inf if uniform(w_cured) < allo_cured else beyond
    second = 1 if to_allo < post else 0
    alive = to_allo + beyond if second == 1 else post
    alive = 0.0 if dies == 1 else alive
    return dies * (1 - transplanted), second * (1 - dies) * (1 - transplanted), (after_relapse if transplanted == 1 else alive)


@numba.njit(
    f"void(uint8[::1], uint8[::1], {U}, {U}, {U}, {U}, {U}, {U}, {U}, {F}, float64[:, ::1], float64[:, :, ::1], float64, float64, float64, float64, "
    f"float64[:, ::1], float64[:, ::1], float64[:, ::1], {F})",
    **OPTIONS,
)
def first_line_pfs(  # type: ignore[no-untyped-def]
    arm, group, w_regimen, w_response, w_durable, w_event, w_allo, w_cured, w_relapse,
    share, response, rate, durable_share, allo_rate, allo_cured, relapse_rate, breaks, reached, ratios, pfs,
) -> None:  # fmt: skip
    """Fill pfs, months from the start of first line to progression or death.

    arm, group : uint8[n] (1 = experimental; 0 = day-30 refractory); w_* : uint32[n], raw words
    share : float64[K - 1], cumulative shares of regimens; response : float64[2, K] by arm
    rate : float64[2, 3, K], per month, by group and (none, response, durable)
    breaks, reached : float64[2, L + 1], ratios : float64[2, L], hazard profile by arm
    """
    e_event, e_allo, e_relapse = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    for first in range(0, len(pfs), CHUNK):
        stop = min(first + CHUNK, len(pfs))
        fill_exponentials(w_event, first, stop, e_event)
        fill_exponentials(w_allo, first, stop, e_allo)
        fill_exponentials(w_relapse, first, stop, e_relapse)
        for i in range(first, stop):
            j = i - first
            pfs[i] = first_line(
                arm[i], group[i], w_regimen[i], w_response[i], w_durable[i], e_event[j], e_allo[j], w_cured[i], e_relapse[j],
                share, response, rate, durable_share, allo_rate, allo_cured, relapse_rate, breaks, reached, ratios,
            )[4]  # fmt: skip


@numba.njit(
    f"void(uint8[::1], uint8[::1], {U}, {U}, {U}, {U}, {U}, {U}, {U}, {U}, {U}, {U}, {U}, {F}, float64[:, ::1], float64[:, :, ::1], "
    f"float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], {F}, {F}, {F}, uint8[:, ::1])",
    **OPTIONS,
)
def first_line_course(  # type: ignore[no-untyped-def]
    arm, group, w_regimen, w_response, w_durable, w_event, w_allo, w_cured, w_relapse, w_dies, w_after, w_allo_after, w_after_relapse,
    share, response, rate, breaks, reached, ratios, theta, numbers, pfs, os, marks,
) -> None:  # fmt: skip
    """Fill pfs and os from the start of first line, and marks (uint8[6, n] or [0, 0] when nobody reads them).

    theta : float64[2, 2], hazard ratio of death after progression by arm and group
    numbers : allo rate from response, after progression, allo cured, relapse rate, death rate after allo relapse,
    share of exits that are deaths, post-progression rate and shape, share of responses that are durable; marks : regimen, response, durable,
    transplanted from response, dies at exit, transplanted after progression. The rest as in `first_line_pfs`.
    """
    keep = len(marks) > 0
    e_event, e_allo, e_relapse = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    e_later, e_last, post = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    for first in range(0, len(pfs), CHUNK):
        stop = min(first + CHUNK, len(pfs))
        fill_exponentials(w_event, first, stop, e_event)
        fill_exponentials(w_allo, first, stop, e_allo)
        fill_exponentials(w_relapse, first, stop, e_relapse)
        fill_exponentials(w_allo_after, first, stop, e_later)
        fill_exponentials(w_after_relapse, first, stop, e_last)
        for i in range(first, stop):
            refractory, other = (theta[1, 0], theta[1, 1]) if arm[i] == 1 else (theta[0, 0], theta[0, 1])
            ratio = refractory if group[i] == 0 else other
            post[i - first] = exp(log(exponential(w_after[i]) / ratio) / numbers[7]) / numbers[6]
        for i in range(first, stop):
            j = i - first
            k, responds, durable, transplanted, p = first_line(
                arm[i], group[i], w_regimen[i], w_response[i], w_durable[i], e_event[j], e_allo[j], w_cured[i], e_relapse[j],
                share, response, rate, numbers[8], numbers[0], numbers[2], numbers[3], breaks, reached, ratios,
            )  # fmt: skip
            dies, second, r = residual(
                transplanted, w_dies[i], post[j], e_later[j], w_cured[i], e_relapse[j], e_last[j],
                numbers[5], numbers[1], numbers[2], numbers[3], numbers[4],
            )  # fmt: skip
            pfs[i] = p
            os[i] = p + r
            if keep:
                marks[0, i] = k
                marks[1, i] = responds
                marks[2, i] = durable
                marks[3, i] = transplanted
                marks[4, i] = dies
                marks[5, i] = second


@numba.njit(f"void(uint8[::1], {U}, {U}, {U}, {U}, {F}, {F}, {F}, {F}, uint8[::1])", **OPTIONS)
def before_first_line(group, w_intended, w_waiting, w_start, w_supportive, theta, numbers, intended, wait, path) -> None:  # type: ignore[no-untyped-def]
    """Fill wait, months from progression to the start of first line or to death without it, and path.

    numbers : start rate, death rate while waiting, supportive-care median and shape; intended : float64[2] by group
    path : uint8[n], 2 = starts first line, 1 = intended but dies waiting, 0 = best supportive care until death
    """
    for i in range(len(wait)):
        g = group[i]
        death = numbers[1] * theta[g]
        total = numbers[0] + death
        waiting = exponential(w_waiting[i]) / total
        supportive = numbers[2] * exp(log(exponential(w_supportive[i]) / (0.6931471805599453 * theta[g])) / numbers[3])
        means = 1 if uniform(w_intended[i]) < intended[g] else 0
        starts = 1 if uniform(w_start[i]) < numbers[0] / total else 0
        wait[i] = waiting if means == 1 else supportive
        path[i] = means * (1 + starts)


@numba.njit(f"void(uint8[::1], {U}, {U}, {U}, {U}, {F}, float64[:, ::1], {F}, uint8[::1], uint8[::1], {F})", **OPTIONS)
def after_infusion(group, w_bridging, w_fate, w_time, w_background, bridged, fate_shares, numbers, bridging, fate, time) -> None:  # type: ignore[no-untyped-def]
    """Fill bridging, fate and time, months from infusion to progression or to death without it.

    group : uint8[n], 0 = day-30 refractory (SD or PD at day 30, later a failure), 1 = everyone else
    bridged : float64[2], P(bridging | group); fate_shares : float64[2, 2], by bridging: P(late progression) and
    P(late progression or death without progression) given not refractory
    fate : 0 = day-30 refractory, 1 = progresses later, 2 = dies without progression, 3 = cured
    numbers : log medians and sigmas of refractory progression, late progression and death, the shift of late
    progression, and the background death rate of the cured
    """
    for i in range(len(time)):
        g = group[i]
        b = 1 if uniform(w_bridging[i]) < bridged[g] else 0
        u = uniform(w_fate[i])
        later = 1 if u < fate_shares[b, 0] else (2 if u < fate_shares[b, 1] else 3)
        f = 0 if g == 0 else later
        z = normal_quantile(uniform(w_time[i]))
        j = min(f, 2)
        t = exp(numbers[2 * j] + numbers[2 * j + 1] * z) + (numbers[6] if f == 1 else 0.0)
        bridging[i] = b
        fate[i] = f
        time[i] = exponential(w_background[i]) / numbers[7] if f == 3 else t
