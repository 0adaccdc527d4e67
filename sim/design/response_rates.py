"""The response rates that designs compare: the null hypothesis' and the alternative's, among the patients whom a test counts."""

from __future__ import annotations

from sim.effect import NoEffect
from sim.population.population import Population
from sim.types import InputError


def null_rate(rate: float | str, population: Population, counted: float) -> float:
    """Return the response rate of the null hypothesis.

    Parameters
    ----------
    rate : as the configuration gives it; "population" for the population's own without an effect
    counted : what a responder of the population counts for on average: 1 less the share never assessed, where those are
        non-responders
    """
    return population.response_rate(NoEffect()) * counted if isinstance(rate, str) else rate


def alternative_rate(rate: float | None, null: float, difference: float) -> float:
    """Return the response rate that a design looks for.

    Parameters
    ----------
    rate : as the configuration gives it; None: the null rate plus the difference

    Raises
    ------
    InputError : where it is not above the null rate and below 1

    Examples
    --------
    >>> alternative_rate(None, 0.25, 0.5)
    0.75
    """
    alternative = null + difference if rate is None else rate
    if not null < alternative < 1:
        raise InputError(
            f"design.alternative_rate is {alternative:.3f} with a null rate of {null:.3f}; allowed: above the null rate and below 1"
            " (design.alternative_rate or design.difference)"
        )
    return alternative
