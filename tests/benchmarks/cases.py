"""What the benchmark runs: the trials of the table of targets, each by its whole path."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sim.accrual import UniformAccrual
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import PatientHazardRatio
from sim.engine import BLOCK, simulate
from sim.executor.executor import Executor
from sim.executor.joblib_threads import JoblibThreads
from sim.executor.serial import Serial
from sim.followup import ExponentialDropout
from sim.oc import Subject, operating_characteristics
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.statistic.logrank import LogRank
from sim.statistic.maxcombo import MaxCombo
from sim.store import Store
from sim.trial import Trial
from tests.designs import single_arm, textbook, textbook_gs


@dataclass(frozen=True)
class Case:
    """One line of the table: `run(first)` does `trials` trials that no earlier call did, on `cores` cores.

    target, floor, stretch : trials per second on the quiet core where the yardstick takes 1 microsecond
    """

    name: str
    run: Callable[[int], object]
    trials: int
    target: float
    floor: float
    stretch: float = float("inf")
    cores: int = 1


def whole_path(trial: Trial, n_sim: int, executor: Executor | None = None) -> Callable[[int], object]:
    """Sample, follow, cut, test, decide, store in a new folder, and count; another seed each time."""

    def run(seed: int) -> object:
        folder = Path(tempfile.mkdtemp(prefix="postcart-bench-"))
        try:
            replicates = simulate(trial, n_sim, seed, executor or Serial(), Store.of(folder, trial, seed))
            return operating_characteristics(Subject("bench", "bench", "PFS", "power"), replicates, trial.plan.cut.looks)
        finally:
            shutil.rmtree(folder)

    return run


def calibrated() -> Trial:
    """The full multi-state population, 160 patients, PFS log-rank."""
    design = RandomisedSurvival(160, events=(120,), statistic=LogRank(stratified=True))
    return Trial(
        PostCartFailure(), UniformAccrual(duration=16.0), ExponentialDropout(monthly_probability=0.02), PatientHazardRatio(0.6), design
    )


def trajectories(seed: int) -> object:
    """Sample 640,000 whole courses, to progression and to death, of the calibrated population."""
    trial, last = calibrated(), None
    for first in range(0, 4096, 256):
        draws = Draws(seed, first, 256, 160)
        stratum = trial.population.sample_strata(draws)
        last = trial.population.sample(draws, stratum, trial.plan.allocation.arms(draws, stratum), trial.effect, ("pfs", "os"))
    return last


def table(blocks: int) -> list[Case]:
    """Return the cases with their targets; `blocks` scales the work of one measurement."""
    n = blocks * BLOCK

    def case(name: str, trial: Trial, target: float, floor: float, stretch: float = float("inf")) -> Case:
        return Case(name, whole_path(trial, n), n, target, floor, stretch)

    late = LogRank(gamma=1.0)
    return [
        case("textbook_rct_pfs", textbook(), 220_000, 150_000, 350_000),
        case("textbook_rct_gs", textbook_gs(), 75_000, 50_000),
        case("textbook_rct_delayed_fh_0_1", textbook(0.45, 1.5, statistic=late), 160_000, 110_000),
        case("textbook_rct_delayed_maxcombo", textbook(0.45, 1.5, statistic=MaxCombo()), 60_000, 30_000),
        case("textbook_rct_600", textbook(n=600, events=(400,)), 60_000, 40_000),
        case("post_cart_failure", calibrated(), 40_000, 25_000),
        case("single_arm_one_sample_logrank", single_arm(), 500_000, 300_000),
        # 9 million patients a second, at least 5, as trials of 160
        Case("post_cart_failure_trajectories", trajectories, 4096, 9e6 / 160, 5e6 / 160),
    ]


def two_cores(blocks: int) -> tuple[Callable[[int], object], Callable[[int], object], int]:
    """Return the textbook trial on one core and on two threads, and their number of trials."""
    n = 12 * blocks * BLOCK  # many blocks, so that a thread that waits for the last of them weighs little
    return whole_path(textbook(), n, JoblibThreads(1)), whole_path(textbook(), n, JoblibThreads(2)), n
