"""What a randomised survival trial is, as data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sim.design.describe_randomised_survival import Described, describe_smallest_effect
from sim.design.facts import DesignFacts, facts_of_plan

if TYPE_CHECKING:
    from sim.design.design import Plan


def facts(design: Described, plan: Plan, critical_z: float) -> DesignFacts:
    """Return the facts: those of the plan, whether futility binds, and the smallest effect that rejects at the last look's critical z."""
    return replace(
        facts_of_plan(plan, design.level),
        binding=design.binding if design.futility is not None else None,
        smallest_rejecting=describe_smallest_effect(design, critical_z),
    )
