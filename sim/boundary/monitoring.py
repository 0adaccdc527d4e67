"""Bounds recomputed at the information that each look finds: what the observed fraction allows is spent, the last look gets the rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.boundary.futility import BetaSpending, Futility, LowerBound
from sim.boundary.recursive_integration import START, Continuing, advance, solve_bound
from sim.boundary.spending import Spending


@dataclass(frozen=True)
class Monitor:
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

    def bounds(self, information: tuple[float, ...], last: bool) -> tuple[float, float]:
        """Return (upper, lower) z bounds of the latest look.

        Parameters
        ----------
        information : found at each look so far, never falling
        last : no look follows

        Examples
        --------
        >>> from sim.boundary.spending import LanDeMetsOBrienFleming
        >>> monitor = Monitor(120, 0.025, LanDeMetsOBrienFleming())
        >>> [round(monitor.bounds(x, len(x) == 3)[0], 4) for x in ((40,), (40, 80), (40, 80, 120))]
        [3.7103, 2.5114, 1.993]
        """
        rising: list[float] = []
        looks: list[int] = []
        for look, x in enumerate(information):
            if rising and x <= rising[-1]:
                looks[-1] = look
            elif x > 0:
                rising.append(float(x))
                looks.append(look)
        return _bounds(self, tuple(rising), tuple(looks), last) if rising else (np.inf, -np.inf)


@lru_cache(maxsize=200_000)
def _bounds(monitor: Monitor, information: tuple[float, ...], looks: tuple[int, ...], last: bool) -> tuple[float, float]:
    now = information[-1]
    null, effect = _entering(monitor, information, looks)
    upper = solve_bound(null, now, 0.0, _to_spend(monitor, monitor.spending, monitor.alpha, information, last), upper=True)
    if last or monitor.futility is None:
        return upper, -np.inf
    if isinstance(monitor.futility, BetaSpending):
        beta = _to_spend(monitor, monitor.futility.spending, monitor.futility.beta, information, False)
        if effect is None or now >= monitor.planned:
            return upper, upper
        if beta >= effect.share.sum():
            return upper, upper
        return upper, min(upper, solve_bound(effect, now, _step(monitor, information), beta, upper=False))
    assert isinstance(monitor.futility, LowerBound)
    fraction = now / monitor.planned
    if fraction >= 1:
        return upper, -np.inf
    return upper, min(upper, monitor.futility.lower(looks[-1], fraction, monitor.planned * monitor.unit_information, monitor.final_z))


@lru_cache(maxsize=20_000)
def _entering(monitor: Monitor, information: tuple[float, ...], looks: tuple[int, ...]) -> tuple[Continuing, Continuing | None]:
    """Return the sub-densities, without effect and under the effect that beta is spent for, of trials that go on to the latest look."""
    beta = isinstance(monitor.futility, BetaSpending)
    if len(information) == 1:
        return START, START if beta else None
    before, then = information[:-1], looks[:-1]
    null, effect = _entering(monitor, before, then)
    upper, lower = _bounds(monitor, before, then, False)
    null = advance(null, before[-1], 0.0, lower if monitor.binding else -np.inf, upper, information[-1])
    if effect is not None:
        effect = advance(effect, before[-1], _step(monitor, before), lower, upper, information[-1])
    return null, effect


def _step(monitor: Monitor, information: tuple[float, ...]) -> float:
    """E of the latest increment of the score process, whose variance is the information."""
    assert monitor.drift is not None
    previous = information[-2] if len(information) > 1 else 0.0
    return float(monitor.drift / np.sqrt(monitor.planned) * (information[-1] - previous))


def _to_spend(monitor: Monitor, spending: Spending, error: float, information: tuple[float, ...], last: bool) -> float:
    t = np.asarray(information) / monitor.planned
    spent = spending.spent(t, error)
    total = error if last else float(spent[-1])
    return total - (float(spent[-2]) if len(spent) > 1 else 0.0)
