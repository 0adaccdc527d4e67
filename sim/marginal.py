"""What an effect on each patient's hazard looks like in the whole population: medians, average hazard ratio, landmarks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from sim.curve import Curve, in_months
from sim.effect import Effect, NoEffect
from sim.population.population import Population
from sim.types import Assumption

HORIZONS = {"pfs": 12.0, "os": 24.0}
FREE_OF = {"pfs": "progression-free", "os": "alive"}


@dataclass(frozen=True)
class MarginalEffect:
    """The control and experimental curves of a population, summarised.

    medians in months; average hazard ratio over (0, horizon]; survival at the horizon
    """

    horizon: float
    median_control: float
    median_experimental: float
    average_hazard_ratio: float
    survival_control: float
    survival_experimental: float


def average_hazard_ratio(control: Curve, experimental: Curve, horizon: float) -> float:
    """Return the average hazard ratio over (0, horizon], from the two curves.

    Notes
    -----
    AHR = -int S0 dS1 / -int S1 dS0: the odds that, of two patients who fail within the horizon, one of each arm, the
    experimental one fails first. Under proportional hazards it is the hazard ratio, whatever the horizon.

    References
    ----------
    Kalbfleisch & Prentice, Biometrika 1981;68:105, with weight S0 S1.

    Examples
    --------
    >>> round(average_hazard_ratio(Curve.exponential(2.0), Curve.exponential(4.0), 12.0), 6)
    0.5
    """
    t = np.linspace(0.0, horizon, 4001)
    s0, s1 = control.at(t), experimental.at(t)
    h0, h1 = -np.diff(np.log(s0)), -np.diff(np.log(s1))
    weight = np.sqrt(s0[1:] * s0[:-1] * s1[1:] * s1[:-1])
    return float(np.sum(weight * h1) / np.sum(weight * h0))


def marginal_effect(population: Population, effect: Effect, horizon: float = 12.0, endpoint: str = "pfs") -> MarginalEffect:
    """Summarise what the effect does to the endpoint of everybody, "pfs" or "os", by the population's exact curves."""
    control, experimental = population.curve(endpoint), population.curve(endpoint, effect)
    return MarginalEffect(
        horizon,
        control.median(),
        experimental.median(),
        average_hazard_ratio(control, experimental, horizon),
        float(control.at(horizon)),
        float(experimental.at(horizon)),
    )


def describe(population: Population, effect: Effect, endpoints: Collection[str] = ("pfs",)) -> list[Assumption]:
    """Return the lines for the report, endpoint by endpoint; none for the null."""
    if isinstance(effect, NoEffect):
        return []
    return [line for endpoint in sorted(endpoints, reverse=True) for line in _describe(population, effect, endpoint)]


def _describe(population: Population, effect: Effect, endpoint: str) -> list[Assumption]:
    m = marginal_effect(population, effect, HORIZONS[endpoint], endpoint)
    source, name = "the population's exact curves under the effect", endpoint.upper()
    return [
        Assumption(
            f"median {name}, control and experimental", f"{in_months(m.median_control)} and {in_months(m.median_experimental)}", source
        ),
        Assumption(
            f"average hazard ratio of {name} over {m.horizon:g} months, whole population",
            f"{m.average_hazard_ratio:.2f}; it differs from each patient's own ratio because patients differ",
            "Kalbfleisch & Prentice 1981",
        ),
        Assumption(
            f"{FREE_OF[endpoint]} at {m.horizon:g} months, control and experimental",
            f"{m.survival_control:.1%} and {m.survival_experimental:.1%}",
            source,
        ),
    ]
