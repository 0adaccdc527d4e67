"""Measure by turns: a machine's speed moves by a factor of two within minutes, so only ratios of neighbours count."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.cases import Case
from tests.benchmarks.lifelines_loop import lifelines_loop
from tests.benchmarks.yardstick import QUIET, yardstick

PAIRS = 9
YARDSTICK_TRIALS = 100_000
LIFELINES_TRIALS = 4


def seconds(run: Callable[[int], object], seed: int, clock: Callable[[], float] = time.process_time) -> float:
    """Return how long one call takes: by default the processor's time, which other programs of the machine disturb least."""
    start = clock()
    run(seed)
    return clock() - start


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of repeated measurements."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Summarise the measurements."""
        return cls(*(float(q) for q in np.percentile(values, [25, 50, 75])))


@dataclass(frozen=True)
class Measured:
    """What was found for one case; the ratios are medians over neighbouring pairs."""

    case: Case
    speed: Spread
    to_yardstick: Spread
    to_lifelines: Spread

    @property
    def met(self) -> str:
        """The highest of stretch, target and floor reached, each scaled by the yardstick of the same minute."""
        return verdict(self.to_yardstick.median * QUIET, self.case)

    def line(self) -> str:
        """Return the JSON line."""
        return as_json(
            self.case.name,
            self.case.cores,
            self.speed.median,
            self.to_lifelines.median,
            self.to_yardstick.median,
            self.case.target,
            self.case.floor,
            self.met,
        )


def verdict(value: float, case: Case) -> str:
    """Name the highest goal that `value` reaches."""
    for name, goal in (("stretch", case.stretch), ("target", case.target), ("floor", case.floor)):
        if value >= goal:
            return name
    return "missed"


def as_json(name: str, cores: int, speed: float, lifelines: float, ruler: float, target: float, floor: float, met: str) -> str:
    """Return one line with the agreed keys."""
    return json.dumps(
        {
            "case": name, "cores": cores, "trials_per_second": round(speed), "ratio_to_lifelines": round(lifelines), "ratio_to_yardstick": round(ruler, 4),
            "target": target, "floor": floor, "met": met,
        }
    )  # fmt: skip


def measure(case: Case, pairs: int = PAIRS) -> Measured:
    """Run yardstick, case, lifelines, yardstick, case, lifelines, … and compare each with its neighbours."""
    yardstick(0, 1000), case.run(0), lifelines_loop(0, 1)
    speed, rulers, loops = [], [], []
    for i in range(1, pairs + 1):
        before = YARDSTICK_TRIALS / seconds(lambda k: yardstick(k, YARDSTICK_TRIALS), i)
        mine = case.trials / seconds(case.run, i)
        after = YARDSTICK_TRIALS / seconds(lambda k: yardstick(k, YARDSTICK_TRIALS), i)
        loop = LIFELINES_TRIALS / seconds(lambda k: lifelines_loop(k, LIFELINES_TRIALS), i)
        speed.append(mine)
        rulers.append(mine / math.sqrt(before * after))
        loops.append(mine / loop)
    return Measured(case, Spread.of(speed), Spread.of(rulers), Spread.of(loops))


def compare(one: Callable[[int], object], two: Callable[[int], object], trials: int, pairs: int = PAIRS) -> tuple[Spread, Spread, Spread]:
    """Return the speed of `two` by the wall clock, its ratio to `one`, and how much faster the machine let two yardsticks be than one.

    The yardstick needs no lock and no memory: two of them are twice as fast as one on two idle cores, and less when
    another program takes its part, which then bounds the ratio as well.
    """
    one(0), two(0)
    speed, ratio, capacity = [], [], []
    with ThreadPoolExecutor(2) as pool:
        for i in range(1, pairs + 1):
            a, b, c = (seconds(run, i, time.perf_counter) for run in (one, two, one))
            work = 4 * YARDSTICK_TRIALS
            alone = seconds(lambda k, n=work: yardstick(k, n), i, time.perf_counter)
            both = seconds(lambda k, n=work: list(pool.map(yardstick, (k, k), (n, n))), i, time.perf_counter)
            speed.append(trials / b)
            ratio.append((a + c) / 2 / b)
            capacity.append(2 * alone / both)
    return Spread.of(speed), Spread.of(ratio), Spread.of(capacity)
