"""The share of patients who are free of the endpoint at a month, as a protocol states it."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_choice, check_positive_months, check_probability
from sim.effect.effect import Effect, Patients
from sim.effect.hazard_ratio import ENDPOINTS
from sim.effect.mechanism import Mechanism
from sim.effect.solve import LEVER_CHANGES, check_levers, lever_of, reach
from sim.types import Assumption


@dataclass(frozen=True)
class Milestone(Effect):
    """Change what makes `share` of the experimental arm free of the endpoint at `month`.

    Parameters
    ----------
    month : months since time zero; share : of everybody in the experimental arm, between 0 and 1
    endpoint, through, solve_on, draws_keep : as of `HazardRatio`; under `both` each patient's ratio is the ratio of the cumulative
        hazards of everybody at that month

    Examples
    --------
    >>> Milestone(6.0, 0.45).describe()[0].value
    '45% free of PFS events at 6 months'
    """

    month: float
    share: float
    endpoint: str | None = None
    through: str | None = None
    solve_on: str = "configured"
    draws_keep: str = "ratio"

    def __post_init__(self) -> None:
        check_positive_months("month", self.month)
        check_probability("share", self.share)
        if self.endpoint is not None:
            check_choice("endpoint", self.endpoint, ENDPOINTS)
        check_levers(self.through, self.solve_on, self.draws_keep)

    @property
    def solved(self) -> bool:
        return True

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        return reach(self, patients, given, float(self.share), float(self.month), f"effect.share {self.share:g} at {self.month:g} months")

    def on_draw(self, planned: Patients) -> Effect:
        return planned.mechanism(self) if self.draws_keep == "mechanism" else self

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset(LEVER_CHANGES[lever_of(patients, self.through)])

    def describe(self) -> list[Assumption]:
        name = (self.endpoint or "pfs").upper()
        return [Assumption("effect", f"{self.share:.0%} free of {name} events at {self.month:g} months", "configuration")]
