"""The answer of a sizing: n with its interval, the power curve it was read from, and the refusal where there is none."""

from __future__ import annotations

from dataclasses import dataclass

from sim.oc import Estimate
from sim.trial import Trial
from sim.types import InputError


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


class Unreachable(InputError):
    """No number of patients that may be tried reaches the target power."""


def unreachable(target: float, n_max: int, limit: str = "", most: Estimate | None = None) -> Unreachable:
    """Return the refusal; limit : what bound the search, where it is not n_max; most : the power simulated at n_max."""
    why = f"; {limit}" if limit else ""
    found = "" if most is None else f", with a power of {most.value:.3f} at the last that was tried"
    return Unreachable(
        f"task.target_power is {target}: no n up to task.n_max = {n_max} reaches it{found}{why}; allowed: a smaller target, a larger effect or"
        " a larger task.n_max"
    )
