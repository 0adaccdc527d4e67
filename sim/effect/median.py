"""A median of the experimental arm, as a protocol states it."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_choice, check_positive_months
from sim.effect.effect import Effect, Patients
from sim.effect.hazard_ratio import ENDPOINTS
from sim.effect.mechanism import Mechanism
from sim.effect.solve import LEVER_CHANGES, check_levers, lever_of, reach
from sim.types import Assumption


@dataclass(frozen=True)
class Median(Effect):
    """Change what gives everybody in the experimental arm this median.

    Parameters
    ----------
    months : median of the experimental arm; the control's is the population's own
    endpoint, through, solve_on, draws_keep : as of `HazardRatio`; under `both` each patient's ratio is the ratio of the cumulative
        hazards of everybody at the median

    Examples
    --------
    >>> Median(4.0).describe()[0].value
    'median PFS 4 months'
    """

    months: float
    endpoint: str | None = None
    through: str | None = None
    solve_on: str = "configured"
    draws_keep: str = "ratio"

    def __post_init__(self) -> None:
        check_positive_months("months", self.months)
        if self.endpoint is not None:
            check_choice("endpoint", self.endpoint, ENDPOINTS)
        check_levers(self.through, self.solve_on, self.draws_keep)

    @property
    def solved(self) -> bool:
        return True

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        return reach(self, patients, given, 0.5, float(self.months), f"effect.months {self.months:g}, a median,")

    def on_draw(self, planned: Patients) -> Effect:
        return planned.mechanism(self) if self.draws_keep == "mechanism" else self

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset(LEVER_CHANGES[lever_of(patients, self.through)])

    def describe(self) -> list[Assumption]:
        return [Assumption("effect", f"median {(self.endpoint or 'pfs').upper()} {self.months:g} months", "configuration")]
