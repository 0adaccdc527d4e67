"""Trials that others have published numbers for, and how a simulated probability is compared with them."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.accrual import Accrual, UniformAccrual
from sim.design.design import REJECT
from sim.effect import Effect, HazardProfile, NoEffect
from sim.engine import simulate
from sim.executor.joblib_threads import JoblibThreads
from sim.followup import CutAtEvents, ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.statistic.logrank import LogRank
from sim.statistic.one_sample_logrank import OneSampleLogRank
from sim.statistic.statistic import Code
from sim.trial import Trial, enrol, final_rows
from tests.designs import textbook
from tests.reference.read import rows, vector

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
        result = trial.plan.statistic.test(o, np.full(1000, float(month)))
        rejected += int(trial.plan.rule.decide(0, result).sum())
    p = rejected / n_sim
    return p, math.sqrt(p * (1 - p) / n_sim)


# --- sim_power.csv: rows of lrstat and rpact, simulated by them with their own errors -------------------------------------


@lru_cache(maxsize=64)
def looked_at(key, n_sim):
    """float64[looks, n_sim] z at every look (none stops), and whether it was reached."""
    trial, events, weights = key
    cut, statistic = CutAtEvents(events, 1000.0), LogRank(False, *weights)
    z, reached = [], []
    for first in range(0, n_sim, 1000):
        o = enrol(trial, Draws(SEED, first, min(1000, n_sim - first), trial.plan.n))
        cuts, came = cut.calendar(o)
        z.append([statistic.test(o, np.ascontiguousarray(c)).z for c in cuts])
        reached.append(came)
    return np.concatenate(z, axis=1), np.concatenate(reached, axis=1)


@dataclass(frozen=True)
class Ratios(Effect):
    """Any hazard profile, also one that crosses."""

    profile: HazardProfile

    @property
    def hazard(self):
        return self.profile

    def response_rate(self, control):
        return control

    def describe(self):
        return []


@dataclass(frozen=True)
class Evenly(Accrual):
    """Patients at equal distances, as rpact lets them enter; lrstat's are a Poisson process."""

    rate: float

    def entries(self, draws):
        return np.tile((np.arange(draws.n) + 1) / self.rate, (draws.m, 1))

    def expected_duration(self, n):
        return n / self.rate

    def describe(self):
        return []


def row_trial(row):
    """The trial of a row, and its looks: its accrual, its allocation in the smallest blocks, its hazards."""
    late = not math.isnan(row["change_time"])
    profile = (
        HazardProfile((0.0, float(row["change_time"])), (float(row["hr_early"]), float(row["hr_late"])))
        if late
        else HazardProfile((0.0,), (float(row["hr"]),))
    )
    ratio = (int(row["ratio_exp"]), int(row["ratio_control"]))
    dropout = ExponentialDropout(hazard=float(row["dropout_hazard"])) if row["dropout_hazard"] > 0 else NoDropout()
    accrual = {"lrstat": UniformAccrual, "rpact": Evenly}[row["package"]](rate=float(row["accrual_rate"]))
    design = textbook(n=int(row["n"]), events=(1,), ratio=ratio, block_size=sum(ratio)).design
    population = PiecewiseExponential(hazards=((float(row["lambda_control"]),),))
    return Trial(population, accrual, dropout, Ratios(profile), design), tuple(int(d) for d in vector(row["events"]))


def weights(row):
    """(rho, gamma) of FH(rho,gamma)."""
    return tuple(float(x) for x in row["test"][3:-1].split(","))


def power_by_look(row, n_sim):
    """Cumulative power at the row's looks with the row's own bounds, and its Monte Carlo error."""
    trial, events = row_trial(row)
    z, reached = looked_at((trial, events, weights(row)), n_sim)
    crossed = (z >= np.array(vector(row["bounds_z"]))[:, None]) & (reached == 1)
    by_look = np.maximum.accumulate(crossed, axis=0).mean(axis=1)
    return by_look, np.sqrt(by_look * (1 - by_look) / n_sim)


def check_sim_power(row, n_sim):
    """Compare every look with the row, within 4 standard errors of the difference."""
    ours, error = power_by_look(row, n_sim)
    theirs = np.array(vector(row["power_by_look"]))
    their_error = np.sqrt(theirs * (1 - theirs) / row["n_sim"])
    assert their_error[-1] <= row["power_se"] * 1.2
    np.testing.assert_array_less(np.abs(ours - theirs), 4 * np.sqrt(error**2 + their_error**2), err_msg=f"{row['id']}: {ours} {theirs}")


# --- one_sample.csv: one-sample log-rank by Monte Carlo in R --------------------------------------------------------------


def one_sample_rows():
    """The rows simulated in R: n patients entering uniformly, everybody cut at one calendar time."""
    return [r for r in rows("one_sample") if str(r["function"]).startswith("Monte Carlo one-sample log-rank")]


def check_one_sample(row, n_sim):
    """Compare the rejection rate and the mean number of events with the row, within 4 standard errors of the difference."""
    hazards, breaks = vector(row["lambda"]), vector(row["pw_times"])
    dropout = ExponentialDropout(hazard=float(row["dropout"])) if row["dropout"] > 0 else NoDropout()
    accrual = UniformAccrual(duration=float(row["accrual_duration"]))
    population = PiecewiseExponential(hazards=(hazards,), breaks=breaks)
    trial = Trial(population, accrual, dropout, NoEffect(), textbook(n=int(row["subjects"]), events=(1,)).design)
    null = PiecewiseExponential(hazards=((float(row["lambda_h0"]),),)).curve("pfs")
    statistic = OneSampleLogRank(null, "mean" if "(O+E)/2" in row["function"] else "null")
    rejected, events = [], []
    critical = {0.025: 1.959963984540054, 0.05: 1.6448536269514722}[float(row["alpha"])]
    for first in range(0, n_sim, 1000):
        o = enrol(trial, Draws(SEED, first, 1000, trial.plan.n))
        result = statistic.test(o, np.full(1000, float(row["time"])))
        rejected.append(result.z >= critical)
        events.append(result.events)
    p, count = np.mean(rejected), np.concatenate(events)
    error = math.sqrt(p * (1 - p) / n_sim + float(row["power_se"]) ** 2)
    assert abs(p - float(row["power"])) < 4 * error, (row["id"], p, row["power"], error)
    # both means come from as many trials of the same spread
    assert abs(count.mean() - float(row["events"])) < 4 * count.std() * math.sqrt(1 / n_sim + 1 / float(row["n_sim"]))
