"""Courses from the start of first line from raw words, stage by stage: a race of clocks reset at every transition.

Each stage is a loop of its own over a chunk of patients that stays in the first-level cache. A loop that only computes and selects
vectorises; one look-up in a table would keep it from doing so, so the look-ups have loops of their own too.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, exponential, log, uniform

INLINE = {"nogil": True, "error_model": "numpy"}
U = "uint32[::1]"
F = "float64[::1]"
CHUNK = 128  # patients at a time


@numba.njit(**INLINE)
def fill_exponentials(words, first, n, out) -> None:  # type: ignore[no-untyped-def]
    """Fill out with unit exponentials of n words from the first on."""
    for j in range(n):
        out[j] = exponential(words[first + j])


@numba.njit(**INLINE)
def choose_regimen(words, first, n, share, u, regimen) -> None:  # type: ignore[no-untyped-def]
    """Count the cumulative shares that each uniform reaches."""
    for j in range(n):
        u[j] = uniform(words[first + j])
        regimen[j] = 0
    for i in range(len(share)):
        for j in range(n):
            regimen[j] += np.int64(u[j] >= share[i])


@numba.njit(**INLINE)
def respond(arm, w_response, w_durable, first, n, regimen, response, durable_share, chance, kind) -> None:  # type: ignore[no-untyped-def]
    """Fill kind: 0 no response, 1 response, 2 durable response."""
    for j in range(n):
        chance[j] = response[np.uint64(arm[first + j]), np.uint64(regimen[j])]
    for j in range(n):
        kind[j] = np.int64(uniform(w_response[first + j]) < chance[j])
    for j in range(n):
        kind[j] += kind[j] & np.int64(uniform(w_durable[first + j]) < durable_share)


@numba.njit(**INLINE)
def when_accumulated(x, arm, first, n, reached, ratios, out) -> None:  # type: ignore[no-untyped-def]
    """Fill out with the time at which the integral of the arm's hazard ratio is x; reached[k] is its value at the k-th break, the last infinite."""
    for k in range(ratios.shape[1]):
        low0, low1, width0, width1 = reached[0, k], reached[1, k], reached[0, k + 1] - reached[0, k], reached[1, k + 1] - reached[1, k]
        ratio0, ratio1 = ratios[0, k], ratios[1, k]
        for j in range(n):
            treated = arm[first + j] == 1
            low, width, ratio = low1 if treated else low0, width1 if treated else width0, ratio1 if treated else ratio0
            piece = min(max(x[j] - low, 0.0), width) / ratio
            out[j] = piece if k == 0 else out[j] + piece


@numba.njit(**INLINE)
def accumulated(t, arm, first, n, breaks, ratios, out) -> None:  # type: ignore[no-untyped-def]
    """Fill out with the integral of the arm's piecewise constant hazard ratio from 0 to t."""
    for k in range(ratios.shape[1]):
        low, width, ratio0, ratio1 = breaks[0, k], breaks[0, k + 1] - breaks[0, k], ratios[0, k], ratios[1, k]
        for j in range(n):
            piece = (ratio1 if arm[first + j] == 1 else ratio0) * min(max(t[j] - low, 0.0), width)
            out[j] = piece if k == 0 else out[j] + piece


@numba.njit(**INLINE)
def progression_free(  # type: ignore[no-untyped-def]
    arm, group, w_event, w_allo, w_cured, first, n, regimen, kind, e_relapse, rate, numbers, breaks, reached, ratios, work, transplanted, pfs,
) -> None:  # fmt: skip
    """Fill transplanted (1 = from response) and pfs, months to progression or death; work : four rows to work in."""
    leave, to_allo, x, relapse = work[0], work[1], work[2], work[3]
    fill_exponentials(w_event, first, n, leave)
    for j in range(n):
        x[j] = rate[np.uint64(group[first + j]), np.uint64(kind[j]), np.uint64(regimen[j])]
    for j in range(n):
        x[j] = leave[j] / x[j]
    when_accumulated(x, arm, first, n, reached, ratios, leave)
    fill_exponentials(w_allo, first, n, to_allo)
    for j in range(n):
        to_allo[j] = to_allo[j] / (numbers[0] if kind[j] == 1 else 1e-300)
    accumulated(to_allo, arm, first, n, breaks, ratios, x)
    for j in range(n):
        x[j] = x[j] + e_relapse[j] / numbers[3]
    when_accumulated(x, arm, first, n, reached, ratios, relapse)
    for j in range(n):
        relapse[j] = np.inf if uniform(w_cured[first + j]) < numbers[2] else relapse[j]
    for j in range(n):
        transplanted[j] = np.int64(to_allo[j] < leave[j])
    for j in range(n):
        pfs[first + j] = relapse[j] if transplanted[j] == 1 else leave[j]


@numba.njit(
    f"void(uint8[::1], uint8[::1], {U}, {U}, {U}, {U}, {U}, {U}, {U}, {F}, float64[:, ::1], float64[:, :, ::1], "
    f"float64[:, ::1], float64[:, ::1], float64[:, ::1], {F}, {F})",
    **OPTIONS,
)
def first_line_pfs(  # type: ignore[no-untyped-def]
    arm, group, w_regimen, w_response, w_durable, w_event, w_allo, w_cured, w_relapse,
    share, response, rate, breaks, reached, ratios, numbers, pfs,
) -> None:  # fmt: skip
    """Fill pfs, months from the start of first line to progression or death.

    arm, group : uint8[n] (1 = experimental; 0 = day-30 refractory); w_* : uint32[n], raw words
    share : float64[K - 1], cumulative shares of regimens; response : float64[2, K] by arm
    rate : float64[2, 3, K], per month, by group and (none, response, durable)
    breaks, reached : float64[2, L + 1], ratios : float64[2, L], hazard profile by arm; numbers as in `first_line_course`
    """
    u, chance, e_relapse, work = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK), np.empty((4, CHUNK))
    regimen, kind, transplanted = np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64)
    for first in range(0, len(pfs), CHUNK):
        n = min(CHUNK, len(pfs) - first)
        choose_regimen(w_regimen, first, n, share, u, regimen)
        respond(arm, w_response, w_durable, first, n, regimen, response, numbers[8], chance, kind)
        fill_exponentials(w_relapse, first, n, e_relapse)
        progression_free(
            arm, group, w_event, w_allo, w_cured, first, n, regimen, kind, e_relapse, rate, numbers, breaks, reached, ratios, work,
            transplanted, pfs,
        )  # fmt: skip


@numba.njit(**INLINE)
def after_progression(  # type: ignore[no-untyped-def]
    arm, group, w_after, w_allo, w_last, w_cured, first, n, e_relapse, theta, numbers, work, second, after_relapse, alive,
) -> None:  # fmt: skip
    """Fill second (1 = transplanted), after_relapse and alive: months from a relapse, and from progression, to death."""
    post, to_allo, beyond = work[0], work[1], work[2]
    for j in range(n):
        refractory, other = (theta[1, 0], theta[1, 1]) if arm[first + j] == 1 else (theta[0, 0], theta[0, 1])
        post[j] = refractory if group[first + j] == 0 else other
    for j in range(n):
        post[j] = exp(log(exponential(w_after[first + j]) / post[j]) / numbers[7]) / numbers[6]
    fill_exponentials(w_allo, first, n, to_allo)
    for j in range(n):
        to_allo[j] = to_allo[j] / numbers[1]
    fill_exponentials(w_last, first, n, after_relapse)
    for j in range(n):
        after_relapse[j] = after_relapse[j] / numbers[4]
    for j in range(n):
        beyond[j] = e_relapse[j] / numbers[3] + after_relapse[j]
    for j in range(n):
        beyond[j] = np.inf if uniform(w_cured[first + j]) < numbers[2] else beyond[j]
    for j in range(n):
        second[j] = np.int64(to_allo[j] < post[j])
    for j in range(n):
        alive[j] = to_allo[j] + beyond[j] if second[j] == 1 else post[j]


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
    u, chance, e_relapse, work = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK), np.empty((4, CHUNK))
    regimen, kind, transplanted = np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64)
    second, dies = np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64)
    after_relapse, alive = np.empty(CHUNK), np.empty(CHUNK)
    for first in range(0, len(pfs), CHUNK):
        n = min(CHUNK, len(pfs) - first)
        choose_regimen(w_regimen, first, n, share, u, regimen)
        respond(arm, w_response, w_durable, first, n, regimen, response, numbers[8], chance, kind)
        fill_exponentials(w_relapse, first, n, e_relapse)
        progression_free(
            arm, group, w_event, w_allo, w_cured, first, n, regimen, kind, e_relapse, rate, numbers, breaks, reached, ratios, work,
            transplanted, pfs,
        )  # fmt: skip
        after_progression(
            arm, group, w_after, w_allo_after, w_after_relapse, w_cured, first, n, e_relapse, theta, numbers, work, second, after_relapse,
            alive,
        )  # fmt: skip
        for j in range(n):
            dies[j] = np.int64(uniform(w_dies[first + j]) < numbers[5])
        for j in range(n):
            alive[j] = 0.0 if dies[j] == 1 else alive[j]
        for j in range(n):
            alive[j] = after_relapse[j] if transplanted[j] == 1 else alive[j]
        for j in range(n):
            os[first + j] = pfs[first + j] + alive[j]
        if len(marks) > 0:
            for j in range(n):
                alone = 1 - transplanted[j]
                marks[0, first + j] = regimen[j]
                marks[1, first + j] = min(kind[j], 1)
                marks[2, first + j] = max(kind[j] - 1, 0)
                marks[3, first + j] = transplanted[j]
                marks[4, first + j] = dies[j] * alone
                marks[5, first + j] = second[j] * (1 - dies[j]) * alone
