"""Courses of patients in classes from raw words: what a class multiplies is looked up, so it costs no logarithm of its own.

Laid out as `first_line.py`: each stage is a loop over a chunk of patients that stays in the first-level cache, and look-ups have
loops of their own so that those that compute vectorise.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.kernels import OPTIONS
from sim.kernels.elementary import exp, exponential, log, normal_quantile, uniform
from sim.kernels.first_line import CHUNK, INLINE, choose_regimen, fill_exponentials

U = "uint32[::1]"
B = "uint8[::1]"
F = "float64[::1]"
F2 = "float64[:, ::1]"
F3 = "float64[:, :, ::1]"


@numba.njit(**INLINE)
def aged(word, table) -> float:  # type: ignore[no-untyped-def]
    """Return the time by which the uniform's share have died, linear between the entries of the table."""
    x = uniform(word) * (len(table) - 1)
    i = np.int64(x)
    return table[i] + (x - i) * (table[i + 1] - table[i])


@numba.njit(f"void({B}, {U}, {F2}, {B})", **OPTIONS)
def choose_class(stratum, word, cumulative, out) -> None:  # type: ignore[no-untyped-def]
    """Fill out with the class: how many cumulative shares of the stratum (float64[S, K - 1]) the uniform reaches."""
    for i in range(len(out)):
        out[i] = 0
    for k in range(cumulative.shape[1]):
        for i in range(len(out)):
            out[i] += np.uint8(uniform(word[i]) >= cumulative[np.uint64(stratum[i]), k])


@numba.njit(**INLINE)
def when_accumulated(x, row, n, reached, ratios, out) -> None:  # type: ignore[no-untyped-def]
    """Fill out with the time at which the integral of the row's hazard ratio is x; reached[r, k] is its value at the k-th break, the last infinite."""
    for k in range(ratios.shape[1]):
        for j in range(n):
            r = row[j]
            low = reached[r, k]
            piece = min(max(x[j] - low, 0.0), reached[r, k + 1] - low) / ratios[r, k]
            out[j] = piece if k == 0 else out[j] + piece


@numba.njit(**INLINE)
def respond(arm, group, w_response, w_durable, first, n, regimen, any_response, complete, lasting, chance, kind, durable) -> None:  # type: ignore[no-untyped-def]
    """Fill kind: 0 no response, 1 partial, 2 complete; and durable: 1 = it lasts. One word says both whether and how one responds."""
    for j in range(n):
        chance[j] = any_response[np.uint64(arm[first + j]), np.uint64(group[first + j]), np.uint64(regimen[j])]
    for j in range(n):
        kind[j] = np.int64(uniform(w_response[first + j]) < chance[j])
    for j in range(n):
        chance[j] = complete[np.uint64(arm[first + j]), np.uint64(group[first + j]), np.uint64(regimen[j])]
    for j in range(n):
        kind[j] += np.int64(uniform(w_response[first + j]) < chance[j])
    for j in range(n):
        chance[j] = lasting[np.uint64(arm[first + j]), np.uint64(kind[j])]
    for j in range(n):
        durable[j] = np.int64(uniform(w_durable[first + j]) < chance[j])


@numba.njit(f"void({B}, {B}, {B}, {U}, {U}, {U}, {U}, {U}, {U}, {U}, {U}, {F}, {F3}, {F3}, {F2}, {F3}, {F2}, {F2}, {F}, {F}, {F}, uint8[:, ::1])", **OPTIONS)  # fmt: skip
def until_progression(  # type: ignore[no-untyped-def]
    arm, stratum, group, w_regimen, w_response, w_durable, w_event, w_allo, w_cured, w_relapse, w_old,
    share, any_response, complete, lasting, rate, reached, ratios, numbers, old, pfs, marks,
) -> None:  # fmt: skip
    """Fill pfs, months from the start of first line to progression or death, and marks: uint8[5, n].

    arm, stratum, group : uint8[n] (1 = experimental; group = class); w_* : uint32[n], raw words
    share : float64[R - 1], cumulative shares of regimens; any_response, complete : float64[2, K, R] by arm
    lasting : float64[2, 3], P(durable) by arm and kind; rate : float64[K, 4, R], per month, by class and (none, partial,
    complete, durable); reached : float64[1 + S, L + 1], ratios : float64[1 + S, L], hazard profiles: control, then the
    experimental arm by stratum; numbers : as in `whole_course`; old : float64[], times of death of old age by their share
    marks : regimen, kind of response, durable, transplanted from response, and 1 = ends in death of old age, which competes
    with everything else from the start of first line on
    """
    u, chance, leave, to_allo, x = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    by_age, relapse = np.empty(CHUNK), np.empty(CHUNK)
    regimen, kind, durable, row = (
        np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64), np.empty(CHUNK, dtype=np.int64),
    )  # fmt: skip
    for first in range(0, len(pfs), CHUNK):
        n = min(CHUNK, len(pfs) - first)
        choose_regimen(w_regimen, first, n, share, u, regimen)
        respond(arm, group, w_response, w_durable, first, n, regimen, any_response, complete, lasting, chance, kind, durable)
        fill_exponentials(w_event, first, n, leave)
        for j in range(n):
            x[j] = rate[np.uint64(group[first + j]), np.uint64(3 if durable[j] == 1 else kind[j]), np.uint64(regimen[j])]
        for j in range(n):
            x[j] = leave[j] / x[j]
        for j in range(n):
            row[j] = np.int64(arm[first + j]) * (1 + np.int64(stratum[first + j]))
        when_accumulated(x, row, n, reached, ratios, leave)
        for j in range(n):
            by_age[j] = aged(w_old[first + j], old)
        fill_exponentials(w_allo, first, n, to_allo)
        for j in range(n):
            to_allo[j] = to_allo[j] / (numbers[0] if kind[j] * (1 - durable[j]) > 0 else 1e-300)
        fill_exponentials(w_relapse, first, n, relapse)
        for j in range(n):
            relapse[j] = np.inf if uniform(w_cured[first + j]) < numbers[1] else relapse[j] / numbers[3]
        for j in range(n):
            transplanted = to_allo[j] < leave[j]
            ends = to_allo[j] + relapse[j] if transplanted else leave[j]
            pfs[first + j] = min(ends, by_age[j])
            marks[0, first + j] = regimen[j]
            marks[1, first + j] = kind[j]
            marks[2, first + j] = durable[j]
            marks[3, first + j] = np.uint8(transplanted and to_allo[j] < by_age[j])
            marks[4, first + j] = np.uint8(by_age[j] < ends)


@numba.njit(f"void({B}, {B}, {U}, {U}, {U}, {U}, {U}, {U}, {U}, {F2}, {F}, {F}, {F}, uint8[:, ::1], {F}, uint8[:, ::1])", **OPTIONS)
def until_death(  # type: ignore[no-untyped-def]
    arm, group, w_dies, w_after, w_allo, w_last, w_cured, w_relapse, w_old, frailty, numbers, old, pfs, before, os, marks
) -> None:
    """Fill os from pfs, and marks: uint8[2, n], died at exit, transplanted after progression.

    frailty : float64[2, K], multiplies death after progression, by arm and class; before : the marks of `until_progression`
    old age ends every course: whoever a transplant cures dies of it
    numbers : rate of transplant from response, cured by one from response, after progression, relapse rate, death rate after
    a relapse, share of exits that are deaths, rate of transplant after progression, post-progression rate and shape
    """
    post, to_allo, last, beyond = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    for first in range(0, len(pfs), CHUNK):
        n = min(CHUNK, len(pfs) - first)
        for j in range(n):
            post[j] = frailty[np.uint64(arm[first + j]), np.uint64(group[first + j])]
        for j in range(n):
            post[j] = exp(log(exponential(w_after[first + j]) / post[j]) / numbers[8]) / numbers[7]
        fill_exponentials(w_allo, first, n, to_allo)
        fill_exponentials(w_last, first, n, last)
        fill_exponentials(w_relapse, first, n, beyond)
        for j in range(n):
            last[j] = last[j] / numbers[4]
        for j in range(n):
            beyond[j] = np.inf if uniform(w_cured[first + j]) < numbers[2] else beyond[j] / numbers[3] + last[j]
        for j in range(n):
            wait = to_allo[j] / numbers[6]
            second = wait < post[j]
            dies = uniform(w_dies[first + j]) < numbers[5]
            alive = wait + beyond[j] if second else post[j]
            alive = 0.0 if dies else alive
            of_transplant = before[3, first + j] == 1
            alive = last[j] if of_transplant else alive
            ended = before[4, first + j] == 1
            alive = 0.0 if ended else alive
            by_age = aged(w_old[first + j], old)
            os[first + j] = min(pfs[first + j] + alive, by_age) if not ended else pfs[first + j]
            alone = not (of_transplant or ended)
            marks[0, first + j] = np.uint8(dies and alone)
            marks[1, first + j] = np.uint8(second and alone and not dies and pfs[first + j] + wait < by_age)


@numba.njit(f"void({B}, {B}, {U}, {U}, {U}, {U}, {F2}, {F}, {F}, {F}, {B})", **OPTIONS)
def before_first_line(stratum, group, w_intended, w_waiting, w_start, w_supportive, intended, frailty, numbers, wait, path) -> None:  # type: ignore[no-untyped-def]
    """Fill wait, months from progression to the start of first line or to death without it, and path.

    intended : float64[S, K] by stratum and class; frailty : float64[K]
    numbers : start rate, death rate while waiting, supportive-care median and shape
    path : uint8[n], 2 = starts first line, 1 = intended but dies waiting, 0 = supportive care until death
    """
    for i in range(len(wait)):
        m = frailty[np.uint64(group[i])]
        total = numbers[0] + numbers[1] * m
        waiting = exponential(w_waiting[i]) / total
        supportive = numbers[2] * exp(log(exponential(w_supportive[i]) / (0.6931471805599453 * m)) / numbers[3])
        means = 1 if uniform(w_intended[i]) < intended[np.uint64(stratum[i]), np.uint64(group[i])] else 0
        starts = 1 if uniform(w_start[i]) < numbers[0] / total else 0
        wait[i] = waiting if means == 1 else supportive
        path[i] = means * (1 + starts)


@numba.njit(f"void({B}, {U}, {U}, {U}, {U}, {U}, {U}, {F}, {F2}, {F}, {F}, {F}, {B}, {B}, {F}, {B})", **OPTIONS)
def after_infusion(  # type: ignore[no-untyped-def]
    group, w_bridging, w_fate, w_day30, w_time, w_old, w_class, bridged, fate_shares, numbers, cuts, old, bridging, fate, time, class_
) -> None:
    """Fill bridging, fate, time, months from infusion to progression or to death without it, and the class at progression.

    group : uint8[n], 0 = day-30 refractory, 1 = everyone else; bridged : float64[2], P(bridging | group)
    fate_shares : float64[2, 2], by bridging: P(late progression) and P(late or death without progression) given not refractory
    fate : 0 = day-30 refractory, 1 = progresses later, 2 = dies without progression, 3 = cured
    numbers : log medians and sigmas of progression when progressive and when stable at day 30, of late progression and of death;
    the share progressive; the shift of late progression; slope of the class in log time, and the log of its reference time
    """
    for i in range(len(time)):
        g = group[i]
        b = 1 if uniform(w_bridging[i]) < bridged[g] else 0
        u = uniform(w_fate[i])
        later = 1 if u < fate_shares[b, 0] else (2 if u < fate_shares[b, 1] else 3)
        f = 0 if g == 0 else later
        stable = 0 if uniform(w_day30[i]) < numbers[8] else 1
        j = stable if f == 0 else min(f, 2) + 1
        z = normal_quantile(uniform(w_time[i]))
        t = exp(numbers[2 * j] + numbers[2 * j + 1] * z) + (numbers[9] if f == 1 else 0.0)
        t = aged(w_old[i], old) if f == 3 else t
        shift = numbers[10] * (log(max(t, 1e-300)) - numbers[11])
        latent = normal_quantile(uniform(w_class[i]))
        k = 0
        for c in range(len(cuts)):
            k += 1 if latent > cuts[c] + shift else 0
        bridging[i] = b
        fate[i] = f
        time[i] = t
        class_[i] = k
