"""Courses up to the start of first line from raw words: one pass, no branches; and the decay that quadrature needs.

A course is a race of clocks reset at every transition. States are coded by what happened, with selects: both sides are
computed and one is kept, so that the loop has no branches. What follows the start is in `first_line.py`.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, exponential, log, normal_quantile, uniform

U = "uint32[::1]"
F = "float64[::1]"


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
