"""What every design can do: state its plan for a population. The trial loop runs the plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.design.allocation import Allocation
from sim.design.checks import check_test
from sim.design.facts import DesignFacts, facts_of_plan
from sim.followup import Cut
from sim.later import later
from sim.setting import Setting
from sim.statistic.statistic import NO_LEVEL, Statistic, TestResult
from sim.types import Array, Assumption

fill_upper_tail = later("sim.kernels.normal", "fill_upper_tail")

CONTINUE, REJECT, STOP_FUTILITY, STOP_HARM = 0, 1, 2, 3


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What a rule may know besides the look's own test.

    events : int64[look + 1, m], cumulative events at the looks so far, this one included; months, information : float64[look + 1, m], likewise
    last : bool[m], no look follows; planned : bool[m], the look is as planned: it is not the last one before its time
    """

    events: NDArray[np.int64]
    months: Array
    information: Array
    last: NDArray[np.bool_]
    planned: NDArray[np.bool_]


class Rule(ABC):
    """When a look rejects the null hypothesis, and when it gives up."""

    def level(self, look: int) -> float:
        """Return the one-sided nominal level that a look which goes as planned is judged at, or `NO_LEVEL`."""
        return NO_LEVEL

    def critical(self, look: int, monitoring: Monitoring) -> tuple[Array, Array]:
        """Return (upper, lower), float64[m], the z at or above which a look rejects and at or below which it gives up; NaN: it does not go by z."""
        none = np.full(len(monitoring.last), np.nan)
        return none, none

    @abstractmethod
    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        """Return uint8[m]: CONTINUE, REJECT, STOP_FUTILITY or STOP_HARM."""


@dataclass(frozen=True)
class CriticalZ(Rule):
    """Reject when z reaches the look's bound."""

    bounds: tuple[float, ...]

    def level(self, look: int) -> float:
        return upper_tail(self.bounds[look])

    def critical(self, look: int, monitoring: Monitoring) -> tuple[Array, Array]:
        m = len(monitoring.last)
        return np.full(m, self.bounds[look]), np.full(m, -np.inf)

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        return (result.z >= self.bounds[look]).astype(np.uint8)


def upper_tail(z: float) -> float:
    """Return P(Z >= z), the same bits on every processor."""
    out = np.empty(1)
    fill_upper_tail(np.array([float(z)]), out)
    return float(out[0])


@dataclass(frozen=True)
class CriticalCount(Rule):
    """Reject when the responders reach the critical number of those tested.

    counts : counts[k] is the critical number among k tested patients; above k it can never be reached
    """

    counts: tuple[int, ...]

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        return (result.events >= np.asarray(self.counts)[result.tested]).astype(np.uint8)


@dataclass(frozen=True)
class CountsByLook(Rule):
    """Stop for futility at or below one number of responders, reject at or above another.

    futility, efficacy : one number per look; -1, or more than can respond, where a look cannot stop that way
    """

    futility: tuple[int, ...]
    efficacy: tuple[int, ...]

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        given_up = (result.events <= self.futility[look]) & (look < len(self.futility) - 1)
        return np.where(given_up, STOP_FUTILITY, np.where(result.events >= self.efficacy[look], REJECT, CONTINUE)).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Safety:
    """Overall survival, tested at every look beside the design's own endpoint. Its stops never add to the rejections.

    statistic : the test; rule : answers CONTINUE or STOP_HARM
    """

    statistic: Statistic
    rule: Rule


@dataclass(frozen=True, eq=False)
class Plan:
    """A design, made ready for one population.

    hypothesis : name of what is tested ("PFS", "OS", "ORR"); wants : what the population must sample
    null_is_population : False when the null is a published curve, so that rejecting it under no effect is not a type I error
    assessment : months from entry at which a response is known
    tested : at each look only the first so many patients are tested; None tests all who are there
    pauses : (k, months) each: nobody enters during these months after the k-th patient; accrual's own clock stands still
    nonbinding_futility : a trial that stops for futility is also followed as if it had not (definition: type_i_error ignores futility)
    safety : a guard on overall survival; a trial that it stops is followed likewise; None for none
    """

    n: int
    hypothesis: str
    wants: frozenset[str]
    allocation: Allocation
    cut: Cut
    statistic: Statistic
    rule: Rule
    null_is_population: bool = True
    not_evaluable_share: float = 0.0
    exclude_not_evaluable: bool = False
    tested: tuple[int, ...] | None = None
    pauses: tuple[tuple[int, float], ...] = ()
    nonbinding_futility: bool = False
    safety: Safety | None = None
    assessment: float = 0.0

    def __post_init__(self) -> None:
        check_test(self.statistic, self.allocation.compared, "response" if self.hypothesis == "ORR" else "survival")

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """What the rows of a look are about, in their order."""
        return (self.hypothesis,) if self.safety is None else (self.hypothesis, "OS")

    @property
    def stops_may_be_ignored(self) -> bool:
        """Whether the plan has stops that do not bind, so that rejections count twice: stops ignored, and obeyed."""
        return self.nonbinding_futility or self.safety is not None


class Design(ABC):
    """When to look and what to do. Concrete designs are frozen dataclasses with these fields.

    n : enrolled patients; None where the design finds their number itself (`Plan.n`)
    alpha : type I error, as the protocol states it; alpha_sides : 1, or 2 where the protocol's alpha is two-sided
    """

    n: int | None
    alpha: float
    alpha_sides: int

    @property
    def level(self) -> float:
        """The one-sided level at which the favourable side is tested: every critical value follows from it."""
        return self.alpha / self.alpha_sides

    @property
    def level_words(self) -> str:
        """The level and its side, for a report."""
        if self.alpha_sides == 1:
            return f"one-sided alpha {self.alpha:g}"
        return f"two-sided alpha {self.alpha:g}, tested one-sided at {self.level:g}"

    @property
    @abstractmethod
    def hypothesis(self) -> str:
        """The endpoint that is tested, for example PFS."""

    @abstractmethod
    def plan(self, setting: Setting) -> Plan:
        """Return the plan for these patients, accrual and dropout; raise InputError when it cannot be carried out."""

    @abstractmethod
    def describe(self, setting: Setting) -> list[Assumption]:
        """Return the lines for the report, all but `smallest_effect`."""

    def smallest_effect(self, setting: Setting) -> Assumption | None:
        """Return the line that says which observed effect just rejects; None where the design does not know."""
        return None

    def at_events(self, events: int, n: int) -> Design | None:
        """Return this design with `events` at its last look and n places, its looks at the same shares; None where events call no look."""
        return None

    def facts(self, setting: Setting, plan: Plan) -> DesignFacts:
        """Return what the design is, as data; `plan` is its own plan for this setting."""
        return facts_of_plan(plan, self.level, self.smallest_effect(setting))
