"""What an effect on each patient's hazard looks like in the whole population: medians, average hazard ratio, landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.curve import Curve
from sim.effect import Effect, NoEffect
from sim.population.population import Population
from sim.types import Assumption


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


def marginal_effect(population: Population, effect: Effect, horizon: float = 12.0) -> MarginalEffect:
    """Summarise what the effect does to progression-free survival of everybody, by the population's exact curves."""
    control, experimental = population.curve("pfs"), population.curve("pfs", effect)
    return MarginalEffect(
        horizon,
        control.median(),
        experimental.median(),
        average_hazard_ratio(control, experimental, horizon),
        float(control.at(horizon)),
        float(experimental.at(horizon)),
    )


def describe(population: Population, effect: Effect) -> list[Assumption]:
    """Return the lines for the report; none for the null."""
    if isinstance(effect, NoEffect):
        return []
    m = marginal_effect(population, effect)
    source = "the population's exact curves under the effect"
    return [
        Assumption("median PFS, control and experimental", f"{m.median_control:.2f} and {m.median_experimental:.2f} months", source),
        Assumption(
            f"average hazard ratio over {m.horizon:g} months, whole population",
            f"{m.average_hazard_ratio:.2f}; it differs from each patient's own ratio because patients differ",
            "Kalbfleisch & Prentice 1981",
        ),
        Assumption(
            f"progression-free at {m.horizon:g} months, control and experimental",
            f"{m.survival_control:.1%} and {m.survival_experimental:.1%}",
            source,
        ),
    ]
