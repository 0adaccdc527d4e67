"""The smallest n that reaches the target power, with an interval for n and the power curve it was read from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from sim.boundary.exact_binomial import certain_n, exact_power_curve
from sim.boundary.multi_stage_binomial import stage_probabilities
from sim.design.bayesian_single_arm import BayesianSingleArm
from sim.design.multi_stage_binomial import MultiStageBinomial, smallest_n
from sim.design.simon_two_stage import SimonTwoStage
from sim.design.single_arm_orr import SingleArmORR
from sim.oc import Estimate, Tally, proportion
from sim.trial import Trial
from sim.types import InputError

# (trial, replicates) -> a `Tally`, or its first counts: the engine, with its seed, executor and store
Simulate = Callable[[Trial, int], Tally | tuple[int, int]]

SPARE = 1.5  # places for each patient expected at the analysis, where places are not to run out
STAYS = 20  # a multi-stage design's power is looked at up to twice the answer and so many patients more


@dataclass(frozen=True)
class PowerPoint:
    """Power at one n; `mcse` is 0 and the interval a point where power is exact."""

    n: int
    power: Estimate
    n_analysed: int


@dataclass(frozen=True)
class Size:
    """The answer of a sizing.

    n : smallest n whose power reaches the target (exact designs: and stays there from n on)
    n_first : exact designs: smallest n whose power reaches the target; otherwise n
    n_low, n_high : all n whose pointwise 95 % interval for power contains the target lie between them
    n_safe : smallest n whose one-sided 97.5 % lower limit of power reaches the target; None where no n that was tried does
    curve : every n that was looked at, rising
    exact : True when the power is computed, not simulated
    meaning : what `n` is, where it is not what is said above
    events : where the trial ends before its places are taken: the same answer in events (its `n` are events at the last look); `n` are then
        so many places that they never run out, and any larger number is the same trial
    """

    target: float
    n: int
    n_first: int
    n_low: int
    n_high: int
    n_safe: int | None
    curve: tuple[PowerPoint, ...]
    exact: bool
    meaning: str = ""
    events: Size | None = None

    def of(self, trial: Trial) -> Trial:
        """Return the trial of this size."""
        if self.events is None:
            return trial.with_n(self.n)
        sized = trial.at_events(self.events.n, self.n)
        assert sized is not None
        return sized


def size(trial: Trial, target: float, simulate: Simulate, n_sim: int, n_max: int = 5000) -> Size:
    """Find the smallest n that reaches the target power at the design's type I error.

    Parameters
    ----------
    trial : the trial to size; its own n is where the search starts
    target : power to reach, within (alpha, 1)
    simulate : runs replicates of a trial, see `Simulate`; the same seed for every n, so that trials share patients
    n_sim : replicates at each n
    n_max : largest n to try

    Raises
    ------
    InputError : a target outside (alpha, 1), or one that no n up to n_max reaches (`Unreachable`)

    Notes
    -----
    Exact binomial designs are sized by their exact power, to the unit. Everything else is simulated: bisection finds where
    the power crosses the target, then every n around it is simulated until the target has left the pointwise intervals. Where, at
    the n so found, accrual is still open at the analysis in more than half of the trials, places decide nothing and the search is
    over events instead (`Size.events`).
    """
    if not trial.design.alpha < target < 1:
        raise InputError(f"task.target_power is {target}; allowed: above design.alpha ({trial.design.alpha:g}) and below 1")
    if isinstance(trial.design, SingleArmORR) and (trial.design.not_evaluable == "nonresponder" or trial.design.not_evaluable_share == 0):
        return _exact_size(trial, trial.design, target, n_max)
    if isinstance(trial.design, SimonTwoStage):
        return _two_stage_size(trial, trial.design, target, n_max)
    if isinstance(trial.design, MultiStageBinomial | BayesianSingleArm):
        return _multi_stage_size(trial, trial.design, target, n_max)
    return _simulated_size(trial, target, simulate, n_sim, n_max)


def _exact_size(trial: Trial, design: SingleArmORR, target: float, n_max: int) -> Size:
    p0, p1 = design.null(trial.population), design.alternative(trial.population, trial.effect)
    if p1 <= p0:
        raise InputError(
            f"effect: the response rate is {p1:.3f} under the effect and {p0:.3f} under the null; allowed: an effect that raises it"
        )
    last = certain_n(p0, p1, design.alpha, target)
    if last > 50 * n_max:
        raise _unreachable(target, n_max)
    n = np.arange(1, last + 1)
    power = exact_power_curve(n, p0, p1, design.alpha)
    reached = power >= target
    first = int(n[np.argmax(reached)])
    stays = int(n[~reached][-1]) + 1 if not reached.all() else 1
    if stays > n_max:
        raise _unreachable(target, n_max)
    upto = max(2 * stays, 20)
    curve = tuple(PowerPoint(int(k), Estimate(float(p), 0.0, float(p), float(p)), 0) for k, p in zip(n[:upto], power[:upto], strict=True))
    return Size(target, stays, first, stays, stays, stays, curve, exact=True)


def _two_stage_size(trial: Trial, design: SimonTwoStage, target: float, n_max: int) -> Size:
    """Return the patients of the two-stage design itself: it is the search."""
    if design.kind == "given":
        raise InputError("design.kind is 'given': its n is fixed; allowed with task=size: optimal, minimax, admissible")
    if design.power != target:
        raise InputError(f"design.power is {design.power:g} and task.target_power {target:g}; allowed: the same power in both")
    s = replace(design, n=None).stages(trial.population)
    p = trial.population.response_rate(trial.effect) * (1 - design.not_evaluable_share)
    if abs(p - s.p1) > 1e-9:
        raise InputError(
            f"effect: the response rate is {p:.3f} under the effect and {s.p1:.3f} in the design; allowed with task=size: the same rate"
            " (design.alternative_rate or design.difference)"
        )
    if s.n > n_max:
        raise _unreachable(target, n_max)
    points = {}
    for power in sorted({*(k / 20 for k in range(10, 20)), target}):
        if power > design.alpha:
            found = replace(design, n=None, power=power).stages(trial.population)
            points[found.n] = PowerPoint(found.n, Estimate(found.power, 0.0, found.power, found.power), 0)
    meaning = f"patients in both stages of Simon's {design.kind} design at the design's alpha and power, at most"
    return Size(target, s.n, s.n, s.n, s.n, s.n, tuple(points[n] for n in sorted(points)), exact=True, meaning=meaning)


def _multi_stage_size(trial: Trial, design: MultiStageBinomial | BayesianSingleArm, target: float, n_max: int) -> Size:
    """Search by the exact power, until it has stayed at the target for as many further n as it took to reach it."""
    p = trial.population.response_rate(trial.effect) * (1 - design.not_evaluable_share)
    if p <= design.null(trial.population):
        raise InputError(
            f"effect: the response rate is {p:.3f} under the effect and {design.null(trial.population):.3f} under the null;"
            " allowed: an effect that raises it"
        )
    points: list[PowerPoint] = []
    first = stays = 0
    start = smallest_n(design.stages) if isinstance(design, MultiStageBinomial) else 1
    for n in range(start, 2 * n_max + STAYS + 1):
        counts = replace(design, n=n).critical_counts(trial.population)
        power = float(stage_probabilities(counts, p)[0].sum())
        points.append(PowerPoint(n, Estimate(power, 0.0, power, power), 0))
        if power < target:
            stays = 0
        elif stays == 0:
            first, stays = first or n, n
        if stays > n_max or (stays == 0 and n >= n_max):
            break
        if stays and n >= 2 * stays + STAYS:
            upto = tuple(point for point in points if point.n <= 2 * stays)
            meaning = f"smallest number of patients from which on the exact power stays at the target or above, looked at up to {n}"
            return Size(target, stays, first, stays, stays, stays, upto, exact=True, meaning=meaning)
    raise _unreachable(target, n_max)


@dataclass(frozen=True)
class _Looked:
    """Power at any number of patients (or of events), simulated once, and every number that was looked at."""

    made: Callable[[int], Trial]
    simulate: Simulate
    n_sim: int
    points: dict[int, PowerPoint] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)

    def __call__(self, n: int) -> Estimate:
        if n not in self.points:
            found = Tally(*self.simulate(self.made(n), self.n_sim))
            self.tallies[n] = found
            self.points[n] = PowerPoint(n, proportion(found.rejected, found.analysed), found.analysed)
        return self.points[n].power

    def curve(self) -> tuple[PowerPoint, ...]:
        return tuple(self.points[n] for n in sorted(self.points))


def size_by_bisection(trial: Trial, target: float, simulate: Simulate, n_sim: int, n_max: int = 5000) -> Size:
    """Find where the simulated power, its upper and its lower limit cross the target, each by bisection alone.

    Notes
    -----
    For power that rises so slowly with n that `size`, which looks at every n whose interval holds the target, would look at
    hundreds. The same words at every n make the curve rise but for the steps of the design; `n_low` and `n_high` are where
    the pointwise 95 % interval first and last holds the target, by bisection, `n_high` at most n_max.
    """
    power = _Looked(trial.with_n, simulate, n_sim)
    smallest = _smallest_n(trial)
    below, n = _bracket(trial, trial.plan.n, smallest, target, power, n_max)
    n = _first(below, n, lambda k: power(k).value >= target)
    low = _first(smallest - 1, n, lambda k: power(k).high >= target)
    step = high = n
    while power(high).low < target and high < n_max:
        step, high = high, min(2 * high, n_max)
    safe = power(high).low >= target
    high = _first(step, high, lambda k: power(k).low >= target) if safe and high > step else high
    return Size(target, n, n, low, high, high if safe else None, power.curve(), exact=False)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest k in (low, high] that holds, for what holds at high and goes on holding."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _simulated_size(trial: Trial, target: float, simulate: Simulate, n_sim: int, n_max: int) -> Size:
    power, smallest = _Looked(trial.with_n, simulate, n_sim), _smallest_n(trial)
    try:
        low, high = _bracket(trial, trial.plan.n, smallest, target, power, n_max)
    except Unreachable:
        if not _events_decide(trial, power.tallies[n_max]):
            raise
        return _events_size(trial, n_max, power, target, n_max)  # more places never brought more events
    n = _first(low, high, lambda k: power(k).value >= target)
    if _events_decide(trial, power.tallies[n]):
        return _events_size(trial, n, power, target, n_max)
    n = _around(n, smallest, target, power, n_max)
    for k in _curve_points(n, smallest, n_max):
        power(k)
    return _answer(n, target, power)


def _events_decide(trial: Trial, found: Tally) -> bool:
    """Whether the trial ends before its places are taken, so that its power is a matter of events alone."""
    return trial.accrual.by_rate and found.places_are_free and trial.at_events(_last_events(trial), trial.plan.n) is not None


def _last_events(trial: Trial) -> int:
    return trial.plan.cut.planned_events(trial.plan.cut.looks - 1) or 0


def _events_size(trial: Trial, n: int, power: _Looked, target: float, n_max: int) -> Size:
    """Search over events, with so many places that they are never all taken.

    Notes
    -----
    Under a given rate the patients who have come by the analysis are the same for any number of places that are not all taken;
    so the trial hangs on the events alone, and the answer is one for every event fraction that leaves places free.
    """
    events, enrolled = _last_events(trial.with_n(n)), power.tallies[n].enrolled

    def made(d: int) -> Trial:
        found = trial.at_events(d, ceil(SPARE * d * enrolled / events))
        assert found is not None
        return found

    by_events = _Looked(made, power.simulate, power.n_sim)
    smallest = 4 * trial.plan.cut.looks
    low, high = _bracket(trial, events, smallest, target, by_events, n_max)
    first = _first(low, high, lambda d: by_events(d).value >= target)
    needed = _answer(_around(first, smallest, target, by_events, n_max), target, by_events)
    places = made(needed.n).plan.n
    return Size(target, places, places, places, places, places, power.curve(), exact=False, events=needed)


def _around(n: int, smallest: int, target: float, power: _Looked, n_max: int) -> int:
    """Look at every number around n until the target has left the intervals; return the smallest that reaches it."""
    window = _window(n, target, power, smallest, n_max)
    return min(k for k in window if power(k).value >= target)


def _answer(n: int, target: float, power: _Looked) -> Size:
    # every n that was looked at counts, also one beyond the window whose interval happens to hold the target
    inside = [k for k, point in power.points.items() if point.power.low <= target <= point.power.high]
    safe = min((k for k, point in power.points.items() if point.power.low >= target), default=None)
    return Size(target, n, n, min([*inside, n]), max([*inside, n]), safe, power.curve(), exact=False)


def _smallest_n(trial: Trial) -> int:
    """The smallest n with which the design can be built, so that fixed event numbers stay possible."""
    events = getattr(trial.design, "events", None)
    return int(events[-1]) if events else 4


def _bracket(trial: Trial, start: int, smallest: int, target: float, power: _Looked, n_max: int) -> tuple[int, int]:
    """Return (number that does not reach the target, number that does)."""
    high = min(max(start, smallest), n_max)
    while power(high).value < target:
        if high >= n_max:
            raise _unreachable(target, n_max, _limit(trial, power.tallies[high]))
        high = min(2 * high, n_max)
    low = high
    while low > smallest and power(low).value >= target:
        high, low = low, max(low // 2, smallest)
    return (low, high) if power(low).value < target else (low - 1, low)


def _limit(trial: Trial, at_most: Tally) -> str:
    """Say what keeps the trial of n_max patients from the target, where that is not their number."""
    for count, why in (
        (at_most.untestable, "the test cannot be formed (a longer follow-up or a shorter horizon)"),
        (at_most.missed, f"the events do not come by design.max_duration = {trial.plan.cut.deadline:g} (a longer one, or faster accrual)"),
    ):
        if 2 * count > at_most.analysed:
            return f"there, in {count / at_most.analysed:.1%} of trials {why}"
    if trial.accrual.by_rate and at_most.places_are_free:
        share = at_most.free / at_most.ended
        return (
            f"there, accrual is still open at the analysis in {share:.1%} of trials, so that more places change nothing (more events would)"
        )
    return ""


def _window(n: int, target: float, power: Callable[[int], Estimate], smallest: int, n_max: int, run: int = 4) -> list[int]:
    """Return the n around `n` until `run` in a row, on each side, have intervals that leave the target out."""
    window = [n]
    for step in (-1, 1):
        k, outside = n + step, 0
        while smallest <= k <= n_max and outside < run:
            p = power(k)
            outside = outside + 1 if (p.high < target if step < 0 else p.low > target) else 0
            window.append(k)
            k += step
    return sorted(window)


def _curve_points(n: int, smallest: int, n_max: int) -> list[int]:
    """Return the n at which the power curve of the report is drawn besides the window."""
    return sorted({min(max(math.ceil(n * f), smallest), n_max) for f in (0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75)})


class Unreachable(InputError):
    """No number of patients that may be tried reaches the target power."""


def _unreachable(target: float, n_max: int, limit: str = "") -> Unreachable:
    why = f"; {limit}" if limit else ""
    return Unreachable(
        f"task.target_power is {target}: no n up to task.n_max = {n_max} reaches it{why}; allowed: a smaller target, a larger effect or a larger"
        " task.n_max"
    )
