"""Simulated copies of the whole study: how its published figures would scatter if the calibrated model were the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from sim.benchmark import Benchmark, Figure
from sim.calibration import measures
from sim.calibration.simulated_study import simulate_study
from sim.population.post_cart_failure import PostCartFailure

COLUMNS = (
    "id",
    "role",
    "published",
    "achieved",
    "percentile",
    "bias_in_sd",
    "sd",
    "sd_exponential",
    "sd_ratio",
    "ci_model_low",
    "ci_model_high",
    "note",
)

# Why copies scatter otherwise than the exponential interval says, where their ratio leaves 0.8 to 1.25.
_FLAT = "the curve is flat at its median (a plateau follows): copies scatter more than an exponential would"
_NOTES = {
    "cart_pfs_median": _FLAT,
    "cart_os_median": _FLAT,
    "bt_pfs_median": _FLAT,
    "nobt_pfs_median": _FLAT,
    "nobt_os_median": "a plateau at one half: most copies never reach a median",
    "d30ref_os_median": "early deaths under supportive care, then a long tail: flat at the median",
    "failure_os_median": "early deaths under supportive care, then a long tail: flatter at the median than an exponential",
    "pfs1_polabr_median": "many responders, some durable: flat at the median; 18 patients, and copies vary their number",
    "pfs1_bispecific_median": "durable responders flatten the curve; 10 patients, and copies vary their number",
    "allo_os_1y": "about 16 transplants, a number that copies vary, some followed for less than a year: now and then nobody is seen to die",
    "ttp_untreated_median_days": "times to early progression are much less scattered than an exponential's",
    "ttp_treated_median_days": "times to progression are less scattered than an exponential's",
}


def copies(benchmark: Benchmark, population: PostCartFailure, n: int, seed: int) -> pd.DataFrame:
    """Return the figures measured on n simulated copies of the study, one row per copy."""
    return pd.DataFrame([simulate_study(benchmark, population, seed, replicate) for replicate in range(n)])


def compare(benchmark: Benchmark, population: PostCartFailure, measured: pd.DataFrame) -> pd.DataFrame:
    """Set each published figure among its copies.

    Returns
    -------
    DataFrame: published; achieved (the model's expectation); percentile of the published figure among the copies;
    bias (median copy less expectation, in SDs of the copies); SD of the copies and of the published interval (logs of
    times, logits of shares), their ratio; and the interval of the copies (`ci_model`), shifted to the published figure

    Notes
    -----
    A median that a copy does not reach counts as infinite: it takes part in percentiles and quantiles. SDs are
    robust, (q84.13 - q15.87) / 2, so that a few infinite copies do not spoil them.
    """
    figures, expected = benchmark.read(), measures.achieved(benchmark, population.values)
    rows = []
    for id in measured.columns:
        f = figures[id]
        if not math.isnan(f.value) and f.judged:
            rows.append(_row(f, expected[id], measured[id].to_numpy(dtype=float)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(f: Figure, achieved: float, values: np.ndarray) -> tuple[object, ...]:
    scale = scale_of(f)
    x = np.sort(np.array([scale(v) for v in values[~np.isnan(values)]]))
    mid, sd = _quantile(x, 0.5), robust_sd(x)
    published, expected = scale(f.target), scale(achieved)
    exponential = (scale(f.ci_high) - scale(f.ci_low)) / 3.92
    percentile = 100 * (np.mean(x < published) + 0.5 * np.mean(x == published))
    back = _back(f)
    ends = [back(published + _quantile(x, q) - mid) for q in (0.025, 0.975)]
    return (
        f.id,
        f.role,
        f.target,
        achieved,
        percentile,
        (mid - expected) / sd,
        sd,
        exponential,
        sd / exponential,
        *ends,
        _NOTES.get(f.id, ""),
    )


def robust_sd(x: np.ndarray) -> float:
    """Return (q84.13 - q15.87) / 2 of sorted values: the SD of a normal, whatever a few infinite values do."""
    return (_quantile(x, 0.841345) - _quantile(x, 0.158655)) / 2


def _quantile(x: np.ndarray, q: float) -> float:
    """Order statistic: no interpolation, since a neighbour may be infinite."""
    return float(x[min(int(q * len(x)), len(x) - 1)])


def scale_of(f: Figure) -> Callable[[float], float]:
    """Return the scale on which a figure scatters evenly: logit of a share, log of the rest; infinity stays."""
    if f.is_share:
        return lambda v: math.log(min(max(v, 0.05), 99.95) / (100 - min(max(v, 0.05), 99.95)))
    return lambda v: math.inf if math.isinf(v) else math.log(v)


def _back(f: Figure) -> Callable[[float], float]:
    if f.is_share:
        return lambda v: 100 / (1 + math.exp(-v))
    return lambda v: math.inf if math.isinf(v) else math.exp(v)
