"""What the authors would have measured on patients in classes, figure by figure, in the figure's unit; data says which is which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.benchmark import Benchmark, Figure
from sim.calibration import baseline_measures, class_fit, covariates, study
from sim.calibration.class_fit_spec import Specification
from sim.calibration.class_quantities import quantities
from sim.calibration.class_study import View
from sim.population.authors_regression import followup_survival
from sim.population.failure_classes import background, infusion, times
from sim.population.failure_classes.parameters import ClassParameters
from sim.population.multi_state import Infusion, grid
from sim.types import Array

STEP, END = 0.02, 100.0


@dataclass(frozen=True, eq=False)
class SeenStudy:
    """The fitted model seen through the study, with what the figures of Tables 1 to 3 need."""

    figures: Mapping[str, Figure]
    view: View

    @property
    def parameters(self) -> ClassParameters:
        """The model's parameters."""
        return self.view.parameters

    @property
    def counts(self) -> study.Counts:
        """The study's cells."""
        return self.view.counts

    @property
    def follow(self) -> Array:
        """P(administrative cut later than t)."""
        return self.view.follow

    @cached_property
    def fates(self) -> tuple[float, float, float, float]:
        """Shares of fates among the infused: refractory, late, death without progression, cured."""
        return class_fit.fates_of_all(self.parameters)

    @cached_property
    def outcome(self) -> covariates.Outcome:
        """How courses stand at the cut."""
        return class_fit.outcome(self.view)

    @cached_property
    def infusion(self) -> Infusion:
        """The curves from infusion."""
        p, t = self.parameters, self.view.t
        x = infusion.by_bridging(p, self.view.mix, t)
        return Infusion(
            x["pfs"], x["os"], times.refractory(p, t), times.late(p, t), times.death(p, t), background.survival(p, t), times.fates(p)
        )


def achieved(benchmark: Benchmark, s: Specification, p: ClassParameters) -> dict[str, float]:
    """Return the model's value of every figure that it speaks to, by figure id (per cent for shares)."""
    figures, t = benchmark.read(), grid(STEP, END)
    view = View(p, study.counts(figures, benchmark.denominator), t, followup_survival(benchmark.followup, t))
    got = quantities(view)
    of_figure = {name: row["quantity"] for name, row in s.targets.items()} | dict(s.measured)
    seen = SeenStudy(figures, view)
    trial = p.marks["first_line_on_trial"]
    out = {name: float(got[quantity]) for name, quantity in of_figure.items()}
    out |= baseline_measures.response(seen) | baseline_measures.baseline(seen) | baseline_measures.hazard_ratios(seen)
    treated = np.sum(view.treated, axis=1)
    return out | baseline_measures.trial(trial, treated) | {"second_line_n": 100 * p.second_line_share * class_fit.progressed_by_cut(view)}
