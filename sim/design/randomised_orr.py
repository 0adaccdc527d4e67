"""Randomised trial of a response rate, one analysis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.design.allocation import PermutedBlocks
from sim.design.checks import check_alpha, check_months, check_n, check_not_evaluable, whole_numbers
from sim.design.design import CriticalZ, Design, Plan
from sim.effect import NoEffect
from sim.followup import CutAtFollowUp
from sim.later import later
from sim.setting import Setting
from sim.statistic.response_difference import ResponseDifference
from sim.types import Assumption, InputError

ndtri = later("scipy.special", "ndtri")


@dataclass(frozen=True)
class RandomisedORR(Design):
    """Randomise n patients in permuted blocks, compare the arms' response rates once all are assessed.

    Parameters
    ----------
    n : enrolled patients, both arms
    alpha : one-sided type I error, nominal; "fisher" never exceeds it
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    assessment : months from entry to the response assessment that decides the date of the analysis
    not_evaluable : "nonresponder" counts them in the denominator, "excluded" leaves them out of the test
    not_evaluable_share : share of patients whose response is never assessed (5 of 167 in the benchmark)
    ratio, block_size, stratified_randomisation : as in `RandomisedSurvival`
    statistic : chi-square, Miettinen-Nurminen, Farrington-Manning or Fisher's exact test of the difference

    References
    ----------
    Miettinen & Nurminen, Statistics in Medicine 1985;4:213. Farrington & Manning, Statistics in Medicine 1990;9:1447.
    """

    n: int
    alpha: float = 0.025
    assessment: float = 2.0
    not_evaluable: str = "nonresponder"
    not_evaluable_share: float = 0.0
    ratio: tuple[int, int] = (1, 1)
    block_size: int = 4
    stratified_randomisation: bool = True
    statistic: ResponseDifference = field(default_factory=ResponseDifference)
    alpha_sides: int = 1

    def __post_init__(self) -> None:
        check_n(self.n)
        check_alpha(self.alpha, self.alpha_sides)
        check_months("assessment", self.assessment)
        check_not_evaluable(self.not_evaluable, self.not_evaluable_share)
        if len(self.ratio) != 2:
            raise InputError(f"design.ratio is {list(self.ratio)}; allowed: two positive whole numbers, experimental then control")
        object.__setattr__(self, "ratio", whole_numbers("ratio", self.ratio))
        if not isinstance(self.statistic, ResponseDifference):
            raise InputError(f"design.statistic is a {type(self.statistic).__name__}; allowed: a test of the response difference")
        PermutedBlocks(self.ratio, self.block_size)

    @property
    def hypothesis(self) -> str:
        return "ORR"

    def plan(self, setting: Setting) -> Plan:
        population = setting.population
        return Plan(
            n=self.n,
            hypothesis=self.hypothesis,
            wants=frozenset({"response"}),
            allocation=PermutedBlocks(self.ratio, self.block_size, self.stratified_randomisation, len(population.strata)),
            cut=CutAtFollowUp(self.assessment),
            assessment=self.assessment,
            statistic=self.statistic,
            rule=CriticalZ((float(-ndtri(self.level)),)),
            # a margin is another null hypothesis than that of no effect
            null_is_population=self.statistic.margin == 0,
            not_evaluable_share=self.not_evaluable_share,
            exclude_not_evaluable=self.not_evaluable == "excluded",
        )

    def describe(self, setting: Setting) -> list[Assumption]:
        population = setting.population
        a, b = self.ratio
        where = "within day-30 strata" if self.stratified_randomisation and len(population.strata) > 1 else "over all patients"
        return [
            Assumption("design", f"randomised {a}:{b}, n = {self.n}, response rate (ORR)", "configuration"),
            Assumption("randomisation", f"permuted blocks of {self.block_size}, {where}", "configuration"),
            Assumption("test", f"{self.statistic.label}, {self.level_words}", "see the test"),
            Assumption(
                "not evaluable",
                f"{self.not_evaluable_share:.1%} of patients, {self.not_evaluable}",
                "configuration",
            ),
            Assumption("analysis", f"{self.assessment:g} months after the last patient entered", "configuration"),
        ]

    def smallest_effect(self, setting: Setting) -> Assumption:
        population = setting.population
        control = population.response_rate(NoEffect()) * (1 - self.not_evaluable_share if self.not_evaluable == "nonresponder" else 1)
        return Assumption("smallest observed difference that rejects", self._smallest_difference(control), f"control rate {control:.3f}")

    def _smallest_difference(self, control: float) -> str:
        """Count up the experimental responders beside the expected control responders until the test rejects."""
        a, b = self.ratio
        n1 = max(1, min(self.n - 1, round(self.n * a / (a + b))))
        n0 = self.n - n1
        if n0 < 1:
            return "none: one arm is empty"
        x1 = np.arange(n1 + 1)
        x0 = np.full(n1 + 1, round(n0 * control))
        z, difference, _ = self.statistic.compare(x1, np.full(n1 + 1, n1), x0, np.full(n1 + 1, n0))
        rejects = (z >= -ndtri(self.level)) & (difference > self.statistic.margin)
        if not rejects.any():
            return "none"
        k = int(np.argmax(rejects))
        return f"{difference[k]:.1%} ({k} of {n1} against {x0[0]} of {n0})"
