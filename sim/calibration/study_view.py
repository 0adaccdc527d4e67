"""The model seen through the study: its cells, its follow-up and its curves on one grid, each computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sim.benchmark import Figure
from sim.calibration import covariates, study
from sim.calibration.own_counts import own_counts
from sim.population.authors_regression import followup_survival
from sim.population.multi_state import Infusion, Progression, fate_shares, from_infusion, grid, os_from_progression_average
from sim.population.parameters import Parameters
from sim.types import Array

STATED_END = 100.0


@dataclass(frozen=True, eq=False)
class Study:
    """The model seen through the study: its cells, its follow-up and its curves on one grid.

    own_mix : the cells (day-30 groups, who is treated) are those that the model expects instead of those printed
    """

    figures: Mapping[str, Figure]
    followup: Mapping[str, Any]
    parameters: Parameters
    own_mix: bool = False

    @cached_property
    def t(self) -> Array:
        return grid(0.02, STATED_END)

    @cached_property
    def follow(self) -> Array:
        return followup_survival(self.followup, self.t)

    @cached_property
    def counts(self) -> study.Counts:
        read = study.counts(self.figures, self.parameters.denominator)
        return own_counts(self.parameters, read, self.t, self.follow) if self.own_mix else read

    @cached_property
    def groups(self) -> tuple[Progression, Progression]:
        return study.groups(self.parameters, self.t)

    @cached_property
    def infusion(self) -> Infusion:
        r, o = self.groups
        averaged = [os_from_progression_average(self.parameters, g, x) for g, x in ((0, r), (1, o))]
        return from_infusion(self.parameters, (r.os, averaged[0]), (o.os, averaged[1]), self.t)

    @cached_property
    def before(self) -> dict[str, float]:
        return study.expected_before(self.parameters, self.counts, self.t, self.follow)

    @cached_property
    def after(self) -> dict[str, float]:
        return study.expected_after(self.parameters, self.counts, self.t)

    @cached_property
    def fates(self) -> tuple[float, float, float, float]:
        """Shares of fates among the infused: refractory, late, death without progression, cured."""
        p = self.parameters
        r, o, n, c = p.bridged * fate_shares(p)[0] + (1 - p.bridged) * fate_shares(p)[1]
        return float(r), float(o), float(n), float(c)

    @cached_property
    def failed(self) -> float:
        """Expected number failed (progression or death) by the cut."""
        return self.before["d30ref_n"] + self.before["d30oth_n"] + self.before["nrm_n"]

    @cached_property
    def outcome(self) -> covariates.Outcome:
        n = self.counts.infused
        ongoing = n - self.failed
        background = 1 - self.infusion.background
        cured = n * self.fates[3] * (1 - study.observed(background, self.follow)[-1])
        return covariates.Outcome(self.failed / n, float(min(cured / ongoing, 1.0)))
