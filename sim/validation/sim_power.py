"""Trials simulated by lrstat and rpact: cumulative power at every look, within 4 standard errors of the difference of two simulations.

Each row is simulated with its own accrual (lrstat's is a Poisson process, rpact's evenly spaced), its allocation in the smallest blocks,
its hazards and its own bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from sim.accrual import Accrual, UniformAccrual
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import Effect, HazardProfile
from sim.followup import CutAtEvents, ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.statistic.logrank import LogRank
from sim.trial import Trial, enrol
from sim.types import Array, Assumption, Flags
from sim.validation.check import Check, Reference, compare
from sim.validation.reading import vector

FAMILY = "sim_power"
TILE = 1000
_against = partial(compare, FAMILY)


@dataclass(frozen=True)
class Ratios(Effect):
    """Multiply the hazard by any profile, also one that crosses 1."""

    profile: HazardProfile

    @property
    def hazard(self) -> HazardProfile:
        return self.profile

    def response_rate(self, control: float) -> float:
        return control

    def describe(self) -> list[Assumption]:
        return []


@dataclass(frozen=True)
class EvenAccrual(Accrual):
    """Let patients enter at equal distances, as rpact does; `rate` patients a month."""

    rate: float

    def entries(self, draws: Draws) -> Array:
        return np.tile((np.arange(draws.n) + 1) / self.rate, (draws.m, 1))

    def expected_duration(self, n: int) -> float:
        return n / self.rate

    def entered(self, n: int, month: Array) -> Array:
        return self.rate * np.maximum(month, 0.0)

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
    return Trial(population, accrual, dropout, Ratios(profile), design), tuple(int(d) for d in vector(row.events))


def weights(row: Reference) -> tuple[float, float]:
    """Return (rho, gamma) of FH(rho,gamma)."""
    rho, gamma = row.test[3:-1].split(",")
    return float(rho), float(gamma)


def looked_at(trial: Trial, events: tuple[int, ...], weight: tuple[float, float], n_sim: int, seed: int) -> tuple[Array, Flags]:
    """Return z : float64[looks, n_sim] at every look (none stops), and whether it was reached."""
    cut, statistic = CutAtEvents(events, 1000.0), LogRank(False, *weight)
    z, reached = [], []
    for first in range(0, n_sim, TILE):
        o = enrol(trial, Draws(seed, first, min(TILE, n_sim - first), trial.plan.n))
        cuts, came = cut.calendar(o)
        z.append([statistic.test(o, np.ascontiguousarray(c)).z for c in cuts])
        reached.append(came)
    return np.concatenate(z, axis=1), np.concatenate(reached, axis=1)


def power_by_look(row: Reference, n_sim: int, seed: int) -> tuple[Array, Array]:
    """Return the cumulative power at the row's looks with the row's own bounds, and its Monte Carlo error."""
    trial, events = row_trial(row)
    z, reached = looked_at(trial, events, weights(row), n_sim, seed)
    crossed = (z >= np.array(vector(row.bounds_z))[:, None]) & (reached == 1)
    by_look: Array = np.maximum.accumulate(crossed, axis=0).mean(axis=1)
    return by_look, np.sqrt(by_look * (1 - by_look) / n_sim)


def check(row: Reference, n_sim: int, seed: int) -> list[Check]:
    """Simulate the trial of one row and hold every look against it."""
    ours, error = power_by_look(row, n_sim, seed)
    theirs = np.array(vector(row.power_by_look))
    their_error = np.sqrt(theirs * (1 - theirs) / row.n_sim)
    out = []
    for look, (expected, got, mcse, other) in enumerate(zip(theirs, ours, error, their_error, strict=True), 1):
        note = f"{n_sim:,} replicates against {row.n_sim:,.0f}; Monte Carlo error {mcse:.4f} and {other:.4f}"
        out.append(_against(row, f"power up to look {look}", expected, got, absolute=4 * math.hypot(mcse, other), note=note))
    # the row's own error must be that of as many trials as it names
    printed = f"standard error of the row, at most 1.2 times {row.power_se:.2g}"
    return [*out, _against(row, printed, 1, float(their_error[-1] <= row.power_se * 1.2))]
