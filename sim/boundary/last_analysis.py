"""The bound of an analysis that turns out to be the last, though the plan had more, or more information: it spends what is left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.boundary.monitoring import rising_looks, upper_bound
from sim.boundary.recursive_integration import START, advance, tail


class LastAnalysis(ABC):
    """What the earlier looks have left of alpha, by what each look found."""

    @abstractmethod
    def bound(self, found: tuple[float, ...]) -> float:
        """Return the critical z of the last of these looks.

        found : information at each look so far, the last analysis included; the earlier looks were judged at their planned bounds
        """


@dataclass(frozen=True)
class LastOfOne(LastAnalysis):
    """One score whose increments are independent.

    Parameters
    ----------
    alpha : one-sided type I error of the whole trial
    upper : planned critical z of each look
    lower : z at or below which each look must stop; -infinity where it need not

    Notes
    -----
    The critical value c of look k solves P(Z_k >= c, no earlier bound crossed) = alpha - P(an earlier bound crossed), the earlier bounds
    as planned, the information as found. A look that finds no more information than the one before it takes its place.

    References
    ----------
    Lan & DeMets, Biometrika 1983;70:659. Jennison & Turnbull 2000, section 7.2.

    Examples
    --------
    >>> round(LastOfOne(0.025, (2.9626, 1.9686), (-np.inf, -np.inf)).bound((60.0, 90.0)), 3)
    1.963
    >>> round(LastOfOne(0.025, (2.9626, 1.9686), (-np.inf, -np.inf)).bound((45.0,)), 3)
    1.96
    """

    alpha: float
    upper: tuple[float, ...]
    lower: tuple[float, ...]

    def bound(self, found: tuple[float, ...]) -> float:
        return _bound(self, found)


@lru_cache(maxsize=100_000)
def _bound(last: LastOfOne, found: tuple[float, ...]) -> float:
    information, looks = rising_looks(found)
    if not information:
        return np.inf
    state, spent = START, 0.0
    for j, k in enumerate(looks[:-1]):
        spent += tail(state, information[j], 0.0, last.upper[k], upper=True)
        state = advance(state, information[j], 0.0, last.lower[k], last.upper[k], information[j + 1])
    return upper_bound(state, information[-1], last.alpha - spent)
