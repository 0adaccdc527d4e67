"""Bounds recomputed at the information that each look finds: what the observed fraction allows is spent, the last look gets the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.boundary.futility import BetaSpending, Futility, LowerBound
from sim.boundary.recursive_integration import START, Continuing, advance, solve_bound
from sim.boundary.spending import Spending


class Watch(ABC):
    """Bounds that follow what each look finds."""

    @abstractmethod
    def bounds(self, information: tuple[float, ...], last: bool, at: tuple[float, ...] | None = None) -> tuple[float, float]:
        """Return (upper, lower) z bounds of the latest look.

        Parameters
        ----------
        information : found at each look so far
        last : no look follows
        at : fractions of the plan at which the spending functions are read at each look, where they are others than those of the information
        """


def rising_looks(information: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return the information of the looks that count, and which they are: one that finds no more than the one before takes its place.

    Examples
    --------
    >>> rising_looks((0.0, 40.0, 40.0, 80.0))
    ((40.0, 80.0), (2, 3))
    """
    rising: list[float] = []
    looks: list[int] = []
    for look, x in enumerate(information):
        if rising and x <= rising[-1]:
            looks[-1] = look
        elif x > 0:
            rising.append(float(x))
            looks.append(look)
    return tuple(rising), tuple(looks)


def to_spend(spending: Spending, error: float, fractions: tuple[float, ...], last: bool) -> float:
    """Return what the latest look may spend of an error; the last one gets all the rest."""
    spent = spending.spent(np.asarray(fractions), error)
    total = error if last else float(spent[-1])
    return total - (float(spent[-2]) if len(spent) > 1 else 0.0)


def upper_bound(state: Continuing, information: float, probability: float) -> float:
    """Return the critical z that trials cross with this probability without effect.

    Where futility binds, fewer may go on than are to reject: then every result that does not favour the control rejects.
    """
    return 0.0 if probability >= state.share.sum() else solve_bound(state, information, 0.0, probability, upper=True)


@dataclass(frozen=True)
class Monitor(Watch):
    """What was planned, and is spent as the trial goes.

    Parameters
    ----------
    planned : information at the planned last look, in the unit of what is observed (events)
    alpha, spending : the type I error and how it is spent
    futility : when to give up; None never
    binding : whether the upper bounds take account of it
    drift : E(Z) at the planned last look under which beta is spent, of the planned boundary
    final_z : critical value of the planned last look, for conditional and predictive power
    unit_information : information of log(hazard ratio) that one event carries

    Notes
    -----
    A look that finds no more information than the one before takes its place. Under-running: the last look spends all that is
    left at whatever fraction; over-running: looks beyond the planned information have nothing to spend but what is left.

    References
    ----------
    Lan & DeMets, Biometrika 1983;70:659. Jennison & Turnbull 2000, section 7.2 and chapter 19.
    """

    planned: float
    alpha: float
    spending: Spending
    futility: Futility | None = None
    binding: bool = False
    drift: float | None = None
    final_z: float = 0.0
    unit_information: float = 0.25

    def bounds(self, information: tuple[float, ...], last: bool, at: tuple[float, ...] | None = None) -> tuple[float, float]:
        """Return (upper, lower) z bounds of the latest look.

        Examples
        --------
        >>> from sim.boundary.spending import LanDeMetsOBrienFleming
        >>> monitor = Monitor(120, 0.025, LanDeMetsOBrienFleming())
        >>> [round(monitor.bounds(x, len(x) == 3)[0], 4) for x in ((40,), (40, 80), (40, 80, 120))]
        [3.7103, 2.5114, 1.993]
        """
        rising, looks = rising_looks(information)
        if not rising:
            return np.inf, -np.inf
        fractions = tuple(x / self.planned for x in rising) if at is None else tuple(at[k] for k in looks)
        return _bounds(self, _Found(rising, looks, fractions), last)


@dataclass(frozen=True)
class _Found:
    """The looks that count so far: information, which look of the plan each is, and the fractions at which errors are spent."""

    information: tuple[float, ...]
    looks: tuple[int, ...]
    fractions: tuple[float, ...]

    @property
    def before(self) -> _Found:
        return _Found(self.information[:-1], self.looks[:-1], self.fractions[:-1])


@lru_cache(maxsize=200_000)
def _bounds(monitor: Monitor, found: _Found, last: bool) -> tuple[float, float]:
    now = found.information[-1]
    null, effect = _entering(monitor, found)
    upper = upper_bound(null, now, to_spend(monitor.spending, monitor.alpha, found.fractions, last))
    if last or monitor.futility is None:
        return upper, -np.inf
    if isinstance(monitor.futility, BetaSpending):
        beta = to_spend(monitor.futility.spending, monitor.futility.beta, found.fractions, False)
        if effect is None or now >= monitor.planned:
            return upper, upper
        if beta >= effect.share.sum():
            return upper, upper
        return upper, min(upper, solve_bound(effect, now, _step(monitor, found.information), beta, upper=False))
    assert isinstance(monitor.futility, LowerBound)
    fraction = now / monitor.planned
    if fraction >= 1:
        return upper, -np.inf
    information = monitor.planned * monitor.unit_information
    return upper, min(upper, monitor.futility.lower(found.looks[-1], fraction, information, monitor.final_z))


@lru_cache(maxsize=20_000)
def _entering(monitor: Monitor, found: _Found) -> tuple[Continuing, Continuing | None]:
    """Return the sub-densities, without effect and under the effect that beta is spent for, of trials that go on to the latest look."""
    beta = isinstance(monitor.futility, BetaSpending)
    if len(found.information) == 1:
        return START, START if beta else None
    before, now = found.before, found.information[-1]
    null, effect = _entering(monitor, before)
    upper, lower = _bounds(monitor, before, False)
    null = advance(null, before.information[-1], 0.0, lower if monitor.binding else -np.inf, upper, now)
    if effect is not None:
        effect = advance(effect, before.information[-1], _step(monitor, before.information), lower, upper, now)
    return null, effect


def _step(monitor: Monitor, information: tuple[float, ...]) -> float:
    """E of the latest increment of the score process, whose variance is the information."""
    assert monitor.drift is not None
    previous = information[-2] if len(information) > 1 else 0.0
    return float(monitor.drift / np.sqrt(monitor.planned) * (information[-1] - previous))
