"""Single-arm trial of a response rate by the exact binomial test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.boundary.exact_binomial import rejection_counts
from sim.design.allocation import SingleArm
from sim.design.checks import check_alpha, check_months, check_n, check_not_evaluable, check_null_rate
from sim.design.design import CriticalCount, Design, Plan
from sim.design.response_rates import null_rate
from sim.effect import Effect
from sim.followup import CutAtFollowUp
from sim.population.population import Population
from sim.setting import Setting
from sim.statistic.binomial import BinomialCount
from sim.statistic.rate_interval import rate_interval
from sim.types import Assumption


@dataclass(frozen=True)
class SingleArmORR(Design):
    """Enrol n patients, count responders, reject when there are too many for the null rate.

    Parameters
    ----------
    n : enrolled patients
    alpha : one-sided type I error, never exceeded
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    null_rate : response rate under the null hypothesis, or "population" for the calibrated population's own
    assessment : months from entry to the response assessment that decides the date of the analysis
    not_evaluable : "nonresponder" counts them in the denominator, "excluded" leaves them out of the test
    not_evaluable_share : share of patients whose response is never assessed (5 of 167 in the benchmark)

    References
    ----------
    A'Hern, Statistics in Medicine 2001;20:859.
    """

    n: int
    alpha: float = 0.025
    null_rate: float | str = "population"
    assessment: float = 2.0
    not_evaluable: str = "nonresponder"
    not_evaluable_share: float = 0.0
    alpha_sides: int = 1

    def __post_init__(self) -> None:
        check_n(self.n)
        check_alpha(self.alpha, self.alpha_sides)
        check_months("assessment", self.assessment)
        check_not_evaluable(self.not_evaluable, self.not_evaluable_share)
        check_null_rate(self.null_rate)

    @property
    def hypothesis(self) -> str:
        return "ORR"

    @property
    def _counted_share(self) -> float:
        return 1 - self.not_evaluable_share if self.not_evaluable == "nonresponder" else 1.0

    def null(self, population: Population) -> float:
        """Return the response rate of the null hypothesis, among those whom the test counts."""
        return null_rate(self.null_rate, population, self._counted_share)

    def alternative(self, population: Population, effect: Effect) -> float:
        """Return the response rate under `effect`, among those whom the test counts."""
        return population.response_rate(effect) * self._counted_share

    def critical_count(self, population: Population) -> int:
        """Return the smallest number of responders among n that rejects."""
        return int(rejection_counts(np.array([self.n]), self.null(population), self.level)[0])

    def plan(self, setting: Setting) -> Plan:
        population = setting.population
        p0 = self.null(population)
        counts = rejection_counts(np.arange(1, self.n + 1), p0, self.level)
        return Plan(
            n=self.n,
            hypothesis=self.hypothesis,
            wants=frozenset({"response"}),
            allocation=SingleArm(),
            cut=CutAtFollowUp(self.assessment),
            assessment=self.assessment,
            statistic=BinomialCount(p0),
            rule=CriticalCount((1, *(int(r) for r in counts))),
            null_is_population=isinstance(self.null_rate, str),
            not_evaluable_share=self.not_evaluable_share,
            exclude_not_evaluable=self.not_evaluable == "excluded",
        )

    def describe(self, setting: Setting) -> list[Assumption]:
        population = setting.population
        p0, r = self.null(population), self.critical_count(population)
        origin = "the population's own rate" if isinstance(self.null_rate, str) else "configuration"
        return [
            Assumption("design", f"single arm, n = {self.n}, response rate (ORR)", "configuration"),
            Assumption("test", f"exact binomial, {self.level_words}: reject with {r} or more responders of {self.n}", "A'Hern 2001"),
            Assumption("null response rate", f"{p0:.3f}", origin),
            Assumption(
                "not evaluable",
                f"{self.not_evaluable_share:.1%} of patients, {self.not_evaluable}",
                "configuration",
            ),
            Assumption("analysis", f"{self.assessment:g} months after the last patient entered", "configuration"),
        ]

    def smallest_effect(self, setting: Setting) -> Assumption:
        r = self.critical_count(setting.population)
        what = "smallest observed rate that rejects"
        if r > self.n:
            return Assumption(what, "none: no number of responders rejects", "exact binomial")
        # a one-sided test of level alpha goes with the two-sided interval of level 1 - 2 alpha
        low, high = rate_interval(r, self.n, "clopper_pearson", 1 - 2 * self.level)
        exact = f"{r / self.n:.1%}, {1 - 2 * self.level:.0%} interval {low:.1%} to {high:.1%}"
        return Assumption(what, exact, "exact binomial; Clopper & Pearson 1934")
