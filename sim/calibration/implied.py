"""Figures that nobody published, with their range over what no figure pins down."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sim.benchmark import Benchmark
from sim.calibration import study
from sim.calibration.fit import fit
from sim.calibration.fit_settings import STATED_RANGES
from sim.calibration.study_view import Study
from sim.effect import HazardProfile
from sim.population.multi_state import from_first_line, grid
from sim.population.parameters import Parameters, mix_weights
from sim.types import Array

COLUMNS = ("figure", "unit", "value", "low", "high", "low_under", "high_under")


def implied(p: Parameters, benchmark: Benchmark) -> dict[str, float]:
    """Return the unpublished figures of one parameter set: medians in months, shares as fractions."""
    s = Study(benchmark.read(), benchmark.followup, p)
    t, (r, o) = s.t, s.groups
    weights, response = mix_weights(p)
    first = [from_first_line(p, g, weights, response, HazardProfile(), grid(0.02, 100.0)) for g in (0, 1)]

    def mixed(share: float, curves: tuple[Array, Array]) -> float:
        return study.median(share * curves[0] + (1 - share) * curves[1], t)

    def started(share: float) -> float:
        a, b = share * p.treated_refractory, (1 - share) * p.treated_other
        return a / (a + b)

    w = s.counts.weights
    untreated = [w[0] * (1 - p.treated_refractory), w[1] * (1 - p.treated_other)]
    return {
        "OS of the untreated, from progression": mixed(untreated[0] / sum(untreated), (r.os_untreated, o.os_untreated)),
        "OS of treated day-30 refractory, from progression": study.median(r.os_treated, t),
        "OS of treated others, from progression": study.median(o.os_treated, t),
        "PFS from the start of first line": mixed(started(p.refractory_share), (first[0].pfs, first[1].pfs)),
        "OS from the start of first line": mixed(started(p.refractory_share), (first[0].os, first[1].os)),
        "OS from progression, 25 % day-30 refractory": mixed(0.25, (r.os, o.os)),
        "OS from progression, 60 % day-30 refractory": mixed(0.60, (r.os, o.os)),
        "PFS of the treated at 12 months from progression": float(
            np.interp(12.0, t, s.counts.treated_weights @ np.array([r.pfs_treated, o.pfs_treated]))
        ),
        "day-30 refractory share of eventual progressions": p.refractory_share,
    }


def unit_of(name: str) -> str:
    """Return the unit of an implied figure: share or months."""
    return "share" if "share of" in name or "at 12" in name else "months"


def alternatives(benchmark: Benchmark) -> Iterator[tuple[str, Parameters]]:
    """Yield (name, parameters) refitted at each end of each stated range."""
    for name, ends in STATED_RANGES.items():
        for value in ends:
            yield f"{name} {value:.3g}", fit(benchmark, assume={name: value}, tolerant=True)[0]


def implied_ranges(benchmark: Benchmark, p: Parameters) -> pd.DataFrame:
    """Return every implied figure with its lowest and highest value over the assumptions, and under which these occur.

    Notes
    -----
    One refit for each end of each range of `STATED_RANGES`, all else at the default: under a minute.
    """
    base = implied(p, benchmark)
    rows = {name: [("default", value)] for name, value in base.items()}
    for label, other in alternatives(benchmark):
        for name, value in implied(other, benchmark).items():
            rows[name].append((label, value))
    out = []
    for name, values in rows.items():
        low, high = (f(values, key=lambda v: v[1] if not math.isnan(v[1]) else math.inf) for f in (min, max))
        out.append((name, unit_of(name), base[name], low[1], high[1], low[0], high[0]))
    return pd.DataFrame(out, columns=list(COLUMNS))
