"""Thresholds of beta-binomial rules that keep exact errors, by enumeration."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from sim.boundary.beta_binomial import (
    BayesianStages,
    BetaBinomial,
    Thresholds,
    critical_counts,
    look_probability,
    posterior_above,
    with_thresholds,
)
from sim.boundary.multi_stage_binomial import stage_probabilities
from sim.types import Array, InputError


@lru_cache(maxsize=1024)
def find_thresholds(
    rule: BetaBinomial,
    p0: float,
    p1: float,
    alpha: float,
    power: float,
    final: float | None = None,
    futility: float | None = None,
    efficacy: float | str | None = None,
    binding: bool = True,
) -> BayesianStages:
    """Find thresholds that keep the type I error at or below alpha, exactly.

    Parameters
    ----------
    rule : BetaBinomial
    p0, p1 : response rates of the two errors
    alpha, power : largest type I error at p0, smallest power at p1
    final : threshold of the last look, then used as it is, whatever the type I error; None: it is found
    futility : threshold of giving up; None: it is found
    efficacy : as in `Thresholds`
    binding : False: the type I error is of trials that go on where they should give up

    Notes
    -----
    A threshold matters only through critical counts, so only the values that the probability takes are tried, each design by
    enumeration (`stage_probabilities`). With a given futility threshold the error falls as the final threshold rises: the smallest
    that keeps alpha. Otherwise final thresholds are tried from the largest that leaves the power downward, each with the largest
    futility threshold that leaves the power, as long as alpha is kept; of these the design with fewest expected patients at p0. Where
    none has the power: no futility and the smallest final threshold, which has the most. Each threshold is returned as the shortest
    decimal that means the same counts.

    References
    ----------
    Lee & Liu, Clinical Trials 2008;5:93, section on the search of (theta_L, theta_T).

    Examples
    --------
    >>> rule = BetaBinomial(tuple(range(10, 37)), "predictive", 0.2, (0.2, 0.8))
    >>> found = find_thresholds(rule, 0.2, 0.4, 0.1, 0.9)
    >>> found.thresholds.final, round(found.errors.type_i_error, 3), round(found.errors.power, 3)
    (0.9, 0.086, 0.9)
    """
    if final is not None and futility is not None:
        return with_thresholds(rule, Thresholds(final, futility, efficacy), p0, p1, binding)
    looks = rule.n if efficacy == "final" else rule.n[-1:]
    finals = _values([posterior_above(n, rule.prior, rule.standard) for n in looks])
    if finals[-1] < 1:
        finals.append(1.0)  # never rejects
    if final is not None:
        finals, alpha = [final], 1.0

    def error(at: float, giving_up: float) -> float:
        counts = critical_counts(rule, Thresholds(at, giving_up, efficacy))
        return float(stage_probabilities(counts, p0, obey_futility=binding)[0].sum())

    def too_weak(at: float, giving_up: float) -> bool:
        counts = critical_counts(rule, Thresholds(at, giving_up, efficacy))
        return bool(stage_probabilities(counts, p1)[0].sum() < power)

    def design(at: float, giving_up: float) -> BayesianStages:
        exact = Thresholds(at, giving_up, efficacy)
        short = _shortened(rule, exact, None if final is not None else finals, futility is None)
        return with_thresholds(rule, short, p0, p1, binding)

    smallest = _first(finals, lambda at: error(at, futility or 0.0) <= alpha)
    if smallest == len(finals):
        raise InputError(
            f"beta-binomial rule: an efficacy threshold of {efficacy} alone spends more than alpha = {alpha:g}; allowed: a larger one"
        )
    if futility is not None:
        return design(finals[smallest], futility)
    found: list[BayesianStages] = []
    for at in reversed(finals[: _first(finals, lambda at: too_weak(at, 0.0))]):
        values = _futility_values(rule, at, efficacy)
        largest = values[_first(values, partial(too_weak, at)) - 1]
        if error(at, largest) > alpha:
            break
        found.append(design(at, largest))
    return min(found, key=lambda d: (d.errors.en_p0, -d.errors.power)) if found else design(finals[smallest], 0.0)


def _futility_values(rule: BetaBinomial, final: float, efficacy: float | str | None) -> list[float]:
    """Return the futility thresholds that differ: 0, and all values of the probability below the one that stops for efficacy."""
    last = int(np.searchsorted(posterior_above(rule.n[-1], rule.prior, rule.standard), final))
    ceiling = final if efficacy == "final" else 1.0 if efficacy is None else float(efficacy)
    values = _values([look_probability(rule, n, last, rule.margin) for n in rule.n[:-1]])
    return [0.0, *(v for v in values if 0 < v < ceiling)]


def _shortened(rule: BetaBinomial, exact: Thresholds, finals: Sequence[float] | None, futility: bool) -> Thresholds:
    """Write the thresholds that were found with as few decimals as mean the same counts; given ones stay as they are."""
    short = exact
    if futility and exact.futility > 0:
        short = replace(short, futility=_fewest_decimals(_futility_values(rule, exact.final, exact.efficacy), exact.futility))
    if finals is not None:
        short = replace(short, final=_fewest_decimals(finals, exact.final))
    return short if critical_counts(rule, short) == critical_counts(rule, exact) else exact


def _fewest_decimals(values: Sequence[float], value: float) -> float:
    """Return the shortest decimal above the largest value that is smaller, and not above this one."""
    below = max((v for v in values if v < value), default=0.0)
    for digits in range(1, 15):
        up = round((np.floor(below * 10**digits) + 1) / 10**digits, digits)
        if below < up <= value:
            return float(up)
    return value


def _values(tables: Sequence[Array]) -> list[float]:
    return [float(v) for v in np.unique(np.concatenate([np.zeros(0), *tables]))]


def _first(values: Sequence[float], holds: Callable[[float], bool]) -> int:
    """Return the index of the first of the rising values from which on a condition holds; their number where it holds for none."""
    return bisect_left(values, True, key=holds)
