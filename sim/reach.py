"""How many events a trial can reach before its longest duration, from the exact curves; refused where that is never enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.statistic.statistic import Code
from sim.tails import binomial_tail, falls_to, poisson_tail
from sim.trial import ENDPOINTS, Trial, final_rows, run_block
from sim.types import Array, Flags, InputError

NEVER = 1e-6  # a target that fewer trials than this reach is called unreachable
PILOT = 1_000  # replicates in which not one can be tested before the trial is called untestable
CELLS = 4_000  # of the integral over follow-up


@dataclass(frozen=True)
class Reach:
    """What a trial can reach by its longest duration under its stated effect.

    target : events that call the last look; month : the longest duration
    expected : events expected by then; most : events that are exceeded with a probability below `NEVER`
    share : of one patient, who enters first under a given rate and at any time under a fixed duration, the probability of an event by then
    possible : an upper bound of the probability that the target is reached
    """

    target: int
    month: float
    expected: float
    most: int
    share: float
    possible: float


def reach(trial: Trial) -> Reach | None:
    """Return what the trial can reach; None where no number of events is asked for.

    Notes
    -----
    With F(t) the probability that a patient's event is seen within t months of entry, dropout included, the arms mixed as allocated, and
    A(u) the patients expected to have entered by month u, the events expected by month T are int F(T - u) dA(u) = int A(T - t) dF(t).
    Under a fixed accrual duration events are Binomial(n, their share). Under a given rate they are at most Poisson (a thinned
    Poisson process whose places never end) and at most Binomial(n, F(T)) (everybody entering at once); the smaller tail bounds the truth.

    Examples
    --------
    >>> from sim.accrual import UniformAccrual
    >>> from sim.design.randomised_survival import RandomisedSurvival
    >>> from sim.effect import HazardRatio
    >>> from sim.followup import NoDropout
    >>> from sim.population.piecewise_exponential import PiecewiseExponential
    >>> slow = PiecewiseExponential(medians=(120.0,))
    >>> r = reach(Trial(slow, UniformAccrual(rate=10.0), NoDropout(), HazardRatio(0.7), RandomisedSurvival(200, events=(190,))))
    >>> round(r.expected), r.most, r.possible < 1e-30
    (83, 122, True)
    """
    plan = trial.plan
    target, month, n = plan.cut.planned_events(plan.cut.looks - 1), plan.cut.deadline, plan.n
    if target is None:
        return None
    edges = np.linspace(0.0, month, CELLS + 1)
    seen = _seen(trial, edges)
    entered = trial.accrual.entered(n, month - (edges[1:] + edges[:-1]) / 2)
    unlimited = float(np.sum(entered * np.diff(seen)))
    expected = float(np.sum(np.minimum(entered, n) * np.diff(seen)))
    share = float(seen[-1]) if trial.accrual.by_rate else expected / n
    tails = [binomial_tail(n, share)] + ([poisson_tail(unlimited)] if trial.accrual.by_rate else [])
    possible = min(tail(target - 1) for tail in tails)
    most = min(falls_to(tail, NEVER) for tail in tails)
    return Reach(target, month, expected, most, share, possible)


def _seen(trial: Trial, edges: Array) -> Array:
    """Return the probability that a patient's event is seen within each time from entry, float64[k]."""
    experimental = trial.plan.allocation.experimental_share
    endpoint, population = ENDPOINTS[trial.plan.hypothesis], trial.population
    survival = experimental * population.curve(endpoint, trial.effect).at(edges)
    if experimental < 1:
        survival = survival + (1 - experimental) * population.curve(endpoint).at(edges)
    middle = (edges[1:] + edges[:-1]) / 2
    events = -np.diff(survival) * np.exp(-trial.dropout.hazard_per_month * middle)
    out: Array = np.concatenate([[0.0], np.cumsum(events)])
    return out


def check_reached(trial: Trial) -> None:
    """Refuse a trial whose events come to so many next to never.

    Raises
    ------
    InputError : the target, how many events are expected, and the largest number that can be reached
    """
    found = reach(trial)
    if found is not None and found.possible < NEVER:
        raise InputError(
            f"design.events: {found.target} events are never reached: {found.expected:.1f} are expected by month {found.month:g}"
            f" (design.max_duration) among {trial.plan.n} places, and at most {found.most} come in one of a million trials; allowed: at most"
            f" {found.most} events, or faster accrual or a longer design.max_duration"
        )


def check_sizeable(trial: Trial, n_max: int) -> None:
    """Refuse to size a trial that asks for a larger share of events than its patients have by its longest duration, whatever n.

    Raises
    ------
    InputError : the share asked for and the largest share that can be expected
    """
    asked = trial.plan.cut.planned_events(trial.plan.cut.looks - 1)
    if asked is None:
        return
    n = max(n_max, 2 * trial.plan.n)
    found = reach(trial.with_n(n))
    # a number of events that does not follow n is reached by enough patients
    if found is not None and found.target > max(asked, found.share * n):
        raise InputError(
            f"design.event_fraction: events of {found.target / n:.3g} of the patients are asked for at every n, and no n reaches them:"
            f" by month {found.month:g} (design.max_duration) at most {found.share:.3f} of the patients have had an event that is seen;"
            f" allowed: a share below {found.share:.3f}, less dropout or a longer design.max_duration"
        )


def check_testable(trial: Trial, seed: int) -> None:
    """Refuse a trial of which not one replicate can be tested, after a pilot of `PILOT`.

    Raises
    ------
    InputError : the test, why it cannot be formed, and when the analysis is
    """
    rows = final_rows(run_block(trial, seed, 0, PILOT // 5))
    if not _untestable(rows["code"]).all():
        return
    rows = final_rows(run_block(trial, seed, 0, PILOT))
    if not _untestable(rows["code"]).all():
        return
    why = "an arm is empty or not watched for so long" if (rows["code"] == Code.EMPTY_ARM).any() else "there is nothing to test with"
    raise InputError(
        f"design: none of {PILOT:,} trials can be tested by {trial.plan.statistic.label}: {why} at the analysis, in month"
        f" {float(np.mean(rows['month'])):.1f} with {float(np.mean(rows['enrolled'])):.1f} patients and {float(np.mean(rows['events'])):.1f}"
        " events on average; allowed: a later analysis, more patients, or a shorter horizon of the test"
    )


def _untestable(code: Flags) -> NDArray[np.bool_]:
    return np.isin(code, (Code.NO_EVENTS, Code.EMPTY_ARM))
