"""Do draws of the parameters scatter as the copies of the study that they were fitted to?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from sim.benchmark import Benchmark
from sim.calibration import measures
from sim.calibration.copies import robust_sd, scale_of
from sim.calibration.draws import REFITTED
from sim.population.parameters import Parameters

COLUMNS = ("id", "role", "copies", "sd_copies", "sd_draws", "sd_ratio", "sd_ratio_se")
RESAMPLES = 400


def figures_of(benchmark: Benchmark, draws: tuple[Parameters, ...]) -> pd.DataFrame:
    """Return what the authors would have measured were a draw the truth, one row a draw, each in its own reading and at its own mix."""
    readings = {d: replace(benchmark, denominator=d) for d in {p.denominator for p in draws}}
    return pd.DataFrame([measures.achieved(readings[p.denominator], p, own_mix=True) for p in draws])


def spread(benchmark: Benchmark, draws: tuple[Parameters, ...], measured: pd.DataFrame) -> pd.DataFrame:
    """Compare the SD of each refitted figure over draws with its SD over the copies that the draws were fitted to.

    Parameters
    ----------
    benchmark : the published figures
    draws : parameter sets; measured : the copies' figures, row i the copy of draw i (`copies` with the draws' seed)

    Returns
    -------
    DataFrame: id, role, copies (pairs), SD over copies and over draws (robust; logs of times and counts, logits of
    shares), their ratio, and its standard error by resampling pairs (Efron & Tibshirani, An Introduction to the
    Bootstrap, 1993, chapter 6)
    """
    figures, got = benchmark.read(), figures_of(benchmark, draws)
    rng = np.random.Generator(np.random.Philox(1))
    rows = []
    for id in [k for k in figures if k in REFITTED]:
        both = pd.DataFrame({"copy": measured[id].to_numpy(dtype=float), "draw": got[id].to_numpy(dtype=float)}).dropna()
        x = both.map(scale_of(figures[id])).to_numpy()
        again = [_ratio(x[rng.integers(0, len(x), len(x))]) for _ in range(RESAMPLES)]
        sd = [robust_sd(np.sort(x[:, j])) for j in (0, 1)]
        rows.append((id, figures[id].role, len(x), *sd, _ratio(x), float(np.nanstd(again))))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _ratio(x: np.ndarray) -> float:
    of_copies, of_draws = (robust_sd(np.sort(x[:, j])) for j in (0, 1))
    return of_draws / of_copies if 0 < of_copies < math.inf else math.nan
