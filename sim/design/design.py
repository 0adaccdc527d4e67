"""What every design can do: state its plan for a population. The trial loop runs the plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.accrual import Accrual
from sim.design.allocation import Allocation
from sim.followup import Cut, Dropout
from sim.population.population import Population
from sim.statistic.statistic import Statistic, TestResult
from sim.types import Assumption

CONTINUE, REJECT, STOP_FUTILITY, STOP_HARM = 0, 1, 2, 3


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What a rule may know besides the look's own test.

    events : int64[look, m], cumulative events at the earlier looks; last : bool[m], no look follows
    """

    events: NDArray[np.int64]
    last: NDArray[np.bool_]


class Rule(ABC):
    """When a look rejects the null hypothesis, and when it gives up."""

    @abstractmethod
    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        """Return uint8[m]: CONTINUE, REJECT, STOP_FUTILITY or STOP_HARM."""


@dataclass(frozen=True)
class CriticalZ(Rule):
    """Reject when z reaches the look's bound."""

    bounds: tuple[float, ...]

    def decide(self, look: int, result: TestResult, monitoring: Monitoring | None = None) -> NDArray[np.uint8]:
        return (result.z >= self.bounds[look]).astype(np.uint8)


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

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """What the rows of a look are about, in their order."""
        return (self.hypothesis,) if self.safety is None else (self.hypothesis, "OS")

    @property
    def stops_may_be_ignored(self) -> bool:
        """Whether the plan has stops that do not bind, so that rejections count twice: stops ignored, and obeyed."""
        return self.nonbinding_futility or self.safety is not None


class Design(ABC):
    """When to look and what to do. Concrete designs are frozen dataclasses with a field `n` and a field `alpha`.

    n : enrolled patients; None where the design finds their number itself (`Plan.n`)
    """

    n: int | None
    alpha: float

    @property
    @abstractmethod
    def hypothesis(self) -> str:
        """The endpoint that is tested, for example PFS."""

    @abstractmethod
    def plan(self, population: Population) -> Plan:
        """Return the plan for this population; raise InputError when it cannot be carried out."""

    @abstractmethod
    def describe(self, population: Population) -> list[Assumption]:
        """Return the lines for the report, all but `smallest_effect`."""

    def smallest_effect(self, population: Population, accrual: Accrual, dropout: Dropout) -> Assumption | None:
        """Return the line that says which observed effect just rejects, in a trial that enrols and loses patients so; None where unknown."""
        return None

    def at_events(self, events: int, n: int) -> Design | None:
        """Return this design with `events` at its last look and n places, its looks at the same shares; None where events call no look."""
        return None
