"""What an experimental treatment moves, patient by patient, as plain numbers: the seam between an effect and this model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.effect import HazardProfile, Mechanism
from sim.effect.mechanism import with_odds_ratio
from sim.population.failure_classes.parameters import ClassParameters
from sim.types import Array


@dataclass(frozen=True, eq=False)
class Levers:
    """First line of one arm.

    weights : float64[R], share of each regimen
    response, complete : float64[K, R], P(response) and P(complete response) by class and regimen
    durable_in_complete, durable_in_partial : P(a response lasts), by its kind
    profiles : the hazard ratio of leaving the progression-free state by months since the start, one for each stratum
    after_progression : hazard ratio of death after progression

    Notes
    -----
    Deaths at the rate of the patients' age are left as they are, and so is whoever was transplanted.
    """

    weights: Array
    response: Array
    complete: Array
    durable_in_complete: float
    durable_in_partial: float
    profiles: tuple[HazardProfile, ...]
    after_progression: float = 1.0


def control(p: ClassParameters, weights: Array, strata: int) -> Levers:
    """Return first line as the study gave it."""
    return Levers(weights, p.response, p.complete_response, p.durable_in_complete, p.durable_in_partial, (HazardProfile(),) * strata)


def experimental(p: ClassParameters, weights: Array, strata: int, effect: Mechanism, by_class: Array) -> Levers:
    """Return first line under an effect.

    by_class : float64[K], classes at the start of first line, among whom the effect states a difference in response

    Notes
    -----
    A difference sets the rate q of the whole population, p without it. Classes and regimens move together: 1 - p is multiplied by
    (1 - q) / (1 - p) when it rises, p by q / p when it falls; the complete share of responses stays. An odds ratio is that of any and
    of a complete response alike in every class and regimen (cumulative logits), so more of the responses are complete and last. The
    odds ratio of a durable response is that of complete and of partial responses alike.
    """
    base = control(p, weights, strata)
    rate = response_rate(base, by_class)
    new = replace(effect, odds_ratio=1.0).response_rate(rate)
    response, complete = base.response, base.complete
    if new != rate:
        response = 1 - (1 - response) * (1 - new) / (1 - rate) if new > rate else response * new / rate
        complete = response * np.where(base.response > 0, base.complete / np.maximum(base.response, 1e-300), 0.0)
    response, complete = (np.asarray(with_odds_ratio(x, effect.odds_ratio)) for x in (response, complete))
    return Levers(
        weights,
        response,
        complete,
        effect.durable(base.durable_in_complete),
        effect.durable(base.durable_in_partial),
        tuple(effect.hazard_of(s) for s in range(strata)),
        effect.after_progression,
    )


def durable_share(x: Levers, by_class: Array) -> float:
    """Return P(a response lasts) among the responses of patients of these classes."""
    lasting = x.complete * x.durable_in_complete + (x.response - x.complete) * x.durable_in_partial
    return float(np.sum(by_class[:, None] * x.weights[None, :] * lasting)) / response_rate(x, by_class)


def response_rate(x: Levers, by_class: Array, complete: bool = False) -> float:
    """Return P(response), or of a complete one, among patients of these classes."""
    chance = x.complete if complete else x.response
    return float(np.sum(by_class[:, None] * x.weights[None, :] * chance))
