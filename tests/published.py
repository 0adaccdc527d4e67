"""Trials that others have published numbers for, and how a simulated probability is compared with them."""

import math

import numpy as np

from sim.design.design import REJECT
from sim.engine import simulate
from sim.executor.joblib_threads import JoblibThreads
from sim.rng import Draws
from sim.statistic.statistic import Code
from sim.trial import enrol, final_rows
from sim.validation import one_sample_simulated, sim_power
from sim.validation.sim_power import row_trial as row_trial
from sim.validation.sim_power import weights as weights
from tests.reference.read import rows
from tests.reference.read import vector as vector
from tests.validation.holding import hold

SEED = 2657


def rejection_rate(trial, n_sim, seed=SEED):
    """(share of trials that reject, its Monte Carlo error)."""
    final = final_rows(simulate(trial, n_sim, seed, JoblibThreads(2)).rows)
    assert len(final) == n_sim
    assert not (final["code"] == Code.FAILED).any()
    p = float(np.mean(final["decision"] == REJECT))
    return p, math.sqrt(p * (1 - p) / n_sim)


def agrees(trial, published, tolerance, n_sim):
    """Whether the power is within 3 Monte Carlo errors and the stated tolerance of the published one."""
    p, error = rejection_rate(trial, n_sim)
    return abs(p - published) <= 3 * error + tolerance, (p, published, error)


def rejection_rate_at(trial, month, n_sim, seed=SEED):
    """The same for a trial that is analysed at one calendar month, whoever entered last."""
    rejected = 0
    for first in range(0, n_sim, 1000):
        o = enrol(trial, Draws(seed, first, 1000, trial.plan.n))
        result = trial.plan.statistic.test(o, np.full(1000, float(month)), 0.025)
        rejected += int(trial.plan.rule.decide(0, result).sum())
    p = rejected / n_sim
    return p, math.sqrt(p * (1 - p) / n_sim)


# --- sim_power.csv and one_sample.csv: simulated by lrstat, rpact and R with their own errors -----------------------------


def one_sample_rows():
    """The rows simulated in R: n patients entering uniformly, everybody cut at one calendar time."""
    return [row for row in rows("one_sample") if one_sample_simulated.belongs(row)]


def check_sim_power(row, n_sim):
    """Compare every look with the row, within 4 standard errors of the difference."""
    hold(sim_power.check(row, n_sim, SEED))


def check_one_sample(row, n_sim):
    """Compare the rejection rate and the mean number of events with the row, within 4 standard errors of the difference."""
    hold(one_sample_simulated.check(row, n_sim, SEED))
