"""What hangs on a patient's course without steering it, solved from the figures once and kept with the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sim.benchmark import Figure
from sim.calibration import cart_response, covariates
from sim.calibration.study import Counts
from sim.population.parameter_draws import with_cart_response
from sim.population.parameters import Parameters


class Outcomes(Protocol):
    """What marks need to know of a fitted model: the study's figures and cells, how courses end, and shares of fates."""

    @property
    def figures(self) -> Mapping[str, Figure]: ...
    @property
    def counts(self) -> Counts: ...
    @property
    def outcome(self) -> covariates.Outcome: ...
    @property
    def fates(self) -> tuple[float, float, float, float]: ...


@dataclass(frozen=True, eq=False)
class Seen:
    """The same, given."""

    figures: Mapping[str, Figure]
    counts: Counts
    outcome: covariates.Outcome
    fates: tuple[float, float, float, float]


def solve(study: Outcomes) -> dict[str, Any]:
    """Return the marks of a fitted model: response to CAR-T, baseline covariates by fate, trial at first line, CD19 loss."""
    table = {}
    for name in covariates.COVARIATES:
        x = covariates.shares(name, study.figures, study.counts, study.outcome)
        table[name] = {"levels": list(x.names), "cured": x.by_fate[0].tolist(), "fails": x.by_fate[1].tolist()}
    cart = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(cart_response.solve(study.figures, study.fates)).items()}
    return {
        "cart_response": cart,
        "first_line_on_trial": [study.figures[k].target / 100 for k in ("d30ref_trial", "d30oth_trial")],
        "cd19_loss": study.figures["cd19_loss"].target / 100,
        "covariates": table,
    }


def of_copy(study: Outcomes, truth: Parameters) -> dict[str, Any]:
    """Return the marks of a model fitted to a copy of the study: response to CAR-T as near as can be, the rest as in `truth`."""
    rate, complete = (min(max(x, 0.0), 1.0) for x in cart_response.rates(study.figures, study.fates))
    return with_cart_response(truth.marks, rate, complete)
