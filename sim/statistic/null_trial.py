"""What a trial without effect is expected to show at a look: who is at risk how long after entry, by quadrature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.curve import Curve
from sim.later import later
from sim.setting import Setting
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
exp = later("sim.kernels.vectors", "exp")

FAR = 1200.0  # months after the last entry: who has had no event by then never has one
CELLS = 100_000  # at most, so that a very slow accrual stays within the memory
_NODES = np.array([-1.0, 1.0]) / math.sqrt(3.0)


@dataclass(frozen=True, eq=False)
class ExpectedRisk:
    """Who is expected at risk at one look; arrays float64[strata, nodes], the nodes along the months since entry.

    time : float64[nodes], months; width : float64[nodes], their quadrature weights
    survival : the null curve; hazard : its integral over the node's share of the time
    at_risk : patients of both arms; share : of the patients in the experimental arm
    """

    time: Array
    width: Array
    survival: Array
    hazard: Array
    at_risk: Array
    share: float

    @property
    def events(self) -> float:
        """Expected events of both arms."""
        return float(np.sum(self.at_risk * self.hazard))

    def survival_at(self, month: float) -> Array:
        """Return the null curves at a month since entry, float64[strata]; the last node's beyond it."""
        return np.array([math.exp(np.interp(month, self.time, np.log(np.maximum(s, 1e-300)))) for s in self.survival])

    def covariance(self, weights: Array) -> Array:
        """Return the null covariance of weighted log-rank scores, float64[k, k].

        weights : float64[k, strata, nodes]

        Notes
        -----
        Cov(U_a, U_b) = p (1 - p) sum over strata of integral w_a w_b dN, p the share of the experimental arm: under the null both arms
        thin out alike. At a later look it is this much larger, and Cov between looks is that of the earlier one.
        """
        w = weights.reshape(len(weights), -1)
        out: Array = self.share * (1 - self.share) * (w * (self.at_risk * self.hazard).ravel()) @ w.T
        return out


@dataclass(frozen=True)
class NullTrial:
    """A randomised trial of a treatment that changes nothing.

    Parameters
    ----------
    setting : who, when and how long
    endpoint : "pfs" or "os"
    n : places
    share : of the patients in the experimental arm
    """

    setting: Setting
    endpoint: str
    n: int
    share: float

    def look(self, events: float) -> NullLook:
        """Return the look at which this many events are expected."""
        return NullLook(self, events)

    def risk(self, month: float, stratified: bool = False, breaks: tuple[float, ...] = ()) -> ExpectedRisk:
        """Return who is expected at risk when the trial is cut at a calendar month.

        Parameters
        ----------
        month : above 0; stratified : by the population's strata; False: all patients as one
        breaks : months since entry at which what is to be integrated has a step

        Notes
        -----
        R_g(t) = p_g N(month - t) S_g(t) exp(-eta t), N the patients expected to have entered, eta the dropout hazard. Two Gauss-Legendre
        nodes on each cell of the curve's own grid, cut where N bends and at `breaks`: between grid points the curve is exponential.
        """
        corners, entered = self.setting.accrual.expected_entries(self.n)
        curves, shares = self._strata if stratified else ((self._pooled,), np.ones(1))
        step = max(curves[0].step, month / CELLS)
        edges = np.concatenate([np.arange(0.0, month, step), [month], month - corners, breaks])
        edges = np.unique(edges[(edges >= 0) & (edges <= month)])
        half = np.diff(edges)[:, None] / 2
        time = (edges[:-1, None] + half * (1 + _NODES)).ravel()
        there = np.interp(month - time, corners, entered) * exp(-self.setting.dropout.hazard_per_month * time)
        survival = np.array([exp(-curve.cumulative_hazard_at(time)) for curve in curves])
        hazard = np.array([np.repeat(np.diff(curve.cumulative_hazard_at(edges)) / 2, 2) for curve in curves])
        at_risk = shares[:, None] * there * survival
        return ExpectedRisk(time, np.repeat(half.ravel(), 2), survival, hazard, at_risk, self.share)

    def month_of(self, events: float) -> float:
        """Return the calendar month by which this many events are expected; where they never are, one at which all have come."""
        end = float(self.setting.accrual.expected_entries(self.n)[0][-1])
        if self._all_events <= events:
            return end + FAR
        high = min(1.0, end)
        while self.risk(high).events < events:
            high = min(2 * high, end + FAR)
        return float(brentq(lambda month: self.risk(month).events - events, high * 1e-9, high, xtol=1e-10, rtol=1e-13))

    @cached_property
    def _all_events(self) -> float:
        end = float(self.setting.accrual.expected_entries(self.n)[0][-1])
        found = self.risk(end + FAR).events
        if not found > 0:
            raise InputError("design.statistic: the population has no events under the null; allowed: a hazard above 0")
        return found

    @cached_property
    def _pooled(self) -> Curve:
        return self.setting.population.curve(self.endpoint)

    @cached_property
    def _strata(self) -> tuple[tuple[Curve, ...], Array]:
        population = self.setting.population
        shares = population.strata_shares
        return tuple(population.curve(self.endpoint, stratum=g) for g in range(len(shares))), shares


@dataclass(frozen=True)
class NullLook:
    """One look of a trial without effect, called by its number of events. Nothing is computed before it is asked for."""

    trial: NullTrial
    events: float

    @cached_property
    def month(self) -> float:
        """The calendar month at which the events are expected."""
        return self.trial.month_of(self.events)

    def risk(self, stratified: bool = False, breaks: tuple[float, ...] = ()) -> ExpectedRisk:
        """Return who is expected at risk; where the events are never expected, more patients of the same kind."""
        found = self.trial.risk(self.month, stratified, breaks)
        short = self.events / found.events if self.trial._all_events <= self.events else 1.0
        return ExpectedRisk(found.time, found.width, found.survival, found.hazard, short * found.at_risk, found.share)
