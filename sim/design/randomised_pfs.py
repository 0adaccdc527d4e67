"""Randomised trial of progression-free survival, with one analysis or several."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, exp, sqrt

from scipy.stats import norm

from sim.boundary.recursive_integration import efficacy_bounds
from sim.boundary.spending import Spending
from sim.design.allocation import PermutedBlocks
from sim.design.checks import check_alpha, check_months, check_n, whole_numbers
from sim.design.design import CriticalZ, Design, Plan
from sim.followup import CutAtEvents
from sim.population.population import Population
from sim.statistic.logrank import LogRank
from sim.types import Assumption, InputError


@dataclass(frozen=True)
class RandomisedPFS(Design):
    """Randomise n patients in permuted blocks; look when fixed numbers of events have occurred.

    Parameters
    ----------
    n : enrolled patients, both arms
    alpha : one-sided type I error of the whole trial
    events : rising numbers of PFS events at the looks, the deciding one included; or None
    event_fraction : events at the final look as a share of n, ceil(fraction n); used when `events` is None
    information : rising shares of the final events at which to look, ending in 1; used with `event_fraction`
    spending : alpha-spending function of a trial with several looks; None with one look
    ratio : (experimental, control)
    block_size : a multiple of the ratio's sum
    stratified_randomisation : blocks within day-30 strata, in order of arrival
    statistic : the test
    max_duration : months from the first possible enrolment at which the trial is analysed in any case
    """

    n: int
    alpha: float = 0.025
    events: tuple[int, ...] | None = None
    event_fraction: float | None = 0.65
    information: tuple[float, ...] = (1.0,)
    spending: Spending | None = None
    ratio: tuple[int, int] = (1, 1)
    block_size: int = 4
    stratified_randomisation: bool = True
    statistic: LogRank = field(default_factory=lambda: LogRank(stratified=True))
    max_duration: float = 120.0

    def __post_init__(self) -> None:
        check_n(self.n)
        check_alpha(self.alpha)
        check_months("max_duration", self.max_duration)
        set_ = object.__setattr__
        if len(self.ratio) != 2:
            raise InputError(f"design.ratio is {list(self.ratio)}; allowed: two positive whole numbers, experimental then control")
        set_(self, "ratio", whole_numbers("ratio", self.ratio))
        set_(self, "information", tuple(float(x) for x in self.information))
        if self.events is not None:
            set_(self, "events", whole_numbers("events", [self.events] if isinstance(self.events, int) else self.events))
        elif self.event_fraction is None or not 0 < self.event_fraction <= 1:
            raise InputError(f"design.event_fraction is {self.event_fraction}; allowed: above 0 and at most 1, or give design.events")
        if list(self.information) != sorted(set(self.information)) or self.information[-1:] != (1.0,) or self.information[0] <= 0:
            raise InputError(f"design.information is {list(self.information)}; allowed: rising shares above 0 that end in 1")
        looks = self.look_events
        if not looks or looks[0] < 1 or list(looks) != sorted(set(looks)):
            raise InputError(f"design.events is {list(looks)}; allowed: rising whole numbers from 1")
        if looks[-1] > self.n:
            raise InputError(
                f"design.events is {list(looks)}: a look at more events than can occur among {self.n} patients; allowed: at most {self.n}"
            )
        if len(looks) > 1 and self.spending is None:
            raise InputError(
                f"design.spending is not given for {len(looks)} looks; allowed: a spending function, for example lan_demets_obrien_fleming"
            )
        PermutedBlocks(self.ratio, self.block_size)

    @property
    def hypothesis(self) -> str:
        return "PFS"

    @property
    def look_events(self) -> tuple[int, ...]:
        """Numbers of events at the looks."""
        if self.events is not None:
            return self.events
        assert self.event_fraction is not None
        # the tiny subtraction keeps 0.75 * 160 = 120 from being rounded up by the last bit
        final = ceil(self.event_fraction * self.n - 1e-9)
        return tuple(ceil(share * final - 1e-9) for share in self.information)

    @property
    def bounds(self) -> tuple[float, ...]:
        """Critical z at each look."""
        looks = self.look_events
        if self.spending is None:
            return (float(norm.isf(self.alpha)),)
        fractions = tuple(d / looks[-1] for d in looks)
        return tuple(float(z) for z in efficacy_bounds(fractions, self.alpha, self.spending))

    def plan(self, population: Population) -> Plan:
        return Plan(
            n=self.n,
            hypothesis=self.hypothesis,
            wants=frozenset({"pfs"}),
            allocation=PermutedBlocks(self.ratio, self.block_size, self.stratified_randomisation, len(population.strata)),
            cut=CutAtEvents(self.look_events, self.max_duration),
            statistic=self.statistic,
            rule=CriticalZ(self.bounds),
        )

    def describe(self, population: Population) -> list[Assumption]:
        a, b = self.ratio
        where = "within day-30 strata" if self.stratified_randomisation and len(population.strata) > 1 else "over all patients"
        looks = ", ".join(f"{d} events: z >= {z:.4f}" for d, z in zip(self.look_events, self.bounds, strict=True))
        return [
            Assumption("design", f"randomised {a}:{b}, n = {self.n}, progression-free survival (PFS)", "configuration"),
            Assumption("randomisation", f"permuted blocks of {self.block_size}, {where}", "configuration"),
            Assumption("test", f"{self.statistic.label}, one-sided alpha {self.alpha:g}", "Mantel 1966; Peto & Peto 1972"),
            Assumption("analysis", looks, self.spending.label if self.spending else "single look"),
            Assumption(
                "largest observed hazard ratio that rejects", f"about {self._largest_hazard_ratio:.2f} at the final look", "Schoenfeld 1981"
            ),
            Assumption("analysed in any case at", f"{self.max_duration:g} months", "configuration"),
        ]

    @property
    def _largest_hazard_ratio(self) -> float:
        a, b = self.ratio
        return exp(-self.bounds[-1] / sqrt(self.look_events[-1] * a * b / (a + b) ** 2))
