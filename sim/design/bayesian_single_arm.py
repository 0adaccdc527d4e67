"""Single-arm trial of a response rate, monitored by posterior or predictive probability, with exact frequentist errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

from sim.boundary.beta_binomial import KINDS, BayesianStages, BetaBinomial
from sim.boundary.beta_binomial_thresholds import find_thresholds
from sim.boundary.multi_stage_binomial import MultiStage
from sim.design.checks import check_alpha, check_months, check_n, check_not_evaluable_share, check_null_rate, check_power, check_probability
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
from sim.limits import PATIENTS_WORTH
from sim.population.population import Population
from sim.setting import Setting
from sim.types import Assumption, InputError

SOURCES = {"posterior": "Thall & Simon 1994", "predictive": "Lee & Liu 2008"}


@dataclass(frozen=True)
class BayesianSingleArm(Design):
    """Look after cohorts of patients; stop when success, or its absence, has become probable enough.

    Parameters
    ----------
    n : enrolled patients at most
    alpha : largest one-sided type I error, exact, where the final threshold is found
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    power : smallest power at the alternative rate, exact, where the futility threshold is found; without it no look gives up
    rule : "predictive" (Lee & Liu): the probability that the last look will reject; "posterior" (Thall & Simon): the probability
        that the response rate is above the standard
    first_look, cohort : patients at the first look, and between later ones
    final_threshold : the last look rejects where P(rate > standard) is at or above it; None: the smallest that keeps alpha
    futility_threshold : an earlier look gives up below it; 0 never; None: the largest that keeps the power, see `find_thresholds`
    efficacy_threshold : an earlier look rejects at or above it; None never; "final" (posterior rule): as at the last look
    margin : "posterior": giving up asks for a rate above standard + margin
    binding : False: alpha holds also where trials go on that should give up
    prior_mean, prior_patients : mean of the beta prior (None: the null rate) and the number of patients that it is worth
    standard_patients : the null rate is known as from so many patients: the standard is Beta; None: it is known
    null_rate : response rate under the null hypothesis, or "population" for the calibrated population's own
    alternative_rate : response rate at which the power is meant; None: the null rate plus `difference`
    difference : absolute gain in response rate, used where `alternative_rate` is None
    pause : nobody enters while a cohort's responses are awaited; False: accrual goes on
    assessment : months from entry to the response assessment
    not_evaluable_share : share of patients whose response is never assessed; they count as non-responders

    References
    ----------
    Thall & Simon, Biometrics 1994;50:337. Lee & Liu, Clinical Trials 2008;5:93.
    """

    n: int
    alpha: float = 0.05
    power: float = 0.8
    rule: str = "predictive"
    first_look: int = 10
    cohort: int = 10
    final_threshold: float | None = None
    futility_threshold: float | None = None
    efficacy_threshold: float | str | None = None
    margin: float = 0.0
    binding: bool = True
    prior_mean: float | None = None
    prior_patients: float = 1.0
    standard_patients: float | None = None
    null_rate: float | str = "population"
    alternative_rate: float | None = None
    difference: float = 0.2
    pause: bool = False
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
        if self.rule not in KINDS:
            raise InputError(f"design.rule is {self.rule!r}; allowed: {', '.join(KINDS)}")
        for name, k in (("first_look", self.first_look), ("cohort", self.cohort)):
            if isinstance(k, bool) or not isinstance(k, int) or k < 1:
                raise InputError(f"design.{name} is {k}; allowed: a whole number of patients from 1")
        if len(self.patients) > 100:
            raise InputError(f"design.cohort is {self.cohort}: {len(self.patients)} looks at {self.n} patients; allowed: at most 100 looks")
        for name, t in (("final_threshold", self.final_threshold), ("futility_threshold", self.futility_threshold)):
            if t is not None:
                check_probability(name, t)
        self._check_efficacy()
        if not 0 <= self.margin < 1 or (self.margin > 0 and self.rule == "predictive"):
            raise InputError(f"design.margin is {self.margin}; allowed: from 0 to below 1, 0 with design.rule predictive")
        if self.prior_mean is not None and not 0 < self.prior_mean < 1:
            raise InputError(f"design.prior_mean is {self.prior_mean}; allowed: above 0 and below 1, or null for the null rate")
        for name, m in (("prior_patients", self.prior_patients), ("standard_patients", self.standard_patients)):
            if m is not None:
                PATIENTS_WORTH.check(f"design.{name}", m)

    def _check_efficacy(self) -> None:
        early = self.efficacy_threshold
        if isinstance(early, str):
            if early != "final" or self.rule != "posterior":
                raise InputError(
                    f"design.efficacy_threshold is {early!r}; allowed: a probability, null, or final with design.rule posterior"
                )
        elif early is not None:
            check_probability("efficacy_threshold", early)
            if self.futility_threshold is not None and self.futility_threshold > early:
                raise InputError(
                    f"design.futility_threshold is {self.futility_threshold} above design.efficacy_threshold {early}; allowed: at most equal"
                )

    @property
    def hypothesis(self) -> str:
        return "ORR"

    @property
    def patients(self) -> tuple[int, ...]:
        """Cumulative patients at the looks."""
        return (*range(self.first_look, self.n, self.cohort), self.n)

    def null(self, population: Population) -> float:
        """Return the response rate of the null hypothesis, not evaluable patients counted as non-responders."""
        return null_response_rate(self, population)

    def alternative(self, population: Population) -> float:
        """Return the response rate that the design looks for."""
        return alternative_response_rate(self, population)

    def beliefs(self, population: Population) -> BetaBinomial:
        """Return the looks with the priors of the experimental and of the standard rate."""
        p0, m = self.null(population), self.prior_patients
        mean = p0 if self.prior_mean is None else self.prior_mean
        known = self.standard_patients
        standard = p0 if known is None else (known * p0, known * (1 - p0))
        return BetaBinomial(self.patients, self.rule, standard, (m * mean, m * (1 - mean)), self.margin)

    def stages(self, population: Population) -> BayesianStages:
        """Return thresholds, critical counts and exact operating characteristics."""
        return find_thresholds(
            self.beliefs(population),
            self.null(population),
            self.alternative(population),
            self.level,
            self.power,
            self.final_threshold,
            self.futility_threshold,
            self.efficacy_threshold,
            self.binding,
        )

    def critical_counts(self, population: Population) -> MultiStage:
        """Return the counts at which each look stops."""
        return self.stages(population).counts

    def plan(self, setting: Setting) -> Plan:
        population = setting.population
        counts = self.critical_counts(population)
        nonbinding = not self.binding and max(counts.accept[:-1], default=-1) >= 0
        return plan_of_stages(self, population, counts, nonbinding)

    def smallest_effect(self, setting: Setting) -> Assumption:
        return smallest_rate(self, self.critical_counts(setting.population))

    def describe(self, setting: Setting) -> list[Assumption]:
        population = setting.population
        found, rule, t = self.stages(population), self.beliefs(population), self.stages(population).thresholds
        source = SOURCES[self.rule]
        known = "known exactly" if self.standard_patients is None else f"known as from {self.standard_patients:g} patients"
        early = "no look rejects early" if t.efficacy is None else f"an earlier look rejects at {t.efficacy} or more"
        if t.efficacy == "final":
            early = "every look rejects as the last one does"
        return [
            Assumption("design", f"{self.kind_in_words}, looks at {_looks(rule.n)}, n = {self.n}, response rate (ORR)", source),
            Assumption(
                "thresholds",
                f"the last look rejects where P(rate > null rate) is {t.final} or more; {early};"
                f" an earlier one gives up below {t.futility:g}{f' for a margin of {self.margin:g}' if self.margin else ''}",
                f"configuration, {'given' if self.final_threshold is not None else f'found: type I error at most {self.level:g}'}",
            ),
            Assumption("priors", f"experimental rate Beta({rule.prior[0]:.3g}, {rule.prior[1]:.3g}); null rate {known}", "configuration"),
            Assumption("test", f"{self.level_words}: {'; '.join(_changes(found.counts))}", source),
            *describe_stages(self, population, found.counts, found.errors),
        ]

    @property
    def kind_in_words(self) -> str:
        """The design in a few words."""
        return f"single arm, {self.rule} probability"

    def facts(self, setting: Setting, plan: Plan) -> DesignFacts:
        found = facts_of_stages(super().facts(setting, plan), plan, self.kind_in_words, self.binding)
        return replace(found, prior=self.beliefs(setting.population).prior)


def _looks(n: tuple[int, ...]) -> str:
    return ", ".join(map(str, n)) if len(n) <= 8 else f"{n[0]}, {n[1]}, …, {n[-2]}, {n[-1]}"


def _changes(counts: MultiStage) -> list[str]:
    """Say what each look does, but only where it differs from the look before: cohorts may be single patients."""
    looks = list(zip(counts.n, counts.accept, counts.reject, strict=True))
    kept = [next(group) for _, group in groupby(looks[:-1], key=lambda s: (s[1], s[2] if s[2] <= s[0] else None))]
    return [words(*look) for look in (*kept, looks[-1])]
