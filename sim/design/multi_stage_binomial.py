"""Single-arm trial of a response rate in several stages that stop for efficacy or futility, with exact errors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from sim.boundary.multi_stage_binomial import MultiStage, exact_spending, fleming, stage_errors
from sim.boundary.spending import Spending
from sim.design.checks import check_alpha, check_months, check_n, check_not_evaluable_share, check_null_rate, check_power
from sim.design.design import Design, Plan
from sim.design.facts import DesignFacts
from sim.design.response_stages import (
    alternative_response_rate,
    describe_stages,
    facts_of_stages,
    null_response_rate,
    plan_of_stages,
    smallest_rate,
    words,
)
from sim.population.population import Population
from sim.setting import Setting
from sim.types import Assumption, InputError

METHODS = ("fleming", "spending")


@dataclass(frozen=True)
class MultiStageBinomial(Design):
    """Count responders after each stage; reject with many, give up with few, else enrol the next stage.

    Parameters
    ----------
    n : enrolled patients in all stages
    alpha : one-sided type I error: nominal with "fleming", never exceeded with "spending"
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    stages : rising shares of n after which to look, ending in 1
    method : "fleming" (1982), or "spending": exact critical counts by error spending
    spending : "spending": how alpha is spent; None: no early rejection
    futility_spending : "spending": how 1 - power is spent; None: no stage gives up
    power : its complement is the type II error that futility spends
    binding : "spending": whether the rejection counts take account of trials that gave up; Fleming's design is binding
    null_rate : response rate under the null hypothesis, or "population" for the calibrated population's own
    alternative_rate : response rate at which the power is meant; None: the null rate plus `difference`
    difference : absolute gain in response rate, used where `alternative_rate` is None
    pause : nobody enters while a stage's responses are awaited; False: accrual goes on
    assessment : months from entry to the response assessment
    not_evaluable_share : share of patients whose response is never assessed; they count as non-responders

    References
    ----------
    Fleming, Biometrics 1982;38:143. Jennison & Turnbull, Group Sequential Methods, 2000, chapter 12.
    """

    n: int
    alpha: float = 0.05
    stages: tuple[float, ...] = (0.5, 1.0)
    method: str = "fleming"
    spending: Spending | None = None
    futility_spending: Spending | None = None
    power: float = 0.8
    binding: bool = False
    null_rate: float | str = "population"
    alternative_rate: float | None = None
    difference: float = 0.2
    pause: bool = True
    assessment: float = 2.0
    not_evaluable_share: float = 0.0
    alpha_sides: int = 1

    def __post_init__(self) -> None:
        check_n(self.n)
        check_alpha(self.alpha, self.alpha_sides)
        check_power(self.power, self.level)
        check_months("assessment", self.assessment)
        check_not_evaluable_share(self.not_evaluable_share)
        check_null_rate(self.null_rate)
        object.__setattr__(self, "stages", tuple(float(x) for x in self.stages))
        if list(self.stages) != sorted(set(self.stages)) or self.stages[-1:] != (1.0,) or self.stages[0] <= 0:
            raise InputError(f"design.stages is {list(self.stages)}; allowed: rising shares above 0 that end in 1")
        if self.method not in METHODS:
            raise InputError(f"design.method is {self.method!r}; allowed: {', '.join(METHODS)}")
        if self.method == "fleming" and (self.spending or self.futility_spending or self.binding):
            raise InputError("design.spending, futility_spending or binding are set with design.method fleming; allowed: null and false")
        if any(m <= k for k, m in pairwise((0, *self.patients))):
            raise InputError(f"design.stages is {list(self.stages)}: a stage of {self.n} patients is empty; allowed: shares further apart")

    @property
    def hypothesis(self) -> str:
        return "ORR"

    @property
    def patients(self) -> tuple[int, ...]:
        """Cumulative patients at the looks."""
        return tuple(ceil(share * self.n - 1e-9) for share in self.stages)

    def null(self, population: Population) -> float:
        """Return the response rate of the null hypothesis, not evaluable patients counted as non-responders."""
        return null_response_rate(self, population)

    def alternative(self, population: Population) -> float:
        """Return the response rate that the design looks for.

        Raises
        ------
        InputError : where it is not above the null rate and below 1
        """
        return alternative_response_rate(self, population)

    def critical_counts(self, population: Population) -> MultiStage:
        """Return the counts at which each stage stops."""
        p0, p1 = self.null(population), self.alternative(population)
        if self.method == "fleming":
            return fleming(self.patients, p0, self.level)
        return exact_spending(self.patients, p0, self.level, self.spending, p1, 1 - self.power, self.futility_spending, self.binding)

    def plan(self, setting: Setting) -> Plan:
        population = setting.population
        nonbinding = self.futility_spending is not None and not self.binding
        return plan_of_stages(self, population, self.critical_counts(population), nonbinding)

    def smallest_effect(self, setting: Setting) -> Assumption:
        return smallest_rate(self, self.critical_counts(setting.population))

    def describe(self, setting: Setting) -> list[Assumption]:
        population = setting.population
        counts = self.critical_counts(population)
        binding = self.futility_spending is None or self.binding
        errors = stage_errors(counts, self.null(population), self.alternative(population), binding)
        stages = zip(counts.n, counts.accept, counts.reject, strict=True)
        source = "Fleming 1982" if self.method == "fleming" else "exact error spending"
        return [
            Assumption("design", f"{self.kind_in_words}, n = {self.n}, response rate (ORR)", "configuration"),
            Assumption("test", f"{self.level_words}: {'; '.join(words(*stage) for stage in stages)}", source),
            *describe_stages(self, population, counts, errors),
        ]

    @property
    def kind_in_words(self) -> str:
        """The design in a few words."""
        return f"single arm, {len(self.stages)} stages"

    def facts(self, setting: Setting, plan: Plan) -> DesignFacts:
        binding = self.method == "fleming" or self.binding
        return facts_of_stages(super().facts(setting, plan), plan, self.kind_in_words, binding)


def smallest_n(stages: tuple[float, ...]) -> int:
    """Return the smallest number of patients that leaves no stage empty, and above it none is either.

    Examples
    --------
    >>> smallest_n((0.5, 1.0)), smallest_n((0.3, 0.6, 1.0))
    (2, 4)
    """
    n = ceil(1 / min(later - earlier for earlier, later in pairwise((0.0, *stages))) - 1e-9)
    return max(n, len(stages))
