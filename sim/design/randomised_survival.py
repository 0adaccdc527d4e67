"""Randomised trial of progression-free or overall survival, with one analysis or several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from sim.boundary.futility import Futility
from sim.boundary.harm import Harm
from sim.boundary.shapes import Shape
from sim.boundary.spending import Spending
from sim.design.allocation import PermutedBlocks
from sim.design.checks import check_alpha, check_endpoint, check_max_duration, check_n, check_test, whole_numbers
from sim.design.describe_randomised_survival import describe, describe_smallest_effect
from sim.design.design import Design, Plan, Safety
from sim.design.facts import DesignFacts
from sim.design.group_sequential_rules import HarmBound
from sim.design.spend_by import spend_by
from sim.design.survival_bounds import Errors, SurvivalBounds, survival_bounds
from sim.followup import Cut, CutAtEvents, CutAtMonths
from sim.setting import Setting
from sim.statistic.logrank import LogRank
from sim.statistic.null_trial import NullTrial
from sim.statistic.statistic import Statistic
from sim.types import Assumption, InputError


@dataclass(frozen=True)
class RandomisedSurvival(Design):
    """Randomise n patients in permuted blocks; look when fixed numbers of events have occurred, or before the last look at fixed months.

    Parameters
    ----------
    n : enrolled patients, both arms
    endpoint : "pfs" or "os"
    alpha : one-sided type I error of the whole trial
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    events : rising numbers of the endpoint's events at the looks, the deciding one included; or None
    event_fraction : events at the final look as a share of n, ceil(fraction n); used when `events` is None
    information : rising shares of the final events at which to look, ending in 1; used with `event_fraction`
    months : calendar months, from the first possible enrolment, of the looks before the last; the events that the looks would have
        been called by are then only expected there. None: events call every look
    spending : alpha-spending function of a trial with several looks; None with one look or with a shape
    shape : classical shape of the critical values, in place of a spending function
    futility : when to give up; None never
    binding : False: the critical values ignore futility, and so does `type_i_error`; True: they are lowered, and every trial
        that crosses the futility bound must stop
    bounds_at : "planned": the bounds of the planned looks, but for an analysis that ends the trial before its time, which spends what is
        left; "observed": recomputed from what each look finds. Looks at `months` need "observed"
    spend_by : what the errors are spent by: "events", "own" (the test's own information) or "calendar"
    harm : stops the trial, whatever its endpoint shows, when overall survival is worse in the experimental arm; None never. It is
        tested by the log-rank test, stratified as the randomisation is, and adds nothing to the rejections
    ratio : (experimental, control)
    block_size : a multiple of the ratio's sum
    stratified_randomisation : blocks within day-30 strata, in order of arrival
    statistic : the test
    max_duration : months from the first possible enrolment at which the trial is analysed in any case

    References
    ----------
    Lan & DeMets, Biometrika 1983;70:659. Pampallona, Tsiatis & Kim, Drug Information Journal 2001;35:1113.
    FDA, Approaches to Assessment of Overall Survival in Oncology Clinical Trials, draft guidance, 2025 (harm).
    """

    n: int
    endpoint: str = "pfs"
    alpha: float = 0.025
    events: tuple[int, ...] | None = None
    event_fraction: float | None = 0.65
    information: tuple[float, ...] = (1.0,)
    months: tuple[float, ...] | None = None
    spending: Spending | None = None
    shape: Shape | None = None
    futility: Futility | None = None
    binding: bool = False
    bounds_at: str = "planned"
    spend_by: str = "events"
    harm: Harm | None = None
    ratio: tuple[int, int] = (1, 1)
    block_size: int = 4
    stratified_randomisation: bool = True
    statistic: Statistic = field(default_factory=lambda: LogRank(stratified=True))
    max_duration: float = 120.0
    alpha_sides: int = 1

    def __post_init__(self) -> None:
        check_n(self.n)
        check_alpha(self.alpha, self.alpha_sides)
        check_max_duration(self.max_duration)
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
        check_endpoint(self.endpoint)
        check_test(self.statistic, 2, "survival")
        self._check_boundary(len(looks))
        self._check_months(len(looks))
        if self.harm is not None:
            self._check_harm(self.harm)
        PermutedBlocks(self.ratio, self.block_size)

    @property
    def hypothesis(self) -> str:
        return self.endpoint.upper()

    def _check_boundary(self, looks: int) -> None:
        if looks > 1 and self.spending is None and self.shape is None:
            raise InputError(
                f"design.spending is not given for {looks} looks; allowed: a spending function, for example"
                " sim.boundary.spending.LanDeMetsOBrienFleming, or a design.shape"
            )
        if self.spending is not None and self.shape is not None:
            raise InputError(f"design.spending is {self.spending.label} and design.shape {self.shape.label}; allowed: one of them")
        if looks == 1 and self.futility is not None:
            raise InputError("design.futility is given for one look; allowed: null, or a look before the last (design.information)")
        if self.bounds_at not in ("planned", "observed"):
            raise InputError(f"design.bounds_at is {self.bounds_at!r}; allowed: planned, observed")
        if self.bounds_at == "observed" and self.shape is not None:
            raise InputError("design.bounds_at is 'observed' with design.shape; allowed: planned, or design.spending in place of a shape")
        if self.binding and self.futility is None:
            raise InputError("design.binding is true without design.futility; allowed: false, or a futility rule")
        spend_by(self.spend_by)

    def _check_months(self, looks: int) -> None:
        if self.months is None:
            return
        object.__setattr__(self, "months", tuple(float(x) for x in self.months))
        rising = list(self.months) == sorted(set(self.months)) and all(0 < x < self.max_duration for x in self.months)
        if not rising or len(self.months) != looks - 1:
            raise InputError(
                f"design.months is {list(self.months)} for {looks} looks; allowed: null, or a rising month below design.max_duration"
                f" ({self.max_duration:g}) for each look but the last"
            )
        if self.bounds_at == "planned":
            raise InputError(
                "design.bounds_at is 'planned' with looks at design.months, whose events are not known beforehand; allowed: observed, or"
                " design.months null"
            )

    def _check_harm(self, harm: Harm) -> None:
        if self.endpoint == "os":
            raise InputError(
                "design.harm is given with endpoint os; allowed: with endpoint pfs (a futility rule stops a trial of overall survival)"
            )
        one = np.ones((len(self.look_events), 1), dtype=np.int64)
        harm.bounds(one, self.fractions, self.unit_information)

    @property
    def fractions(self) -> tuple[float, ...]:
        """Planned information fractions of the looks."""
        return tuple(d / self.look_events[-1] for d in self.look_events)

    @property
    def look_events(self) -> tuple[int, ...]:
        """Numbers of events at the looks; with `months` the numbers expected there."""
        if self.events is not None:
            return self.events
        assert self.event_fraction is not None
        # the tiny subtraction keeps 0.75 * 160 = 120 from being rounded up by the last bit
        final = ceil(self.event_fraction * self.n - 1e-9)
        return tuple(ceil(share * final - 1e-9) for share in self.information)

    @property
    def unit_information(self) -> float:
        """Information of log(hazard ratio) that one event carries."""
        a, b = self.ratio
        return a * b / (a + b) ** 2

    def bounds(self, setting: Setting) -> SurvivalBounds:
        """Return both z bounds at each planned look, and the rule that they make."""
        a, b = self.ratio
        efficacy, observed, clock = self.spending or self.shape, self.bounds_at == "observed", spend_by(self.spend_by)
        errors = Errors(self.level, efficacy, self.futility, self.binding, observed, clock, self.unit_information)
        return survival_bounds(errors, self.statistic, NullTrial(setting, self.endpoint, self.n, a / (a + b)), self.look_events)

    @property
    def _cut(self) -> Cut:
        if self.months is None:
            return CutAtEvents(self.look_events, self.max_duration)
        return CutAtMonths(self.months, self.look_events[-1], self.max_duration)

    @property
    def _safety(self) -> Safety | None:
        if self.harm is None:
            return None
        return Safety(LogRank(stratified=self.stratified_randomisation), HarmBound(self.harm, self.fractions, self.unit_information))

    def plan(self, setting: Setting) -> Plan:
        return Plan(
            n=self.n,
            hypothesis=self.hypothesis,
            wants=frozenset({self.endpoint} if self.harm is None else {self.endpoint, "os"}),
            allocation=PermutedBlocks(self.ratio, self.block_size, self.stratified_randomisation, len(setting.population.strata)),
            cut=self._cut,
            statistic=self.statistic,
            rule=self.bounds(setting).rule,
            nonbinding_futility=self.futility is not None and not self.binding,
            safety=self._safety,
        )

    def at_events(self, events: int, n: int) -> RandomisedSurvival:
        return replace(self, n=n, events=None, event_fraction=events / n, information=self.fractions)

    def describe(self, setting: Setting) -> list[Assumption]:
        return describe(self, setting.population, self.bounds(setting).boundary)

    def smallest_effect(self, setting: Setting) -> Assumption:
        return describe_smallest_effect(self, float(self.bounds(setting).boundary.upper[-1]))

    def facts(self, setting: Setting, plan: Plan) -> DesignFacts:
        return replace(super().facts(setting, plan), binding=self.binding if self.futility is not None else None)
