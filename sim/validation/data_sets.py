"""The published small data sets (ties, strata, heavy censoring, single arms) and the analyses made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sim.types import Array, Observations
from sim.validation import reading
from sim.validation.check import Check, Reference, compare

FILE = "survival_stats"


@dataclass(frozen=True, eq=False)
class Analysis:
    """One analysis of one data set: its rows hold one quantity each.

    Parameters
    ----------
    rows : the reference rows
    """

    rows: tuple[Reference, ...]

    @property
    def first(self) -> Reference:
        return self.rows[0]

    @property
    def name(self) -> str:
        """Data set, function, settings, arm and strata in one word."""
        r = self.first
        arm = "" if r.arm != r.arm else f"-arm{r.arm:g}"
        return f"{r.dataset}-{r.package}-{r.function}-{r.settings}{arm}{'-stratified' if self.stratified else ''}".replace(" ", "_")

    @property
    def stratified(self) -> bool:
        return str(self.first.stratified).lower() == "true"

    @property
    def published(self) -> dict[str, float]:
        """Value by quantity."""
        return {str(row.quantity): float(row.value) for row in self.rows}

    @property
    def data(self) -> tuple[Observations, Array]:
        """(observations, cut) of the data set, of one arm or of both."""
        r = self.first
        return observations(r.dataset, None if r.arm != r.arm else int(r.arm))


def observations(dataset: str, arm: int | None = None) -> tuple[Observations, Array]:
    """Return (observations, cut) of a data set, of one arm or of both: everybody enters at 0, the cut comes after all."""
    d = reading.table("survival_datasets")
    d = d[(d["dataset"] == dataset) & ((d["arm"] == arm) | (arm is None))]
    names = np.unique(d["stratum"])
    flags = [d["event"], d["arm"], np.searchsorted(names, d["stratum"])]
    event, arms, stratum = (np.ascontiguousarray(np.asarray(x, dtype=np.uint8)[None]) for x in flags)
    time = np.ascontiguousarray(d["time"].to_numpy(dtype=float)[None])
    return Observations(np.zeros_like(time), arms, stratum, time, event, strata=len(names)), np.array([1e6])


def analyses(rows: Sequence[Reference]) -> list[Analysis]:
    """Return the rows by analysis, in the order of the file."""
    groups: dict[tuple[Any, ...], list[Reference]] = {}
    for row in rows:
        groups.setdefault((row.dataset, row.package, row.function, row.settings, str(row.arm), str(row.stratified)), []).append(row)
    return [Analysis(tuple(group)) for group in groups.values()]


def grouped_by_analysis(rows: Sequence[Reference]) -> list[tuple[Reference, ...]]:
    """Return the rows of each analysis: they are computed together."""
    return [analysis.rows for analysis in analyses(rows)]


def against(
    family: str, analysis: Analysis, found: dict[str, Any], rel: float = 1e-9, absolute: float = 1e-9, note: str = ""
) -> list[Check]:
    """Hold what was computed against the rows of an analysis; a row whose quantity was not computed gives no check.

    Parameters
    ----------
    found : computed number by quantity; a tuple (number, absolute tolerance, note) where a quantity has its own
    """
    out = []
    compared = partial(compare, family)
    for row in analysis.rows:
        if row.quantity in found:
            got = found[row.quantity]
            value, own, why = got if isinstance(got, tuple) else (got, absolute, note)
            own_rel = rel if own == absolute else 0.0
            out.append(compared(row, f"{analysis.name}: {row.quantity}", float(row.value), value, rel=own_rel, absolute=own, note=why))
    return out
