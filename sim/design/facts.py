"""What a design is, as data: what titles, questions, the answer's sentences and the report's checklist are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.design.checks import ENDPOINT_NAMES
from sim.types import Assumption

if TYPE_CHECKING:
    from sim.design.design import Plan


@dataclass(frozen=True)
class DesignFacts:
    """The facts of one design on one population.

    Parameters
    ----------
    kind : the design in a few words, without its size and endpoint: "single arm", "randomised 1:1"
    arms : 1 or 2
    endpoint : "PFS", "OS" or "ORR"
    n : places, all arms together
    alpha : one-sided level of the whole trial
    looks : planned analyses, the last included
    binding : whether every trial at a futility bound must stop; None where no look gives up
    stratified_randomisation : blocks within strata of the population
    stratified_test : the test compares patients within strata
    guards_survival : overall survival is tested beside the endpoint, and harm stops the trial
    prior : parameters of the beta prior of a Bayesian analysis; None where the analysis is frequentist
    smallest_rejecting : the report's line on the smallest observed effect that rejects; None where the design does not state it

    Examples
    --------
    >>> DesignFacts("single arm", 1, "OS", 40, 0.05, 1).decision_tool_only
    True
    """

    kind: str
    arms: int
    endpoint: str
    n: int
    alpha: float
    looks: int
    binding: bool | None = None
    stratified_randomisation: bool = False
    stratified_test: bool = False
    guards_survival: bool = False
    prior: tuple[float, float] | None = None
    smallest_rejecting: Assumption | None = None

    @property
    def single_arm(self) -> bool:
        """Whether there is no control arm."""
        return self.arms == 1

    @property
    def time_to_event(self) -> bool:
        """Whether the endpoint is a time rather than a response."""
        return self.endpoint != "ORR"

    @property
    def decision_tool_only(self) -> bool:
        """Whether this is progression-free or overall survival without a control: no evidence of efficacy."""
        return self.single_arm and self.time_to_event

    @property
    def endpoint_in_words(self) -> str:
        """The endpoint's name; one that has no other keeps its abbreviation."""
        return ENDPOINT_NAMES.get(self.endpoint, self.endpoint)


def facts_of_plan(plan: Plan, alpha: float, smallest_rejecting: Assumption | None) -> DesignFacts:
    """Return what the plan alone says; a design adds what only it knows."""
    where = plan.allocation
    return DesignFacts(
        kind=where.label,
        arms=where.compared,
        endpoint=plan.hypothesis,
        n=plan.n,
        alpha=alpha,
        looks=plan.cut.looks,
        binding=False if plan.nonbinding_futility else None,
        stratified_randomisation=where.stratified,
        stratified_test=plan.statistic.stratified,
        guards_survival=plan.safety is not None,
        smallest_rejecting=smallest_rejecting,
    )
