"""Exact multi-stage binomial designs: Fleming's, and group-sequential ones by exact error spending."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.boundary.spending import Spending
from sim.later import later
from sim.types import Array, InputError

binom = later("scipy.stats", "binom")
ndtri = later("scipy.special", "ndtri")


@dataclass(frozen=True)
class MultiStage:
    """Hold the critical counts of each stage: give up at `accept` responders or fewer, reject at `reject` or more.

    n : cumulative patients, rising; accept : -1 where a stage cannot give up, reject[-1] - 1 at the last
    """

    n: tuple[int, ...]
    accept: tuple[int, ...]
    reject: tuple[int, ...]


@lru_cache(maxsize=4096)
def _responders(n: int, p: float) -> Array:
    """P(x of n respond), x = 0 … n: searches ask for the same stages again and again."""
    out: Array = binom.pmf(np.arange(n + 1), n, p)
    out.setflags(write=False)
    return out


@dataclass(frozen=True)
class StageErrors:
    """Hold the exact operating characteristics of a multi-stage design, early stops of either kind counted together.

    pet_p0, pet_p1 : probability of stopping before the last stage; en_p0, en_p1 : expected patients where accrual halts
    """

    type_i_error: float
    power: float
    pet_p0: float
    pet_p1: float
    en_p0: float
    en_p1: float


def check_stages(n: tuple[int, ...]) -> None:
    """Refuse cumulative numbers of patients that do not rise from 1."""
    if not n or n[0] < 1 or list(n) != sorted(set(n)):
        raise InputError(f"multi-stage design: patients by stage are {list(n)}; allowed: rising whole numbers from 1")


def stage_probabilities(design: MultiStage, p: float, obey_futility: bool = True) -> tuple[Array, Array]:
    """Compute the exact probabilities of rejecting and of giving up at each stage.

    Parameters
    ----------
    design : critical counts
    p : float within [0, 1], response rate
    obey_futility : False: a trial at or below `accept` goes on, but for the last stage

    Returns
    -------
    float64[k], float64[k] : rejecting, giving up; they sum to 1 when futility is obeyed

    Examples
    --------
    >>> reject, accept = stage_probabilities(MultiStage((20, 40), (0, 4), (4, 5)), 0.05)
    >>> round(reject.sum().item(), 4), round((reject + accept).sum().item(), 12)
    (0.0519, 1.0)
    """
    k = len(design.n)
    reject, accept = np.zeros(k), np.zeros(k)
    running, before = np.ones(1), 0
    for j, n in enumerate(design.n):
        now = np.convolve(running, _responders(n - before, p))
        x = np.arange(n + 1)
        up, down = x >= design.reject[j], x <= design.accept[j]
        if not obey_futility and j < k - 1:
            down = np.zeros(n + 1, dtype=bool)
        reject[j], accept[j] = now[up].sum(), now[down].sum()
        running, before = np.where(up | down, 0.0, now), n
    return reject, accept


def stage_errors(design: MultiStage, p0: float, p1: float, binding: bool = True) -> StageErrors:
    """Compute the exact errors, early stopping and expected patients of a design.

    Parameters
    ----------
    design : critical counts
    p0, p1 : response rates under the null and under the alternative
    binding : False: the type I error is of trials that go on where they should give up; all else obeys futility

    Examples
    --------
    >>> found = stage_errors(MultiStage((10, 29), (1, 5), (11, 6)), 0.1, 0.3)
    >>> round(found.type_i_error, 4), round(found.power, 4), round(found.pet_p0, 4), round(found.en_p0, 2)
    (0.0471, 0.8051, 0.7361, 15.01)
    """
    n = np.asarray(design.n)
    null, effect = (stage_probabilities(design, p) for p in (p0, p1))
    ends0, ends1 = null[0] + null[1], effect[0] + effect[1]
    level = null[0].sum() if binding else stage_probabilities(design, p0, obey_futility=False)[0].sum()
    early0, early1 = ends0[:-1].sum(), ends1[:-1].sum()
    return StageErrors(*(float(x) for x in (level, effect[0].sum(), early0, early1, ends0 @ n, ends1 @ n)))


def fleming(n: tuple[int, ...], p0: float, alpha: float) -> MultiStage:
    """Make Fleming's design.

    Notes
    -----
    With N patients in all, n_g of them by stage g, z the upper alpha quantile and [x] the nearest whole number:
    reject_g = [n_g p0 + z sqrt(N p0 (1 - p0))] + 1, accept_g = [n_g p - z sqrt(N p (1 - p))] with
    p = (sqrt(N p0) + sqrt(1 - p0) z)^2 / (N + z^2), and accept = reject - 1 at the last stage. The level is nominal: the exact one
    comes from `stage_probabilities`.

    References
    ----------
    Fleming TR. One-sample multiple testing procedure for phase II clinical trials. Biometrics 1982;38:143-151.

    Examples
    --------
    >>> fleming((20, 40), 0.05, 0.05)
    MultiStage(n=(20, 40), accept=(0, 4), reject=(4, 5))
    """
    check_stages(n)
    total, z = n[-1], float(-ndtri(alpha))
    p = (math.sqrt(total * p0) + math.sqrt(1 - p0) * z) ** 2 / (total + z * z)
    reject = [math.floor(m * p0 + z * math.sqrt(total * p0 * (1 - p0)) + 0.5) + 1 for m in n]
    accept = [max(math.floor(m * p - z * math.sqrt(total * p * (1 - p)) + 0.5), -1) for m in n]
    accept = [min(a, r - 1) for a, r in zip(accept, reject, strict=True)]
    return MultiStage(n, (*accept[:-1], reject[-1] - 1), tuple(reject))


def exact_spending(
    n: tuple[int, ...],
    p0: float,
    alpha: float,
    efficacy: Spending | None,
    p1: float | None = None,
    beta: float = 0.2,
    futility: Spending | None = None,
    binding: bool = False,
) -> MultiStage:
    """Make the design whose exact errors never exceed what is spent by each stage.

    Parameters
    ----------
    n : cumulative patients of the stages
    p0, alpha : response rate under the null, one-sided type I error
    efficacy : how alpha is spent; None: all of it at the last stage, no stage rejects early
    p1, beta, futility : response rate, type II error and how it is spent; futility None: no stage gives up early
    binding : True: the rejection counts take account of the trials that gave up

    Notes
    -----
    reject_j is the smallest count with P(reject by stage j | p0) <= alpha(n_j / N), accept_j the largest with
    P(give up by stage j | p1) <= beta(n_j / N), both exact. Counts are discrete, so what a stage leaves is there for the next.

    References
    ----------
    Jennison & Turnbull, Group Sequential Methods, 2000, chapter 12.

    Examples
    --------
    >>> from sim.boundary.spending import KimDeMets
    >>> design = exact_spending((20, 40), 0.2, 0.05, KimDeMets(2.0), 0.4, 0.2, KimDeMets(2.0))
    >>> design.reject, bool(stage_probabilities(design, 0.2, obey_futility=False)[0].sum() <= 0.05)
    ((9, 13), True)
    """
    check_stages(n)
    if futility is not None and p1 is None:
        raise InputError("multi-stage design: futility is spent without an alternative response rate; allowed: p1 above p0")
    t = np.asarray(n) / n[-1]
    may_reject = np.zeros(len(n)) if efficacy is None else efficacy.spent(t, alpha)
    may_accept = np.zeros(len(n)) if futility is None else futility.spent(t, beta)
    may_reject[-1] = alpha
    reject: list[int] = []
    accept: list[int] = []
    null, effect, before, spent_alpha, spent_beta = np.ones(1), np.ones(1), 0, 0.0, 0.0
    for j, m in enumerate(n):
        x = np.arange(m - before + 1)
        null = np.convolve(null, binom.pmf(x, m - before, p0))
        tail = np.append(np.cumsum(null[::-1])[::-1], 0.0)
        # nobody who goes on has as few responders as made an earlier stage give up
        r = max(int(np.argmax(spent_alpha + tail <= may_reject[j] + 1e-15)), max(accept, default=-1) + 1 if binding else 0)
        spent_alpha += float(tail[r])
        a = r - 1 if j == len(n) - 1 else -1
        if futility is not None and p1 is not None and j < len(n) - 1:
            effect = np.convolve(effect, binom.pmf(x, m - before, p1))
            below = np.cumsum(effect)
            a = min(int(np.sum(spent_beta + below <= may_accept[j])) - 1, r - 1)
            spent_beta += float(below[a]) if a >= 0 else 0.0
            effect[: a + 1] = 0.0
            effect[r:] = 0.0
        null[r:] = 0.0
        if binding and j < len(n) - 1:
            null[: a + 1] = 0.0
        reject.append(r)
        accept.append(a)
        before = m
    return MultiStage(n, tuple(accept), tuple(reject))
