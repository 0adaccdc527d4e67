"""What surrounds a design: who the patients are, when they enter and who is lost."""

from __future__ import annotations

from dataclasses import dataclass

from sim.accrual import Accrual
from sim.followup import Dropout
from sim.population.population import Population


@dataclass(frozen=True)
class Setting:
    """Hand a design all that its plan may depend on, and nothing of the effect.

    Parameters
    ----------
    population : who the patients are; accrual : when they enter; dropout : who is lost
    """

    population: Population
    accrual: Accrual
    dropout: Dropout
