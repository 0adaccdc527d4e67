"""Single-arm survival trial in two stages by the one-sample log-rank test, which may give up at an interim look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

from sim.boundary.futility import FixedZ
from sim.boundary.group_sequential import Boundary, planned_boundary
from sim.boundary.recursive_integration import crossing_probabilities
from sim.boundary.spending import UserSpending
from sim.curve import Curve, in_months
from sim.design.allocation import SingleArm
from sim.design.checks import ENDPOINTS, check_alpha, check_endpoint, check_max_duration, check_n, check_null_survival
from sim.design.design import Design, Plan
from sim.design.facts import DesignFacts
from sim.design.single_arm_survival import null_survival_curve
from sim.design.survival_bounds import planned_rule
from sim.followup import CutAtEvents
from sim.population.population import Population
from sim.setting import Setting
from sim.statistic.one_sample_logrank import VARIANCES, OneSampleLogRank
from sim.types import Assumption, InputError


@dataclass(frozen=True)
class TwoStageOneSampleLogRank(Design):
    """Look at a share of the events, give up where z is too low, else test when all the events have come.

    Parameters
    ----------
    n : enrolled patients; accrual goes on during the interim look
    endpoint : "pfs" or "os"
    alpha : one-sided type I error of the whole trial
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    event_fraction : events at the last look as a share of n
    interim : events at the first look as a share of those at the last
    futility_z : give up at the first look at or below this z; 0: no better than the null curve
    binding : True (Kwak & Jung): the critical value is lowered since every trial at or below it stops; False: it is not
    variance : "mean", "null" or "observed" (see `OneSampleLogRank`)
    null : "population", "published_progression" or a median in months, as in `SingleArmSurvival`
    max_duration : months from the first possible enrolment at which the trial is analysed in any case

    Notes
    -----
    The two z have correlation sqrt(interim): the critical value c solves P(Z1 > futility_z, Z2 >= c) = alpha for the bivariate
    normal. Kwak and Jung look at a calendar time; here the looks come with the events, which fixes the correlation whatever
    the accrual is.

    References
    ----------
    Kwak & Jung, Statistics in Medicine 2014;33:2004. Wu, Pharmaceutical Statistics 2014;13:339.
    """

    n: int
    endpoint: str = "pfs"
    alpha: float = 0.025
    event_fraction: float = 0.75
    interim: float = 0.5
    futility_z: float = 0.0
    binding: bool = True
    variance: str = "mean"
    null: float | str = "population"
    max_duration: float = 120.0
    alpha_sides: int = 1

    def __post_init__(self) -> None:
        check_n(self.n)
        check_endpoint(self.endpoint)
        check_alpha(self.alpha, self.alpha_sides)
        check_max_duration(self.max_duration)
        check_null_survival(self.null)
        FixedZ((self.futility_z,))
        if self.variance not in VARIANCES:
            raise InputError(f"design.variance is {self.variance!r}; allowed: {', '.join(VARIANCES)}")
        if not 0 < self.event_fraction <= 1:
            raise InputError(f"design.event_fraction is {self.event_fraction}; allowed: above 0 and at most 1")
        if not 0 < self.interim < 1:
            raise InputError(f"design.interim is {self.interim}; allowed: a share of the last look's events between 0 and 1, both excluded")
        first, last = self.look_events
        if first >= last:
            raise InputError(
                f"design.interim is {self.interim}: both looks would come at {last} events; allowed: a smaller share, or more patients"
            )

    @property
    def hypothesis(self) -> str:
        return self.endpoint.upper()

    @property
    def look_events(self) -> tuple[int, int]:
        """Numbers of events at the two looks."""
        last = ceil(self.event_fraction * self.n - 1e-9)
        return ceil(self.interim * last - 1e-9), last

    @cached_property
    def boundary(self) -> Boundary:
        """The z bounds of both looks."""
        first, last = self.look_events
        t = (first / last, 1.0)
        all_at_the_end = UserSpending(t, (0.0, 1.0))
        return planned_boundary(t, self.level, all_at_the_end, FixedZ((self.futility_z,)), binding=self.binding)

    def null_curve(self, population: Population) -> Curve:
        """Return the curve of the null hypothesis."""
        return null_survival_curve(self.null, self.endpoint, population)

    def plan(self, setting: Setting) -> Plan:
        population = setting.population
        b = self.boundary
        return Plan(
            n=self.n,
            hypothesis=self.hypothesis,
            wants=frozenset({self.endpoint}),
            allocation=SingleArm(),
            cut=CutAtEvents(self.look_events, self.max_duration),
            statistic=OneSampleLogRank(self.null_curve(population), self.variance),
            rule=planned_rule(b, self.level, self.binding, float(self.look_events[-1])),
            null_is_population=self.null == "population",
            nonbinding_futility=not self.binding,
        )

    def at_events(self, events: int, n: int) -> TwoStageOneSampleLogRank:
        first, last = self.look_events
        return replace(self, n=n, event_fraction=events / n, interim=first / last)

    def smallest_effect(self, setting: Setting) -> Assumption:
        last, z = self.look_events[-1], float(self.boundary.upper[-1])
        value = f"about {ratio_at(z, last):.2f} at {last} events"
        return Assumption("largest observed / expected events that rejects", value, "z = critical value")

    def describe(self, setting: Setting) -> list[Assumption]:
        population = setting.population
        first, last = self.look_events
        z = float(self.boundary.upper[-1])
        kind = self.kind_in_words
        stops = crossing_probabilities((first / last, 1.0), self.boundary.upper, self.boundary.lower).lower[0]
        return [
            Assumption("design", f"{kind}, n = {self.n}, {ENDPOINTS[self.endpoint]}", "configuration"),
            Assumption(
                "interim look",
                f"{first} events: give up with z <= {self.futility_z:g} ({stops:.1%} of trials under the null)",
                "normal theory",
            ),
            Assumption(
                "test",
                f"one-sample log-rank, variance {self.variance}, {self.level_words}, at {last} events: reject with z >= {z:.4f}",
                "Kwak & Jung 2014",
            ),
            Assumption("futility is", "binding" if self.binding else "non-binding: type_i_error ignores it", "configuration"),
            Assumption("null curve", f"median {in_months(self.null_curve(population).median())}", str(self.null).replace("_", " ")),
            Assumption("analysed in any case at", f"{self.max_duration:g} months", "configuration"),
            Assumption(
                "reading",
                "a decision tool: without a control it is not interpretable as evidence of efficacy",
                "regulatory guidance on single-arm trials",
            ),
        ]

    @property
    def kind_in_words(self) -> str:
        """The design in a few words."""
        return "single arm in two stages"

    def facts(self, setting: Setting, plan: Plan) -> DesignFacts:
        return replace(super().facts(setting, plan), kind=self.kind_in_words, binding=self.binding)


def ratio_at(z: float, observed: int) -> float:
    """Return the largest O / E at which (E - O) / sqrt((O + E) / 2) still reaches z, for O observed events.

    Examples
    --------
    >>> r = ratio_at(1.96, 45); round((45 / r - 45) / ((45 / r + 45) / 2) ** 0.5, 9)
    1.96
    """
    # with y = E / O: (y - 1) sqrt(O) = z sqrt((1 + y) / 2), a quadratic in y
    k = z * z / (2 * observed)
    return 1 / (1 + k / 2 + ((1 + k / 2) ** 2 - (1 - k)) ** 0.5)
