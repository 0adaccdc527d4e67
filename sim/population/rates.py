"""Response rates of first-line regimens under an effect: what moves together, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.effect import Mechanism
from sim.effect.mechanism import with_odds_ratio
from sim.population.parameters import Regimen
from sim.types import Array


def changed(weights: Array, rates: Array, change: Mechanism) -> Array:
    """Return the response rate of each regimen under a mechanism; all arrays float64[K].

    weights : share of each regimen; rates : response rate of each without an effect

    Notes
    -----
    A difference sets the rate p' of the whole population. Regimens move together: 1 - p is multiplied by
    (1 - p') / (1 - p) when it rises, p by p' / p when it falls, so all stay within [0, 1]. An odds ratio is each regimen's.
    """
    p = float(np.sum(weights * rates))
    new = replace(change, odds_ratio=1.0).response_rate(p)
    if new != p:
        rates = 1 - (1 - rates) * (1 - new) / (1 - p) if new > p else rates * new / p
    return np.asarray(with_odds_ratio(rates, change.odds_ratio))


def complete_by_regimen(regimens: Sequence[Regimen], weights: Array, rates: Array, change: Mechanism) -> Array:
    """Return the complete response rate of each regimen under a mechanism; arguments as in `changed`.

    Notes
    -----
    A difference in response keeps the complete share of responses; the odds ratio is that of any response.
    """
    after = changed(weights, rates, replace(change, odds_ratio=1.0))
    share = np.array([k.complete_response for k in regimens]) / np.where(rates > 0, rates, 1.0)
    return np.asarray(with_odds_ratio(share * after, change.odds_ratio))


def complete(regimens: Sequence[Regimen], weights: Array, rates: Array, change: Mechanism) -> float:
    """Return the complete response rate of the mix under a mechanism."""
    return float(np.sum(weights * complete_by_regimen(regimens, weights, rates, change)))


def complete_share(regimens: Sequence[Regimen], weights: Array, rates: Array, change: Mechanism) -> Array:
    """Return the complete share of each regimen's responses under a mechanism."""
    any_response = changed(weights, rates, change)
    out: Array = complete_by_regimen(regimens, weights, rates, change) / np.where(any_response > 0, any_response, 1.0)
    return out
