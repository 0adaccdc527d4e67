"""What single-arm response designs with several stages share: their rates, their plan and their lines in the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, cast

from sim.boundary.multi_stage_binomial import MultiStage, StageErrors
from sim.design.allocation import SingleArm
from sim.design.design import CountsByLook, Plan
from sim.design.facts import DesignFacts
from sim.design.response_rates import alternative_rate, null_rate
from sim.followup import CutAtPatients
from sim.population.population import Population
from sim.statistic.binomial import BinomialCount
from sim.types import Assumption


class ResponseStages(Protocol):
    """The fields that these designs have in common."""

    @property
    def n(self) -> int: ...
    @property
    def hypothesis(self) -> str: ...
    @property
    def null_rate(self) -> float | str: ...
    @property
    def alternative_rate(self) -> float | None: ...
    @property
    def difference(self) -> float: ...
    @property
    def pause(self) -> bool: ...
    @property
    def assessment(self) -> float: ...
    @property
    def not_evaluable_share(self) -> float: ...


def null_response_rate(design: ResponseStages, population: Population) -> float:
    """Return the response rate of the null hypothesis, not evaluable patients counted as non-responders."""
    return null_rate(design.null_rate, population, 1 - design.not_evaluable_share)


def alternative_response_rate(design: ResponseStages, population: Population) -> float:
    """Return the response rate that the design looks for.

    Raises
    ------
    InputError : where it is not above the null rate and below 1
    """
    return alternative_rate(
        design.alternative_rate, null_response_rate(design, population), design.difference * (1 - design.not_evaluable_share)
    )


def plan_of_stages(design: ResponseStages, population: Population, counts: MultiStage, nonbinding_futility: bool) -> Plan:
    """Return the plan: look when each stage's patients have been assessed, stop at its critical counts."""
    return Plan(
        n=design.n,
        hypothesis=design.hypothesis,
        wants=frozenset({"response"}),
        allocation=SingleArm(),
        cut=CutAtPatients(counts.n, design.assessment),
        assessment=design.assessment,
        statistic=BinomialCount(null_response_rate(design, population)),
        rule=CountsByLook(counts.accept, counts.reject),
        null_is_population=isinstance(design.null_rate, str),
        not_evaluable_share=design.not_evaluable_share,
        tested=counts.n,
        pauses=tuple((k, design.assessment) for k in counts.n[:-1]) if design.pause else (),
        nonbinding_futility=nonbinding_futility,
    )


def describe_stages(design: ResponseStages, population: Population, counts: MultiStage, errors: StageErrors) -> list[Assumption]:
    """Return the report's lines on the rates, the exact errors and the conduct of the stages."""
    accrual = "halts until a stage's responses are known" if design.pause else "goes on while a stage is assessed"
    origin = "the population's own rate" if isinstance(design.null_rate, str) else "configuration"
    return [
        Assumption("null response rate", f"{null_response_rate(design, population):.3f}", origin),
        Assumption("alternative response rate", f"{alternative_response_rate(design, population):.3f}", "configuration"),
        Assumption("exact errors", f"type I error {errors.type_i_error:.4f}, power {errors.power:.4f}", "binomial distribution"),
        Assumption(
            "exact early stopping",
            f"probability {errors.pet_p0:.3f} under the null, {errors.pet_p1:.3f} under the alternative",
            "binomial distribution",
        ),
        Assumption(
            "exact expected patients",
            f"{errors.en_p0:.1f} under the null, {errors.en_p1:.1f} under the alternative, where accrual halts",
            "binomial distribution",
        ),
        Assumption("accrual between the stages", accrual, "configuration"),
        Assumption("analyses", f"{design.assessment:g} months after the last patient of each stage entered", "configuration"),
    ]


def smallest_rate(design: ResponseStages, counts: MultiStage) -> Assumption:
    """Return the line on the observed rate that just rejects at the last look."""
    return Assumption("smallest observed rate that rejects", f"{counts.reject[-1] / design.n:.1%} at the last look", "exact binomial")


def facts_of_stages(found: DesignFacts, plan: Plan, kind: str, binding: bool) -> DesignFacts:
    """Add to a plan's facts the design in a few words, and whether a stage that gives up binds."""
    rule = cast(CountsByLook, plan.rule)
    gives_up = max(rule.futility[:-1], default=-1) >= 0
    return replace(found, kind=kind, binding=binding if gives_up else None)


def words(n: int, accept: int, reject: int) -> str:
    """Say what a look does.

    Examples
    --------
    >>> words(20, 3, 9), words(20, -1, 21)
    ('give up with 3 or fewer and reject with 9 or more of 20', 'no stop of 20')
    """
    parts = [f"give up with {accept} or fewer"] * (accept >= 0) + [f"reject with {reject} or more"] * (reject <= n)
    return f"{' and '.join(parts) or 'no stop'} of {n}"
