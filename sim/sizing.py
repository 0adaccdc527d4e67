"""The smallest n that reaches the target power, with an interval for n and the power curve it was read from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from sim.exact_sizing import exact_size
from sim.limits import MOST_PATIENTS
from sim.oc import Estimate, Tally, proportion
from sim.sized import PowerPoint, Size, Unreachable, unreachable
from sim.trial import Trial
from sim.types import InputError

# (trial, replicates) -> a `Tally`, or its first counts: the engine, with its seed, executor and store
Simulate = Callable[[Trial, int], Tally | tuple[int, int]]

SPARE = 1.5  # places for each patient expected at the analysis, where places are not to run out


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
    if not trial.design.level < target < 1:
        raise InputError(f"task.target_power is {target}; allowed: above the design's one-sided level ({trial.design.level:g}) and below 1")
    found = exact_size(trial, target, n_max)
    return _simulated_size(trial, target, simulate, n_sim, n_max) if found is None else found


@dataclass(frozen=True)
class _Looked:
    """Power at any number of patients (or of events), simulated once, and every number that was looked at."""

    made: Callable[[int], Trial]
    simulate: Simulate
    n_sim: int
    points: dict[int, PowerPoint] = field(default_factory=dict, init=False)
    tallies: dict[int, Tally] = field(default_factory=dict, init=False)

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
        # of trials that end at the longest duration without their events, no number of events has more power
        if power.tallies[n_max].mostly_missed or not _events_decide(trial, power.tallies[n_max]):
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
        # fewer events take fewer patients, more events at most in proportion
        places = ceil(SPARE * enrolled * max(1.0, d / events))
        found = trial.at_events(d, min(max(places, d), MOST_PATIENTS))
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
            raise unreachable(target, n_max, _limit(trial, power.tallies[high]))
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


__all__ = ["PowerPoint", "Simulate", "Size", "Unreachable", "size", "size_by_bisection"]
