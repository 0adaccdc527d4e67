"""The textbook scenarios against their published power, and the sizes of the tests against theirs.

Power: 200,000 replicates, within the stated tolerance; with fewer, three Monte Carlo errors are added. Size: twice as many replicates,
within three Monte Carlo errors and the digits that are printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sim.accrual import UniformAccrual
from sim.design.design import REJECT
from sim.design.single_arm_survival import SingleArmSurvival
from sim.effect import NoEffect
from sim.engine import simulate
from sim.executor.executor import Executor
from sim.followup import NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.statistic import Code
from sim.trial import Trial, final_rows
from sim.validation.check import Check, broken, compare

FAMILY = "textbook"
ENOUGH = 200_000

SCENARIOS: dict[str, tuple[tuple[str, ...], str]] = {
    "textbook_rct_pfs": (("scenarios=textbook_rct_pfs",), ""),
    "textbook_rct_gs": (("scenarios=textbook_rct_gs",), ""),
    "textbook_rct_delayed, log-rank": (("scenarios=textbook_rct_delayed",), "log_rank"),
    "textbook_rct_delayed, FH(0,1)": (("scenarios=textbook_rct_delayed",), "fleming_harrington_0_1"),
    "textbook_rct_600": (("scenarios=textbook_rct_600",), ""),
    "textbook_rct_pfs, 30 patients, 20 events": (("scenarios=textbook_rct_pfs", "design.n=30", "design.events=[20]"), ""),
}
"""Name of a trial -> what composes it, and which of its cells it is."""


@dataclass(frozen=True)
class Published:
    """A published rejection rate of a trial.

    trial : its name; effect : under the stated effect, or under no effect (size); value, tolerance : probabilities
    at_least : the value is a bound from below
    """

    id: str
    trial: str
    value: float
    tolerance: float
    effect: bool = True
    at_least: bool = False
    package: str = "published simulation"
    version: str = ""

    @property
    def function(self) -> str:
        return self.trial


PUBLISHED = (
    Published("textbook-1", "textbook_rct_pfs", 0.7905, 0.004),
    Published("textbook-2", "textbook_rct_gs", 0.786, 0.004),
    Published("textbook-3", "textbook_rct_delayed, log-rank", 0.699, 0.005),
    Published("textbook-4", "textbook_rct_delayed, FH(0,1)", 0.867, 0.004),
    Published("textbook-5", "textbook_rct_600", 0.998, 0.0, at_least=True),
    Published("textbook-6", "textbook_rct_pfs", 0.0258, 0.00005, effect=False),
    Published("textbook-7", "textbook_rct_pfs, 30 patients, 20 events", 0.0289, 0.00005, effect=False),
    Published("textbook-8", "one-sample log-rank, variance (O + E) / 2", 0.0257, 0.00005, effect=False),
    Published("textbook-9", "one-sample log-rank, variance E", 0.0188, 0.00005, effect=False),
    Published("textbook-10", "one-sample log-rank, variance O", 0.033, 0.0005, effect=False),
)


def one_sample(variance: str) -> Trial:
    """Return 60 patients over 12 months, the last followed for 12, exponential with median 5.5 months, no effect, nobody lost."""
    population = PiecewiseExponential(medians=(5.5,))
    design = SingleArmSurvival(60, followup=12.0, variance=variance, null="population")
    return Trial(population, UniformAccrual(duration=12.0), NoDropout(), NoEffect(), design)


def trials(scenarios: Mapping[str, Trial]) -> dict[str, Trial]:
    """Return every trial of `PUBLISHED` by name, given those that the shipped scenarios compose."""
    names = {"(O + E) / 2": "mean", "E": "null", "O": "observed"}
    return {**scenarios, **{f"one-sample log-rank, variance {name}": one_sample(value) for name, value in names.items()}}


def rejection_rate(trial: Trial, n_sim: int, seed: int, executor: Executor | None = None) -> tuple[float, float]:
    """Return the share of trials that reject, and its Monte Carlo error."""
    final = final_rows(simulate(trial, n_sim, seed, executor).rows)
    if len(final) != n_sim or (final["code"] == Code.FAILED).any():
        return math.nan, math.nan
    p = float(np.mean(final["decision"] == REJECT))
    return p, math.sqrt(p * (1 - p) / n_sim)


def check(row: Published, trial: Trial, n_sim: int, seed: int, executor: Executor | None = None) -> Check:
    """Simulate a trial and hold its rejection rate against the published one."""
    replicates = n_sim if row.effect else 2 * n_sim
    p, error = rejection_rate(trial if row.effect else trial.under_null, replicates, seed, executor)
    note = f"{replicates:,} replicates; Monte Carlo error {error:.5f}"
    if row.at_least:
        result = compare(FAMILY, row, "power less 3 Monte Carlo errors, at least", row.value, p - 3 * error, note=note)
        short = row.value - (p - 3 * error)
        return replace(result, difference=max(short, 0.0), passed=short < 0)
    enough = row.effect and replicates >= ENOUGH
    tolerance = row.tolerance + (0.0 if enough else 3 * error)
    return compare(FAMILY, row, "power" if row.effect else "type I error", row.value, p, absolute=tolerance, note=note)


def checks(
    scenarios: Mapping[str, Trial], n_sim: int, seed: int, executor: Executor | None = None, advance: Callable[[int], object] | None = None
) -> list[Check]:
    """Simulate every published trial; `advance` is called after each."""
    built, out = trials(scenarios), []
    for row in PUBLISHED:
        try:
            out.append(check(row, built[row.trial], n_sim, seed, executor))
        except Exception as error:
            # a trial that breaks fails alone
            out.append(broken(FAMILY, row, error))
        if advance is not None:
            advance(1)
    return out
