"""The one-sample log-rank test on simulated trials, against the same simulated in R: rejection rate and mean events, within 4 standard errors."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from sim.accrual import UniformAccrual
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import NoEffect
from sim.followup import ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.statistic.logrank import LogRank
from sim.statistic.one_sample_logrank import OneSampleLogRank
from sim.statistic.statistic import NO_LEVEL
from sim.trial import Trial, enrol
from sim.validation.check import Check, Reference, compare
from sim.validation.reading import vector
from sim.validation.sim_power import TILE

FAMILY = "one_sample_simulated"
CRITICAL = {0.025: 1.959963984540054, 0.05: 1.6448536269514722}
_against = partial(compare, FAMILY)


def belongs(row: Reference) -> bool:
    """Tell whether a row was simulated in R: n patients entering uniformly, everybody cut at one calendar time."""
    return str(row.function).startswith("Monte Carlo one-sample log-rank")


def check(row: Reference, n_sim: int, seed: int) -> list[Check]:
    """Simulate the trial of one row; compare its rejection rate and its mean number of events."""
    hazards, breaks = vector(row["lambda"]), vector(row.pw_times)
    dropout = ExponentialDropout(hazard=float(row.dropout)) if row.dropout > 0 else NoDropout()
    accrual = UniformAccrual(duration=float(row.accrual_duration))
    design = RandomisedSurvival(int(row.subjects), events=(1,), statistic=LogRank(), spending=None, stratified_randomisation=False)
    trial = Trial(PiecewiseExponential(hazards=(hazards,), breaks=breaks), accrual, dropout, NoEffect(), design)
    null = PiecewiseExponential(hazards=((float(row.lambda_h0),),)).curve("pfs")
    statistic = OneSampleLogRank(null, "mean" if "(O+E)/2" in row.function else "null")
    rejected, events = [], []
    for first in range(0, n_sim, TILE):
        m = min(TILE, n_sim - first)
        o = enrol(trial, Draws(seed, first, m, trial.plan.n))
        result = statistic.test(o, np.full(m, float(row.time)), NO_LEVEL)
        rejected.append(result.z >= CRITICAL[float(row.alpha)])
        events.append(result.events)
    p, count = float(np.concatenate(rejected).mean()), np.concatenate(events)
    error = math.sqrt(p * (1 - p) / n_sim + float(row.power_se) ** 2)
    # both means come from as many trials of the same spread
    spread = float(count.std()) * math.sqrt(1 / n_sim + 1 / float(row.n_sim))
    note = f"{n_sim:,} replicates against {row.n_sim:,.0f}"
    return [
        _against(row, "rejection rate", row.power, p, absolute=4 * error, note=note),
        _against(row, "mean events", row.events, float(count.mean()), absolute=4 * spread, note=note),
    ]
