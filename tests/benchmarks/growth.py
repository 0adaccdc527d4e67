"""How cost grows with replicates, patients, looks and cells: the exponent b of seconds = a x^b, by least squares on logarithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.boundary.spending import LanDeMetsOBrienFleming
from tests.benchmarks.cases import whole_path
from tests.benchmarks.measure import seconds
from tests.designs import textbook

EXPECTED = {"replicates": "1", "patients": "1 (n log n: about 1.15)", "looks": "below 1 (sampling is shared)", "cells": "1"}


@dataclass(frozen=True)
class Growth:
    """Seconds, the best of the rounds, at each size."""

    what: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """The fitted exponent."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.seconds), 1)[0])


def _looks(k: int):
    events = tuple(round(120 * (i + 1) / k) for i in range(k))
    return textbook(events=events, spending=LanDeMetsOBrienFleming() if k > 1 else None)


def _cells(k: int):
    runs = [whole_path(textbook(0.6 + 0.01 * i), 10_000) for i in range(k)]
    return lambda seed: [run(seed) for run in runs]


def growth(quick: bool) -> list[Growth]:
    """Measure all four, sizes by turns within each round."""
    blocks = 1 if quick else 2
    axes = {
        "replicates": {n: whole_path(textbook(), n) for n in (10_000, 20_000, 40_000, *(() if quick else (80_000, 160_000)))},
        "patients": {
            n: whole_path(textbook(n=n, events=(3 * n // 4,)), blocks * 10_000) for n in (40, 80, 160, 320, *(() if quick else (640, 1280)))
        },
        "looks": {k: whole_path(_looks(k), blocks * 10_000) for k in (1, 2, 4, 8)},
        "cells": {k: _cells(k) for k in (1, 2, 4, 8)},
    }
    out = []
    for what, runs in axes.items():
        best = dict.fromkeys(runs, float("inf"))
        for i in range(3 if quick else 7):
            for size, run in runs.items():
                best[size] = min(best[size], seconds(run, i))
        out.append(Growth(what, tuple(best), tuple(best.values())))
    return out
