"""A trial as it would go if it were very large: when its looks come, and what its estimate tends to at each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.effect import NO_EFFECT
from sim.effect.cox_limit import LargeTrial
from sim.trial import Trial
from sim.types import Array, InputError

ENDPOINTS = {"PFS": "pfs", "OS": "os"}


@dataclass(frozen=True)
class ExpectedLook:
    """One look of a large trial of the same proportions.

    month : calendar; events : expected among the trial's patients
    cox, cox_unstratified : limits of Cox's estimator, risk sets by the population's strata and of everybody
    estimand : the limit of the estimate of the design's own test; NaN where it is not known
    """

    look: int
    month: float
    events: float
    cox: float
    cox_unstratified: float
    estimand: float


@dataclass(frozen=True, eq=False)
class Expected:
    """The expected course of a trial of a time-to-event endpoint.

    Notes
    -----
    Patients enter at their expected rate and are lost at the trial's own hazard; a look comes when its events are expected. In
    a trial of few patients events cluster, so the mean month of a look differs a little.

    References
    ----------
    Lachin & Foulkes, Biometrics 1986;42:507. Struthers & Kalbfleisch, Biometrika 1986;73:363.
    """

    trial: Trial

    @property
    def endpoint(self) -> str:
        """The endpoint whose events are counted; InputError where the design tests a response."""
        name = self.trial.plan.hypothesis
        if name not in ENDPOINTS:
            raise InputError(f"large trial: the design tests {name}; allowed: {', '.join(ENDPOINTS)}")
        return ENDPOINTS[name]

    @cached_property
    def _curves(self) -> tuple[float, Array]:
        """Step in months, and float64[2 g, k]: control then experimental curve of each stratum."""
        population, trial = self.trial.population, self.trial
        both = [population.strata_curves(self.endpoint, effect) for effect in (NO_EFFECT, trial.mechanism)]
        return both[0][0].step, np.array([curve.survival for arm in both for curve in arm])

    @cached_property
    def _weights(self) -> Array:
        share = self.trial.plan.allocation.experimental_share
        own = np.array(self.trial.population.strata_shares)
        return np.concatenate([(1 - share) * own, share * own])

    def cut_at(self, month: float, stratified: bool = True) -> LargeTrial:
        """Return what is expected to have been seen by a calendar month, per patient of the trial."""
        step, curves = self._curves
        k = min(max(round(month / step), 1), curves.shape[1] - 1)
        t = np.arange(k + 1) * step
        lost, n = self.trial.dropout.hazard_per_month, self.trial.plan.n
        follow = np.minimum(self.trial.accrual.entered(n, np.maximum(month - t, 0.0)) / n, 1.0) * np.exp(-lost * t)
        strata = len(curves) // 2
        keep = self._weights > 0
        groups, arms = np.tile(np.arange(strata), 2), np.repeat([0.0, 1.0], strata)
        return LargeTrial.of(curves[keep][:, : k + 1], self._weights[keep], arms[keep], follow, groups[keep] if stratified else None)

    def events_by(self, month: float) -> float:
        """Return the events expected by a calendar month."""
        return self.trial.plan.n * self.cut_at(month, stratified=False).expected_events if month > 0 else 0.0

    def months(self) -> tuple[float, ...]:
        """Return the calendar month of each planned look."""
        trial = self.trial
        n = trial.plan.n
        return trial.plan.cut.expected_months(self.events_by, lambda k: float(np.interp(k, *trial.accrual.expected_entries(n)[::-1])), n)

    def looks(self) -> tuple[ExpectedLook, ...]:
        """Return every planned look whose month is known; none where one arm has no patients."""
        if not 0 < self.trial.plan.allocation.experimental_share < 1:
            return ()
        out = []
        for look, month in enumerate(self.months(), start=1):
            if not np.isfinite(month):
                continue
            by = {stratified: self.cut_at(month, stratified) for stratified in (True, False)}
            estimand = self.trial.plan.statistic.estimand(by.__getitem__)
            events = self.trial.plan.n * by[False].expected_events
            out.append(ExpectedLook(look, month, events, by[True].cox(), by[False].cox(), estimand))
        return tuple(out)
