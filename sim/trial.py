"""One trial design on one population, and the loop that runs it: look by look, vectorised over tiles and blocks of replicates."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sim.accrual import Accrual
from sim.design.design import CONTINUE, REJECT, STOP_FUTILITY, STOP_HARM, Design, Monitoring, Plan
from sim.design.facts import DesignFacts
from sim.effect import NO_EFFECT, Effect, Mechanism
from sim.followup import Cut, Dropout
from sim.later import later
from sim.population.population import Population
from sim.rng import Draws
from sim.setting import Setting
from sim.statistic.statistic import NO_LEVEL, Code, TestResult
from sim.types import Array, Assumption, InputError, Observations

bernoulli = later("sim.kernels.piecewise", "bernoulli")
lent = later("sim.kernels.scratch", "lent")

# A tile is long enough that its calls cost little and two threads seldom wait for each other, and short enough that its arrays, which
# stay with the thread, lie in the cache; docs/performance.md says what other lengths gain and lose.
TILE_PATIENTS = 1024 * 160

ROW_DTYPE = np.dtype(
    [
        ("replicate", np.int64),
        ("look", np.int16),
        ("hypothesis", np.int8),  # index into the plan's hypotheses: 0 what the design tests, 1 overall survival, where it is guarded
        ("enrolled", np.int32),  # cumulative, at the look
        ("events", np.int32),  # cumulative, at the look; responders for a response endpoint
        ("month", np.float64),  # calendar months from the first possible enrolment
        ("z", np.float64),  # positive favours the experimental arm
        ("estimate", np.float64),
        ("decision", np.int8),  # 0 continue or accept at the last look, 1 reject, 2 stop for futility, 3 stop for harm
        ("code", np.int8),
        ("rejects_ignoring_stops", np.int16),  # on the last row: the look that rejects were stops that do not bind ignored; 0 none
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
        _check_effect(self.effect, self.population, self.plan.hypothesis)
        if not self.effect.is_null:
            self.population.check_acts_on(self.plan.wants)
        change = self.mechanism
        change.response_rate(self.population.response_rate()) if "response" in self.plan.wants else None
        # one patient: a population need not know how long patients live after progression, nor have a place for every effect
        nobody = np.zeros((1, 1), dtype=np.uint8)
        self.population.sample(Draws(0, 0, 1, 1), nobody, nobody, self.effect, self.plan.wants)

    @cached_property
    def plan(self) -> Plan:
        """The design's plan for this setting."""
        return self.design.plan(self.setting)

    @property
    def setting(self) -> Setting:
        """What surrounds the design."""
        return Setting(self.population, self.accrual, self.dropout)

    @property
    def mechanism(self) -> Mechanism:
        """What the effect changes in the population; solved once for each population, which keeps it."""
        return self.population.mechanism(self.effect)

    @property
    def under_null(self) -> Trial:
        """The same trial of a treatment that changes nothing."""
        return replace(self, effect=NO_EFFECT)

    def with_n(self, n: int) -> Trial:
        """The same trial with n patients."""
        return replace(self, design=replace(cast(Any, self.design), n=n))

    @cached_property
    def facts(self) -> DesignFacts:
        """What the design is on this population, as data."""
        return self.design.facts(self.setting, self.plan)

    def describe_design(self) -> list[Assumption]:
        """Return what is done with these patients, line by line, and which observed effect just rejects."""
        smallest = self.facts.smallest_rejecting
        return [*self.design.describe(self.setting), *([] if smallest is None else [smallest])]

    def at_events(self, events: int, n: int) -> Trial | None:
        """The same trial with `events` at its last look and n places; None where events call no look."""
        design = self.design.at_events(events, n)
        return None if design is None else replace(self, design=design)

    def describe_assumptions(self) -> list[Assumption]:
        """Return what the trial assumes, line by line."""
        return [*self.population.describe(), *self.effect.describe(), *self.accrual.describe(), *self.dropout.describe()]

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in self.__dict__.items() if k not in ("plan", "facts")}


ENDPOINTS = {"PFS": "pfs", "OS": "os", "ORR": "response"}
_ACTS_ON = {
    "hazard": "the hazard of progression or death (effect=patient_hazard_ratio)",
    "response": "the response rate (effect=response_rate)",
    "durable": "how many responses last (effect=durable_share)",
    "death": "death after a progression (effect=death_after_progression)",
    "curve": "the experimental arm's own curve (effect=own_curve)",
}


def _check_effect(effect: Effect, population: Population, hypothesis: str) -> None:
    """Refuse an effect that at no value of its keys can move what is tested: its power would be the type I error."""
    changes, moved = effect.changes(population), population.moved_by(ENDPOINTS[hypothesis])
    if changes and not changes & moved:
        acts, wanted = (" or ".join(_ACTS_ON[name] for name in sorted(names)) for names in (changes, moved))
        raise InputError(
            f"effect acts on {acts} and cannot move what the design tests, {hypothesis}; allowed: an effect on {wanted}, or none"
        )


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
    survival = {"PFS": courses.pfs, "OS": courses.os}.get(plan.hypothesis)
    if survival is not None:
        time, event = trial.dropout.watch(draws, survival)
    response = courses.response
    if response is not None and plan.not_evaluable_share > 0:
        assessed = np.empty(stratum.shape, dtype=np.uint8)
        bernoulli(draws.word("evaluable"), np.zeros_like(stratum), np.array([1 - plan.not_evaluable_share]), assessed)
        response = response & assessed
        evaluable = assessed if plan.exclude_not_evaluable else None
    strata = len(trial.population.strata)
    safety = None
    if plan.safety is not None:
        assert courses.os is not None
        # the dropout's word is the same: a patient is lost to both endpoints at once
        safety = Observations(entry, arm, stratum, *trial.dropout.watch(draws, courses.os), strata=strata)
    return Observations(entry, arm, stratum, time, event, response, evaluable, strata, safety, plan.assessment)


@dataclass(frozen=True, eq=False)
class Looks:
    """What each look of m trials found, before anybody decides; every array is [looks, m].

    month : calendar months; reached : 1 where the look's planned number was reached; the others as in `TestResult`
    safety : overall survival at the same looks, where it is guarded
    """

    month: Array
    reached: NDArray[np.uint8]
    z: Array
    estimate: Array
    enrolled: NDArray[np.int64]
    events: NDArray[np.int64]
    tested: NDArray[np.int64]
    code: NDArray[np.uint8]
    information: Array
    safety: Looks | None = None

    @classmethod
    def empty(cls, looks: int, m: int, safety: bool = False) -> Looks:
        """Make room for the looks of m trials."""
        real, whole, small = np.empty((looks, m)), np.empty((looks, m), dtype=np.int64), np.empty((looks, m), dtype=np.uint8)
        z, estimate, information = (np.empty_like(real) for _ in range(3))
        enrolled, events, tested = (np.empty_like(whole) for _ in range(3))
        guarded = cls.empty(looks, m) if safety else None
        return cls(real, small, z, estimate, enrolled, events, tested, np.empty_like(small), information, guarded)

    def keep(self, look: int, at: slice, result: TestResult) -> None:
        """Write the test of one look of the trials `at`."""
        for name in ("z", "estimate", "enrolled", "events", "tested", "code", "information"):
            getattr(self, name)[look, at] = getattr(result, name)

    def result(self, look: int) -> TestResult:
        """Return the test of one look."""
        counts = self.enrolled[look], self.events[look], self.tested[look], self.code[look]
        return TestResult(self.z[look], self.estimate[look], *counts, self.information[look])

    def monitoring(self, look: int, when: Looks) -> Monitoring:
        """Return what a rule may know at a look. `when` : whose months and planned numbers they are, the endpoint's own."""
        upto = slice(None, look + 1)
        last, planned = is_last(when.month, look), as_planned(when.month, when.reached, look)
        return Monitoring(self.events[upto], when.month[upto], self.information[upto], last, planned)


def is_last(month: Array, look: int) -> NDArray[np.bool_]:
    """Return bool[m], whether no look follows: a later one at the very same month would be this same analysis. month : float64[looks, m]"""
    looks, m = month.shape
    return month[look] == month[look + 1] if look < looks - 1 else np.ones(m, dtype=bool)


def as_planned(month: Array, reached: NDArray[np.uint8], look: int) -> NDArray[np.bool_]:
    """Return bool[m], False where a look is the last though the plan had more looks, or a number that was not reached."""
    return ~is_last(month, look) if look < len(month) - 1 else reached[look] == 1


def observe(trial: Trial, draws: Draws, found: Looks, at: slice) -> None:
    """Run the addressed trials through all planned looks, as if none ever stopped, and write what is found into `found[:, at]`."""
    plan = trial.plan
    observations = enrol(trial, draws)
    found.month[:, at], found.reached[:, at] = plan.cut.calendar(observations)
    for look in range(plan.cut.looks):
        cut = np.ascontiguousarray(found.month[look, at])
        level = np.where(as_planned(found.month[:, at], found.reached[:, at], look), plan.rule.level(look), NO_LEVEL)
        found.keep(look, at, _test(plan, observations, look, cut, level))
        if plan.safety is not None and observations.safety is not None and found.safety is not None:
            found.safety.keep(look, at, plan.safety.statistic.test(observations.safety, cut, plan.safety.rule.level(look)))


def _test(plan: Plan, observations: Observations, look: int, cut: Array, level: Array) -> TestResult:
    """Test who is to be tested at this look."""
    if plan.tested is None:
        return plan.statistic.test(observations, cut, level)
    k = plan.tested[look]
    o = observations
    first = {f.name: getattr(o, f.name) for f in fields(o)}
    first = {name: np.ascontiguousarray(v[:, :k]) if isinstance(v, np.ndarray) else v for name, v in first.items()}
    enrolled = (o.entry <= cut[:, None]).sum(axis=1, dtype=np.int64)
    return replace(plan.statistic.test(Observations(**first), cut, level), enrolled=enrolled)


def decide(plan: Plan, found: Looks, first: int) -> Rows:
    """Apply the design's rule look by look; return the rows in replicate-look-hypothesis order. A trial that stopped has no later rows.

    Notes
    -----
    Where overall survival is guarded, a look that shows harm stops the trial and rejects nothing, whatever the endpoint itself shows.
    """
    looks, m = found.z.shape
    rows = np.zeros((m, looks, len(plan.hypotheses)), dtype=ROW_DTYPE)
    kept = np.zeros((m, looks), dtype=bool)
    running = np.ones(m, dtype=bool)
    ignoring = running  # the same trials, were stops that do not bind ignored
    rejected_at = np.zeros(m, dtype=np.int16)
    for look in range(looks):
        result = found.result(look)
        last = is_last(found.month, look)
        own = _where_testable(result, plan.rule.decide(look, result, found.monitoring(look, found)))
        decision = own
        if plan.safety is not None and found.safety is not None:
            deaths = found.safety.result(look)
            harm = _where_testable(deaths, plan.safety.rule.decide(look, deaths, found.safety.monitoring(look, found)))
            decision = np.where(harm == STOP_HARM, STOP_HARM, own)
            _fill(rows[:, look, 1], found.month[look], deaths, harm, deaths.code)
        code = _codes(result.code, found.reached[look], result.events, plan.cut, look)
        _fill(rows[:, look, 0], found.month[look], result, decision, code)
        rejected_at[ignoring & (own == REJECT)] = look + 1
        kept[:, look] = running
        goes_on = ~last & np.isfinite(result.z)
        running = running & (decision == CONTINUE) & goes_on
        if plan.stops_may_be_ignored:
            gives_up = np.zeros(m, dtype=bool) if plan.nonbinding_futility else own == STOP_FUTILITY
            ignoring = ignoring & (own != REJECT) & ~gives_up & goes_on
        else:
            ignoring = running
    rows["replicate"] = np.arange(first, first + m)[:, None, None]
    rows["look"] = np.arange(1, looks + 1)[:, None]
    rows["hypothesis"] = np.arange(len(plan.hypotheses))
    last_row = kept.copy()
    last_row[:, :-1] &= ~kept[:, 1:]
    rows["rejects_ignoring_stops"][:, :, 0] = np.where(last_row, rejected_at[:, None], 0)
    return rows[kept].reshape(-1)


def _where_testable(result: TestResult, decision: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Decide nothing where the test could not be formed or broke."""
    untestable = (result.code == Code.NO_EVENTS) | (result.code == Code.EMPTY_ARM) | ~np.isfinite(result.z)
    return np.where(untestable, CONTINUE, decision)


def _fill(row: Rows, month: Array, result: TestResult, decision: NDArray[np.uint8], code: NDArray[np.uint8]) -> None:
    row["enrolled"], row["events"], row["month"] = result.enrolled, result.events, month
    row["z"], row["estimate"], row["decision"] = result.z, result.estimate, decision
    row["code"] = np.where(np.isfinite(result.z), code, Code.FAILED)


def _codes(code: NDArray[np.uint8], reached: NDArray[np.uint8], events: NDArray[np.int64], cut: Cut, look: int) -> NDArray[np.uint8]:
    planned = cut.planned_events(look)
    out = np.where((code == Code.OK) & (reached == 0), Code.TARGET_NOT_REACHED, code)
    if planned is not None:
        out = np.where((out == Code.OK) & (events > planned), Code.TIED_AT_CUT, out)
    return out.astype(np.uint8)


def run_block(trial: Trial, seed: int, first: int, count: int) -> Rows:
    """Return the rows of replicates first … first + count - 1, in replicate-look order; any tile size gives the same rows."""
    plan = trial.plan
    tile = max(1, TILE_PATIENTS // plan.n)
    found = Looks.empty(plan.cut.looks, count, plan.safety is not None)
    for start in range(0, count, tile):
        stop = min(start + tile, count)
        with lent():
            observe(trial, Draws(seed, first + start, stop - start, plan.n), found, slice(start, stop))
    return decide(plan, found, first)


def critical_values(trial: Trial, seed: int, replicate: int) -> tuple[Array, Array]:
    """Return the z bounds above and below that a replicate met at each of the plan's looks, float64[looks]; NaN where it does not go by z."""
    plan = trial.plan
    found = Looks.empty(plan.cut.looks, 1, plan.safety is not None)
    observe(trial, Draws(seed, replicate, 1, plan.n), found, slice(0, 1))
    both = np.array([plan.rule.critical(look, found.monitoring(look, found)) for look in range(plan.cut.looks)])[:, :, 0]
    return both[:, 0], both[:, 1]


def rows_of(rows: Rows, hypothesis: int) -> Rows:
    """Return the rows of one of the plan's hypotheses."""
    return where(rows, rows["hypothesis"] == hypothesis)


def final_rows(rows: Rows) -> Rows:
    """Return the last row of each replicate about what the design tests: the look at which it stopped."""
    if len(rows) == 0:
        return rows
    own = rows_of(rows, 0)
    last = np.append(own["replicate"][1:] != own["replicate"][:-1], True)
    return where(own, last)


def where(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    """Return the chosen rows; the very same array when that is all of them: a copy of whole rows is slow."""
    return rows if chosen.all() else rows[chosen]


__all__ = ["REJECT", "ROW_DTYPE", "Trial", "critical_values", "enrol", "final_rows", "rows_of", "run_block", "where"]
