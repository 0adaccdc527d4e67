"""The model's own course of the disease as tables: who is where, what has happened, and survival with its landmarks; no Monte Carlo."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sim.population.occupancy import EVENTS, STATES, occupancy
from sim.population.post_cart_failure import ENDPOINTS, TIME_ZEROS, PostCartFailure

# quarters of a month while most happens, then months
MONTHS = (*(0.25 * k for k in range(24)), *(float(t) for t in range(6, 61)))
LANDMARKS = (0.0, 1.0, 3.0, 6.0, 12.0, 24.0)
OCCUPANCY_COLUMNS = ("time_zero", "group", "kind", "name", "label", "month", "probability")
LANDMARK_COLUMNS = ("time_zero", "group", "endpoint", "month", "survival", "further_median")


def from_each_time_zero(population: PostCartFailure) -> Iterator[PostCartFailure]:
    """Yield the population from every time zero that its reading of the paper has.

    Notes
    -----
    A set `refractory_share` is one at progression, and who is eligible is known there: from infusion everybody stands, by day-30 group.
    """
    for time_zero in TIME_ZEROS:
        if time_zero != "infusion":
            yield replace(population, time_zero=time_zero, draws=None)
        elif population.denominator != "failures":
            yield replace(population, time_zero=time_zero, refractory_share=None, stratify_by="day30", eligible=None, draws=None)


def _groups(population: PostCartFailure) -> Iterator[tuple[str, int | None]]:
    yield "all", None
    yield from ((name, i) for i, name in enumerate(population.strata))


def occupancy_table(population: PostCartFailure) -> pd.DataFrame:
    """Return state occupancies and cumulative incidences over `MONTHS`, from each time zero and in each day-30 group (`OCCUPANCY_COLUMNS`)."""
    rows = []
    for start in from_each_time_zero(population):
        for group, stratum in _groups(start):
            x = occupancy(start, stratum=stratum)
            for kind, labels, curves in (("state", STATES, x.states), ("event", EVENTS, x.events)):
                for name, curve in curves.items():
                    values = np.interp(MONTHS, np.arange(len(curve)) * x.step, curve)
                    rows += [(start.time_zero, group, kind, name, labels[name], t, v) for t, v in zip(MONTHS, values.tolist(), strict=True)]
    return pd.DataFrame(rows, columns=list(OCCUPANCY_COLUMNS))


def landmark_table(population: PostCartFailure) -> pd.DataFrame:
    """Return PFS and OS at landmarks, and the further median of those still event-free there (at month 0: the median), `LANDMARK_COLUMNS`.

    Notes
    -----
    The further median at t is the s with S(t + s) = S(t) / 2; infinity when the curve does not fall so far within 120 months, NaN
    where nobody is left.
    """
    rows = []
    for start in from_each_time_zero(population):
        for group, stratum in _groups(start):
            for endpoint in ENDPOINTS:
                curve = start.curve(endpoint, stratum=stratum)
                for t in LANDMARKS:
                    survival = float(curve.at(t))
                    # where nobody is left there is no further median
                    further = curve.quantile(1 - survival / 2) - t if 1 - survival / 2 < 1 else math.nan
                    rows.append((start.time_zero, group, endpoint, t, survival, further))
    return pd.DataFrame(rows, columns=list(LANDMARK_COLUMNS))
