"""Trials simulated by lrstat and rpact: power by look, events, patients, months and final z, within 4 standard errors of the difference of two simulations.

Each row is simulated with its own accrual (lrstat's is a Poisson process, rpact's evenly spaced), its allocation in the smallest blocks,
its hazards and its own bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.accrual import Accrual, UniformAccrual
from sim.boundary.recursive_integration import crossing_probabilities
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import HazardProfile, Piecewise
from sim.followup import CutAtEvents, ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.statistic.logrank import LogRank
from sim.statistic.statistic import NO_LEVEL
from sim.trial import Trial, enrol
from sim.types import Array, Assumption, Flags
from sim.validation.check import Check, Reference, compare
from sim.validation.reading import vector

FAMILY = "sim_power"
TILE = 1000
EVENTS = 1e-3  # rpact counts 119.99997 or 120.00003 of 120 events
Mask = NDArray[np.bool_]
_against = partial(compare, FAMILY)


@dataclass(frozen=True)
class EvenAccrual(Accrual):
    """Let patients enter at equal distances, as rpact does; `rate` patients a month."""

    rate: float

    def entries(self, draws: Draws) -> Array:
        return np.tile((np.arange(draws.n) + 1) / self.rate, (draws.m, 1))

    def expected_duration(self, n: int) -> float:
        return n / self.rate

    def expected_entries(self, n: int) -> tuple[Array, Array]:
        return np.array([0.0, n / self.rate]), np.array([0.0, float(n)])

    def describe(self) -> list[Assumption]:
        return []


def row_trial(row: Reference) -> tuple[Trial, tuple[int, ...]]:
    """Return the trial of a row, and the events of its looks."""
    if math.isnan(row.change_time):
        profile = HazardProfile((0.0,), (float(row.hr),))
    else:
        profile = HazardProfile((0.0, float(row.change_time)), (float(row.hr_early), float(row.hr_late)))
    ratio = (int(row.ratio_exp), int(row.ratio_control))
    dropout = ExponentialDropout(hazard=float(row.dropout_hazard)) if row.dropout_hazard > 0 else NoDropout()
    rate = float(row.accrual_rate)
    accrual = UniformAccrual(rate=rate) if row.package == "lrstat" else EvenAccrual(rate)
    design = RandomisedSurvival(
        int(row.n), events=(1,), ratio=ratio, block_size=sum(ratio), statistic=LogRank(), spending=None, stratified_randomisation=False
    )
    population = PiecewiseExponential(hazards=((float(row.lambda_control),),))
    return Trial(population, accrual, dropout, Piecewise(profile.breaks, profile.ratios), design), tuple(int(d) for d in vector(row.events))


def weights(row: Reference) -> tuple[float, float]:
    """Return (rho, gamma) of FH(rho,gamma)."""
    rho, gamma = row.test[3:-1].split(",")
    return float(rho), float(gamma)


@dataclass(frozen=True, eq=False)
class Looked:
    """What every look of n_sim trials found, whether or not an earlier one rejected; arrays [looks, n_sim].

    z : positive favours the experimental arm; month, events, patients : at the look; reached : 1 where its events came
    """

    z: Array
    month: Array
    events: Array
    patients: Array
    reached: Flags


def looked_at(trial: Trial, events: tuple[int, ...], weight: tuple[float, float], n_sim: int, seed: int) -> Looked:
    """Simulate n_sim trials through all their looks; none stops."""
    cut, statistic = CutAtEvents(events, 1000.0), LogRank(False, *weight)
    parts: list[tuple[Any, ...]] = []
    for first in range(0, n_sim, TILE):
        o = enrol(trial, Draws(seed, first, min(TILE, n_sim - first), trial.plan.n))
        assert o.time is not None
        months, came = cut.calendar(o)
        # a look whose events never come is made when nobody is left to be watched
        months = np.ascontiguousarray(np.where(came == 1, months, np.minimum(months, (o.entry + o.time).max(axis=1))))
        found = [statistic.test(o, month, NO_LEVEL) for month in months]
        parts.append(
            (np.array([f.z for f in found]), months, np.array([f.events for f in found]), np.array([f.enrolled for f in found]), came)
        )
    return Looked(*(np.concatenate(part, axis=1) for part in zip(*parts, strict=True)))


def check(row: Reference, n_sim: int, seed: int) -> list[Check]:
    """Simulate the trial of one row and hold every look, what the trials took, and the final z against it."""
    trial, events = row_trial(row)
    looked = looked_at(trial, events, weights(row), n_sim, seed)
    crossed = (looked.z >= np.array(vector(row.bounds_z))[:, None]) & (looked.reached == 1)
    return [*_power(row, crossed, n_sim), *_bounds(row, events), *_course(row, looked, crossed), *_final_z(row, looked)]


def _power(row: Reference, crossed: Mask, n_sim: int) -> list[Check]:
    ours = np.maximum.accumulate(crossed, axis=0).mean(axis=1)
    error = np.sqrt(ours * (1 - ours) / n_sim)
    theirs = np.array(vector(row.power_by_look))
    their_error = np.sqrt(theirs * (1 - theirs) / row.n_sim)
    out = []
    for look, (expected, got, mcse, other) in enumerate(zip(theirs, ours, error, their_error, strict=True), 1):
        note = f"{n_sim:,} replicates against {row.n_sim:,.0f}; Monte Carlo error {mcse:.4f} and {other:.4f}"
        out.append(_against(row, f"power up to look {look}", expected, got, absolute=4 * math.hypot(mcse, other), note=note))
    out.append(_against(row, "power", row.power, ours[-1], absolute=4 * math.hypot(error[-1], their_error[-1])))
    # the row's own error must be that of as many trials as it names
    printed = f"standard error of the row, at most 1.2 times {row.power_se:.2g}"
    return [*out, _against(row, printed, 1, float(their_error[-1] <= row.power_se * 1.2))]


def _bounds(row: Reference, events: tuple[int, ...]) -> list[Check]:
    """The row's own bounds spend its level, information being the events."""
    fractions = tuple(d / events[-1] for d in events)
    spent = crossing_probabilities(fractions, np.array(vector(row.bounds_z))).upper.sum()
    return [_against(row, "level of the row's bounds", row.alpha, spent, absolute=1e-5)]


def _course(row: Reference, looked: Looked, crossed: Mask) -> list[Check]:
    """Events, patients and months of trials that stop at their first rejection, and the months of each look that was made."""
    looks, n_sim = crossed.shape
    stop = np.where(crossed.any(axis=0), crossed.argmax(axis=0), looks - 1)
    end = stop, np.arange(n_sim)
    out = [
        _mean(row, "expected events", row.expected_events, looked.events[end], row.n_sim, EVENTS),
        _mean(row, "expected patients", row.expected_subjects, looked.patients[end], row.n_sim, EVENTS),
        _mean(row, "expected duration, months", row.expected_duration, looked.month[end], row.n_sim),
    ]
    for look, expected in enumerate(vector(row.look_times)):
        made = looked.month[look, stop >= look]
        # as many of their trials as of ours get so far
        out.append(_mean(row, f"months to look {look + 1}", expected, made, row.n_sim * len(made) / n_sim))
    return out


def _final_z(row: Reference, looked: Looked) -> list[Check]:
    """lrstat tells the final z of all trials, stops ignored and negative in favour of the experimental arm, and how many never came so far."""
    if math.isnan(row.z_final_mean):
        return []
    z, n_sim = -looked.z[-1], looked.z.shape[1]
    sd, both = float(z.std(ddof=1)), math.sqrt(1 / n_sim + 1 / row.n_sim)
    missed = float(np.mean(looked.reached[-1] == 0))
    pooled = (missed * n_sim + row.events_not_reached * row.n_sim) / (n_sim + row.n_sim)
    return [
        _mean(row, "final z, mean", row.z_final_mean, z, row.n_sim),
        # of a normal variable; the final z is nearly one
        _against(row, "final z, standard deviation", row.z_final_sd, sd, absolute=4 * sd * both / math.sqrt(2)),
        _against(row, "events not reached", row.events_not_reached, missed, absolute=4 * math.sqrt(pooled * (1 - pooled)) * both),
    ]


def _mean(row: Reference, quantity: str, expected: float, found: Array, theirs: float, least: float = 0.0) -> Check:
    """Hold a mean of ours against theirs: both come from trials of the same spread."""
    tolerance = max(4 * float(found.std()) * math.sqrt(1 / len(found) + 1 / theirs), least)
    note = f"{len(found):,} replicates against {theirs:,.0f}"
    return _against(row, quantity, expected, float(found.mean()), absolute=tolerance, note=note)
