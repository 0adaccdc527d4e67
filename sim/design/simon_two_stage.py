"""Single-arm trial of a response rate in two stages: Simon's designs, which stop early for futility only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.boundary.simon import TwoStage, admissible, best_with_n, simon, two_stage
from sim.design.allocation import SingleArm
from sim.design.checks import check_alpha, check_months, check_n, check_not_evaluable_share, check_null_rate, check_power, check_probability
from sim.design.design import CountsByLook, Design, Plan
from sim.design.facts import DesignFacts
from sim.design.response_rates import alternative_rate, null_rate
from sim.followup import CutAtPatients
from sim.population.population import Population
from sim.setting import Setting
from sim.statistic import after_two_stages
from sim.statistic.binomial import BinomialCount
from sim.types import Assumption, InputError

KINDS = ("optimal", "minimax", "admissible", "given")


@dataclass(frozen=True)
class SimonTwoStage(Design):
    """Enrol n1 patients, stop where at most r1 respond, else enrol n and reject where more than r of n respond.

    Parameters
    ----------
    n : patients in both stages; None: as many as `kind` needs. With a number, `kind` optimal, minimax and admissible all
        take the design of that n with the fewest expected patients under the null
    alpha, power : largest one-sided type I error and smallest power, both exact; with kind "given" only stated
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    kind : "optimal" (fewest expected patients under the null), "minimax" (fewest patients), "admissible" (smallest
        weight n + (1 - weight) expected patients), or "given": r1, n1, r and n are read
    null_rate : response rate under the null hypothesis, or "population" for the calibrated population's own
    alternative_rate : response rate at which the power holds; None: the null rate plus `difference`
    difference : absolute gain in response rate, used where `alternative_rate` is None
    weight : of the maximum n, within [0, 1], for the admissible design
    r1, n1, r : the given design's critical numbers and first stage
    pause : True: nobody enters between the n1-th patient and the day that the first stage's responses are known;
        False: accrual goes on, so that a trial that stops has more than n1 patients
    assessment : months from entry to the response assessment
    not_evaluable_share : share of patients whose response is never assessed; they count as non-responders

    References
    ----------
    Simon, Controlled Clinical Trials 1989;10:1. Jung, Lee, Kim & George, Statistics in Medicine 2004;23:561.
    """

    n: int | None = None
    alpha: float = 0.05
    power: float = 0.8
    kind: str = "optimal"
    null_rate: float | str = "population"
    alternative_rate: float | None = None
    difference: float = 0.2
    weight: float = 0.5
    r1: int | None = None
    n1: int | None = None
    r: int | None = None
    pause: bool = True
    assessment: float = 2.0
    not_evaluable_share: float = 0.0
    alpha_sides: int = 1

    def __post_init__(self) -> None:
        if self.n is not None:
            check_n(self.n)
        check_alpha(self.alpha, self.alpha_sides)
        check_power(self.power, self.level)
        check_months("assessment", self.assessment)
        check_probability("weight", self.weight)
        check_not_evaluable_share(self.not_evaluable_share)
        if self.kind not in KINDS:
            raise InputError(f"design.kind is {self.kind!r}; allowed: {', '.join(KINDS)}")
        given = (self.r1, self.n1, self.r)
        if self.kind == "given" and (None in given or self.n is None):
            raise InputError(f"design.r1, n1, r, n are {[*given, self.n]} with design.kind given; allowed: four whole numbers")
        if self.kind != "given" and given != (None, None, None):
            raise InputError(f"design.r1, n1, r are {list(given)} with design.kind {self.kind}; allowed: null, or design.kind=given")
        check_null_rate(self.null_rate)

    @property
    def hypothesis(self) -> str:
        return "ORR"

    def null(self, population: Population) -> float:
        """Return the response rate of the null hypothesis, not evaluable patients counted as non-responders."""
        return null_rate(self.null_rate, population, 1 - self.not_evaluable_share)

    def stages(self, population: Population) -> TwoStage:
        """Return the two stages with their exact operating characteristics.

        Raises
        ------
        InputError : rates out of order, a given design that is none, or no design with the given n that meets both errors
        """
        p0 = self.null(population)
        p1 = alternative_rate(self.alternative_rate, p0, self.difference * (1 - self.not_evaluable_share))
        if self.r1 is not None and self.n1 is not None and self.r is not None and self.n is not None:
            return two_stage(self.r1, self.n1, self.r, self.n, p0, p1)
        if self.n is not None:
            return best_with_n(self.n, p0, p1, self.level, self.power)
        if self.kind == "admissible":
            found = admissible(p0, p1, self.level, self.power)
            return next(a.design for a in found if a.q_low <= self.weight <= a.q_high)
        return simon(p0, p1, self.level, self.power, self.kind)

    def plan(self, setting: Setting) -> Plan:
        population = setting.population
        s = self.stages(population)
        return Plan(
            n=s.n,
            hypothesis=self.hypothesis,
            wants=frozenset({"response"}),
            allocation=SingleArm(),
            cut=CutAtPatients((s.n1, s.n), self.assessment),
            assessment=self.assessment,
            statistic=BinomialCount(s.p0),
            rule=CountsByLook((s.r1, -1), (s.n1 + 1, s.r + 1)),
            null_is_population=isinstance(self.null_rate, str),
            not_evaluable_share=self.not_evaluable_share,
            tested=(s.n1, s.n),
            pauses=((s.n1, self.assessment),) if self.pause else (),
        )

    def describe(self, setting: Setting) -> list[Assumption]:
        population = setting.population
        s = self.stages(population)
        origin = "the population's own rate" if isinstance(self.null_rate, str) else "configuration"
        source = "Jung et al. 2004" if self.kind == "admissible" else "Simon 1989"
        accrual = "halts until the first stage's responses are known" if self.pause else "goes on while the first stage is assessed"
        return [
            Assumption("design", f"{self.kind_in_words}, n = {s.n}, response rate (ORR)", "configuration"),
            Assumption("first stage", f"stop for futility with {s.r1} or fewer responders of {s.n1}", source),
            Assumption("test", f"exact binomial, {self.level_words}: reject with {s.r + 1} or more responders of {s.n}", source),
            Assumption("null response rate", f"{s.p0:.3f}", origin),
            Assumption("alternative response rate", f"{s.p1:.3f}", "configuration"),
            Assumption("exact errors", f"type I error {s.type_i_error:.4f}, power {s.power:.4f}", "binomial distribution"),
            Assumption(
                "exact early stopping",
                f"probability {s.pet_p0:.3f} under the null, {s.pet_p1:.3f} under the alternative; {s.en_p0:.1f} and {s.en_p1:.1f} patients"
                " expected where accrual halts",
                "binomial distribution",
            ),
            Assumption("accrual between the stages", accrual, "configuration"),
            Assumption("analyses", f"{self.assessment:g} months after the last patient of each stage entered", "configuration"),
        ]

    @property
    def kind_in_words(self) -> str:
        """The design in a few words."""
        return "single arm, " + ("two stages as given" if self.kind == "given" else f"Simon's {self.kind} two stages")

    def facts(self, setting: Setting, plan: Plan) -> DesignFacts:
        return replace(super().facts(setting, plan), kind=self.kind_in_words, binding=True)

    def smallest_effect(self, setting: Setting) -> Assumption:
        s = self.stages(setting.population)
        x = s.r + 1, s.r1, s.n1, s.n
        low, high = after_two_stages.interval(*x, 1 - 2 * self.level)
        after = f"unbiased estimate {after_two_stages.umvue(*x):.1%}, {1 - 2 * self.level:.0%} interval {low:.1%} to {high:.1%}"
        found = f"{(s.r + 1) / s.n:.1%}; after two stages: {after}"
        return Assumption("smallest observed rate that rejects", found, "Jung & Kim 2004; Koyama & Chen 2008")
