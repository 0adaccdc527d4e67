"""One trial design on one population, and the loop that runs it: look by look, vectorised over tiles and blocks of replicates."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sim.accrual import Accrual
from sim.design.design import CONTINUE, REJECT, Design, Monitoring, Plan
from sim.effect import NO_EFFECT, Effect
from sim.followup import Dropout
from sim.kernels.piecewise import bernoulli
from sim.population.population import Population
from sim.rng import Draws
from sim.statistic.statistic import Code, TestResult
from sim.types import Array, Assumption, Observations

# A tile is long enough to hide the thirty calls that it takes, and short enough that its arrays (some ten of float64) are not
# new memory from the system each time; docs/performance.md says what other lengths gain and lose.
TILE_PATIENTS = 256 * 160

ROW_DTYPE = np.dtype(
    [
        ("replicate", np.int64),
        ("look", np.int16),
        ("enrolled", np.int32),  # cumulative, at the look
        ("events", np.int32),  # cumulative, at the look; responders for a response endpoint
        ("month", np.float64),  # calendar months from the first possible enrolment
        ("z", np.float64),  # positive favours the experimental arm
        ("estimate", np.float64),
        ("decision", np.int8),  # 0 continue or accept at the last look, 1 reject, 2 stop for futility
        ("code", np.int8),
        ("rejects_ignoring_futility", np.int16),  # on the last row: the look that rejects were non-binding futility ignored; 0 none
    ]
)
Rows = NDArray[np.void]


@dataclass(frozen=True)
class Trial:
    """Everything that decides a replicate.

    Parameters
    ----------
    population : who the patients are; accrual : when they enter; dropout : who is lost
    effect : what the experimental treatment changes; design : when to look, how to test and what to do
    """

    population: Population
    accrual: Accrual
    dropout: Dropout
    effect: Effect
    design: Design

    def __post_init__(self) -> None:
        # everything is built, and so refused, before anything is simulated
        self.plan  # noqa: B018
        self.effect.response_rate(self.population.response_rate()) if "response" in self.plan.wants else None
        if "os" in self.plan.wants:
            # one patient: a population need not know how long patients live after progression
            nobody = np.zeros((1, 1), dtype=np.uint8)
            self.population.sample(Draws(0, 0, 1, 1), nobody, nobody, self.effect, self.plan.wants)

    @cached_property
    def plan(self) -> Plan:
        """The design's plan for this population."""
        return self.design.plan(self.population)

    @property
    def under_null(self) -> Trial:
        """The same trial of a treatment that changes nothing."""
        return replace(self, effect=NO_EFFECT)

    def with_n(self, n: int) -> Trial:
        """The same trial with n patients."""
        return replace(self, design=replace(cast(Any, self.design), n=n))

    def describe_assumptions(self) -> list[Assumption]:
        """Return what the trial assumes, line by line."""
        return [*self.population.describe(), *self.effect.describe(), *self.accrual.describe(), *self.dropout.describe()]

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in self.__dict__.items() if k != "plan"}


def enrol(trial: Trial, draws: Draws) -> Observations:
    """Enrol the addressed patients and watch each until event or dropout, as if the trial never ended."""
    plan = trial.plan
    stratum = trial.population.sample_strata(draws)
    arm = plan.allocation.arms(draws, stratum)
    entry = trial.accrual.entries(draws)
    for after, months in plan.pauses:
        entry[:, after:] += months
    courses = trial.population.sample(draws, stratum, arm, trial.effect, plan.wants)
    time = event = evaluable = None
    survival = courses.os if "os" in plan.wants else courses.pfs
    if survival is not None:
        time, event = trial.dropout.watch(draws, survival)
    response = courses.response
    if response is not None and plan.not_evaluable_share > 0:
        assessed = np.empty(stratum.shape, dtype=np.uint8)
        bernoulli(draws.word("evaluable"), np.zeros_like(stratum), np.array([1 - plan.not_evaluable_share]), assessed)
        response = response & assessed
        evaluable = assessed if plan.exclude_not_evaluable else None
    return Observations(entry, arm, stratum, time, event, response, evaluable, len(trial.population.strata))


@dataclass(frozen=True, eq=False)
class Looks:
    """What each look of m trials found, before anybody decides; every array is [looks, m].

    month : calendar months; reached : 1 where the look's planned number was reached; the others as in `TestResult`
    """

    month: Array
    reached: NDArray[np.uint8]
    z: Array
    estimate: Array
    enrolled: NDArray[np.int64]
    events: NDArray[np.int64]
    tested: NDArray[np.int64]
    code: NDArray[np.uint8]

    @classmethod
    def empty(cls, looks: int, m: int) -> Looks:
        """Make room for the looks of m trials."""
        real, whole, small = (np.empty((looks, m), dtype) for dtype in (np.float64, np.int64, np.uint8))
        return cls(real, small, *(np.empty_like(x) for x in (real, real, whole, whole, whole, small)))

    def result(self, look: int) -> TestResult:
        """Return the test of one look."""
        return TestResult(self.z[look], self.estimate[look], self.enrolled[look], self.events[look], self.tested[look], self.code[look])


def observe(trial: Trial, draws: Draws, found: Looks, at: slice) -> None:
    """Run the addressed trials through all planned looks, as if none ever stopped, and write what is found into `found[:, at]`."""
    plan = trial.plan
    observations = enrol(trial, draws)
    found.month[:, at], found.reached[:, at] = plan.cut.calendar(observations)
    for look in range(plan.cut.looks):
        result = _test(plan, observations, look, np.ascontiguousarray(found.month[look, at]))
        for name in ("z", "estimate", "enrolled", "events", "tested", "code"):
            getattr(found, name)[look, at] = getattr(result, name)


def _test(plan: Plan, observations: Observations, look: int, cut: Array) -> TestResult:
    """Test who is to be tested at this look."""
    if plan.tested is None:
        return plan.statistic.test(observations, cut)
    k = plan.tested[look]
    o = observations
    first = {f.name: getattr(o, f.name) for f in fields(o)}
    first = {name: np.ascontiguousarray(v[:, :k]) if isinstance(v, np.ndarray) else v for name, v in first.items()}
    enrolled = (o.entry <= cut[:, None]).sum(axis=1, dtype=np.int64)
    return replace(plan.statistic.test(Observations(**first), cut), enrolled=enrolled)


def decide(plan: Plan, found: Looks, first: int) -> Rows:
    """Apply the design's rule look by look; return the rows in replicate-look order. A trial that stopped has no later rows."""
    looks, m = found.z.shape
    rows = np.zeros((m, looks), dtype=ROW_DTYPE)
    kept = np.zeros((m, looks), dtype=bool)
    running = np.ones(m, dtype=bool)
    ignoring = running  # the same trials, were non-binding futility ignored
    rejected_at = np.zeros(m, dtype=np.int16)
    for look in range(looks):
        result = found.result(look)
        # once the target could not be reached every later look would be this same analysis
        last = found.reached[look] == 0 if look < looks - 1 else np.ones(m, dtype=bool)
        decision = plan.rule.decide(look, result, Monitoring(found.events[:look], last))
        broken = ~np.isfinite(result.z)
        untestable = (result.code == Code.NO_EVENTS) | (result.code == Code.EMPTY_ARM)
        decision = np.where(untestable | broken, CONTINUE, decision)
        rejected_at[ignoring & (decision == REJECT)] = look + 1
        kept[:, look] = running
        row = rows[:, look]
        row["replicate"] = np.arange(first, first + m)
        row["look"] = look + 1
        row["enrolled"], row["events"], row["month"] = result.enrolled, result.events, found.month[look]
        row["z"], row["estimate"] = result.z, result.estimate
        row["decision"] = decision
        row["code"] = np.where(broken, Code.FAILED, _codes(result.code, found.reached[look], result.events, plan.cut, look))
        goes_on = ~last & ~broken
        running = running & (decision == CONTINUE) & goes_on
        ignoring = ignoring & (decision != REJECT) & goes_on if plan.nonbinding_futility else running
    last_row = kept.copy()
    last_row[:, :-1] &= ~kept[:, 1:]
    rows["rejects_ignoring_futility"] = np.where(last_row, rejected_at[:, None], 0)
    return rows[kept]


def _codes(code: NDArray[np.uint8], reached: NDArray[np.uint8], events: NDArray[np.int64], cut: object, look: int) -> NDArray[np.uint8]:
    planned = getattr(cut, "events", None)
    out = np.where((code == Code.OK) & (reached == 0), Code.TARGET_NOT_REACHED, code)
    if planned is not None:
        out = np.where((out == Code.OK) & (events > planned[look]), Code.TIED_AT_CUT, out)
    return out.astype(np.uint8)


def run_block(trial: Trial, seed: int, first: int, count: int) -> Rows:
    """Return the rows of replicates first … first + count - 1, in replicate-look order; any tile size gives the same rows."""
    plan = trial.plan
    tile = max(1, TILE_PATIENTS // plan.n)
    found = Looks.empty(plan.cut.looks, count)
    for start in range(0, count, tile):
        stop = min(start + tile, count)
        observe(trial, Draws(seed, first + start, stop - start, plan.n), found, slice(start, stop))
    return decide(plan, found, first)


def final_rows(rows: Rows) -> Rows:
    """Return the last row of each replicate: the look at which it stopped."""
    if len(rows) == 0:
        return rows
    last = np.append(rows["replicate"][1:] != rows["replicate"][:-1], True)
    return rows[last]


__all__ = ["REJECT", "ROW_DTYPE", "Trial", "enrol", "final_rows", "run_block"]
