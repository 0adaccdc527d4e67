"""Expected enrolment, events and dropouts of a two-arm trial at any calendar time, by quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True)
class PiecewiseRate:
    """Hold a rate per month that is rates[k] from breaks[k] to breaks[k + 1]; the last goes on for ever.

    Examples
    --------
    >>> PiecewiseRate((0.0, 3.0), (0.2, 0.1)).integral(np.array([5.0])).round(12).tolist()
    [0.8]
    """

    breaks: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        if (
            len(self.breaks) != len(self.rates)
            or not self.breaks
            or self.breaks[0] != 0
            or any(b <= a for a, b in zip(self.breaks, self.breaks[1:], strict=False))
        ):
            raise InputError(f"piecewise rate: breaks are {self.breaks} for {len(self.rates)} rates; allowed: as many, rising from 0")
        if not all(0 <= r < math.inf for r in self.rates):
            raise InputError(f"piecewise rate: rates are {self.rates}; allowed: 0 or more per month")

    def at(self, t: Array) -> Array:
        """Return the rate just after each t, float64[k]."""
        return np.asarray(self.rates)[np.searchsorted(self.breaks, t, side="right") - 1]

    def integral(self, t: Array) -> Array:
        """Return the integral from 0 to each t >= 0, float64[k]."""
        steps = np.diff(self.breaks)
        at_breaks = np.concatenate([[0.0], np.cumsum(steps * np.asarray(self.rates[:-1]))])
        k = np.searchsorted(self.breaks, t, side="right") - 1
        out: Array = at_breaks[k] + (t - np.asarray(self.breaks)[k]) * np.asarray(self.rates)[k]
        return out


@dataclass(frozen=True)
class TwoArmPlan:
    """Hold what a formula needs of a two-arm trial with a time-to-event endpoint.

    Parameters
    ----------
    accrual : PiecewiseRate, patients of both arms per calendar month
    accrual_duration : float > 0, months
    control, experimental : PiecewiseRate, event hazards by months since randomisation
    ratio : float > 0, patients experimental / control
    dropout_control, dropout_experimental : float >= 0, hazards of loss per month
    """

    accrual: PiecewiseRate
    accrual_duration: float
    control: PiecewiseRate
    experimental: PiecewiseRate
    ratio: float = 1.0
    dropout_control: float = 0.0
    dropout_experimental: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.accrual_duration < math.inf:
            raise InputError(f"plan: accrual_duration is {self.accrual_duration}; allowed: a positive number of months")
        if not 0 < self.ratio < math.inf:
            raise InputError(f"plan: ratio is {self.ratio}; allowed: a positive number, experimental / control")
        if not (0 <= self.dropout_control < math.inf and 0 <= self.dropout_experimental < math.inf):
            raise InputError(
                f"plan: dropout hazards are {self.dropout_control} and {self.dropout_experimental}; allowed: 0 or more per month"
            )

    def enrolled(self, calendar: float) -> float:
        """Return the expected number of patients enrolled by this calendar month."""
        return float(self.accrual.integral(np.array([min(max(calendar, 0.0), self.accrual_duration)]))[0])


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Hold the expected numbers at risk along the time since randomisation, at one calendar time.

    time, width : float64[m], quadrature nodes in months and their weights
    control, experimental : float64[m], patients expected at risk at each node
    hazard_control, hazard_experimental : float64[m], per month
    """

    time: Array
    width: Array
    control: Array
    experimental: Array
    hazard_control: Array
    hazard_experimental: Array

    @property
    def events_control(self) -> Array:
        """Expected events at each node, float64[m]"""
        return self.width * self.control * self.hazard_control

    @property
    def events_experimental(self) -> Array:
        """Expected events at each node, float64[m]"""
        return self.width * self.experimental * self.hazard_experimental


def risk_sets(plan: TwoArmPlan, calendar: float, until: float | None = None, breaks: tuple[float, ...] = ()) -> RiskSets:
    """Compute the expected risk sets when the trial is cut at this calendar month.

    Parameters
    ----------
    plan : TwoArmPlan
    calendar : float > 0, months
    until : float or None, months since randomisation at which to stop; None goes on to the first patient's cut
    breaks : float, months since randomisation at which what will be integrated has a step or a kink

    Notes
    -----
    Of the N(calendar - u) patients enrolled at least u months ago those at risk are N(calendar - u) S(u) exp(-eta u), by arm. Between the
    breaks of accrual and hazards this is smooth; 16 Gauss-Legendre nodes on each piece, which no hazard lasts longer than two units, are exact to 1e-13. The pieces
    are finer towards 0, where a weight such as (1 - S)^0.5 has no derivative.
    """
    if not 0 < calendar < math.inf:
        raise InputError(f"plan: the analysis is at {calendar} months; allowed: a positive number")
    arrivals = calendar - np.array([*plan.accrual.breaks, plan.accrual_duration])
    knots = np.unique(np.concatenate([[0.0, calendar], plan.control.breaks, plan.experimental.breaks, arrivals, breaks]))
    last = calendar if until is None else until
    knots = np.append(knots[(knots >= 0) & (knots < last)], last)
    fastest = max(*plan.control.rates, *plan.experimental.rates) + max(plan.dropout_control, plan.dropout_experimental)
    pieces = np.maximum(1, np.ceil(np.diff(knots) * fastest / 2)).astype(int)
    edges = np.concatenate(
        [np.linspace(a, b, m, endpoint=False) for a, b, m in zip(knots[:-1], knots[1:], pieces, strict=True)] + [knots[-1:]]
    )
    edges = np.concatenate([[0.0], edges[1] * 4.0 ** np.arange(-10, 0), edges[1:]])
    half = np.diff(edges)[:, None] / 2
    t = (edges[:-1, None] + half * (_NODES + 1)).ravel()
    enrolled = plan.accrual.integral(np.clip(calendar - t, 0.0, plan.accrual_duration))
    share = plan.ratio / (1 + plan.ratio)
    return RiskSets(
        t,
        (half * _WEIGHTS).ravel(),
        enrolled * (1 - share) * np.exp(-plan.control.integral(t) - plan.dropout_control * t),
        enrolled * share * np.exp(-plan.experimental.integral(t) - plan.dropout_experimental * t),
        plan.control.at(t),
        plan.experimental.at(t),
    )


def expected_events(plan: TwoArmPlan, calendar: float) -> tuple[float, float]:
    """Return the events expected by this calendar month, control and experimental.

    Examples
    --------
    >>> flat = PiecewiseRate((0.0,), (0.1,))
    >>> plan = TwoArmPlan(PiecewiseRate((0.0,), (10.0,)), 12.0, flat, flat)
    >>> round(sum(expected_events(plan, 12.0)), 6)
    50.119421
    """
    at = risk_sets(plan, calendar)
    return float(at.events_control.sum()), float(at.events_experimental.sum())


def expected_dropouts(plan: TwoArmPlan, calendar: float) -> float:
    """Return the losses expected by this calendar month, both arms."""
    at = risk_sets(plan, calendar)
    return float(at.width @ (at.control * plan.dropout_control + at.experimental * plan.dropout_experimental))


def time_of_events(plan: TwoArmPlan, events: float) -> float:
    """Return the calendar month by which this many events are expected.

    Raises
    ------
    InputError : where so many are never expected
    """
    if not 0 < events < math.inf:
        raise InputError(f"plan: events are {events}; allowed: a positive number")

    def short(calendar: float) -> float:
        return sum(expected_events(plan, calendar)) - events

    patients = plan.enrolled(plan.accrual_duration)
    return first_month(short, plan.accrual_duration, f"plan: {events:g} events are asked of {patients:g} patients and never expected")


def first_month(short: Callable[[float], float], start: float, refusal: str) -> float:
    """Return the root of a rising function of months, looked for from 0 to the first of start, 2 start, 4 start, … beyond it.

    Raises
    ------
    InputError : the refusal, where 10,000 starts are not enough
    """
    high = start
    while short(high) < 0:
        high *= 2
        if high > 1e4 * start:
            raise InputError(f"{refusal}; allowed: fewer")
    return float(brentq(short, high * 1e-9, high, xtol=1e-11, rtol=1e-14))
