"""The lines by which a report describes a randomised survival trial: what is done, when, and what it takes to reject or to stop."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, sqrt
from typing import Protocol

import numpy as np

from sim.boundary.futility import Futility
from sim.boundary.group_sequential import Boundary
from sim.boundary.harm import Harm, HarmSpending
from sim.boundary.shapes import Shape
from sim.boundary.spending import Spending
from sim.design.checks import ENDPOINTS
from sim.design.spend_by import spend_by
from sim.population.population import Population
from sim.statistic.logrank import LogRank
from sim.statistic.statistic import Statistic
from sim.types import Assumption


class Described(Protocol):
    """What the words need to know of a design; `RandomisedSurvival` says what each is."""

    @property
    def n(self) -> int: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def level_words(self) -> str: ...
    @property
    def ratio(self) -> tuple[int, int]: ...
    @property
    def block_size(self) -> int: ...
    @property
    def stratified_randomisation(self) -> bool: ...
    @property
    def statistic(self) -> Statistic: ...
    @property
    def months(self) -> tuple[float, ...] | None: ...
    @property
    def look_events(self) -> tuple[int, ...]: ...
    @property
    def fractions(self) -> tuple[float, ...]: ...
    @property
    def unit_information(self) -> float: ...
    @property
    def bounds_at(self) -> str: ...
    @property
    def spend_by(self) -> str: ...
    @property
    def spending(self) -> Spending | None: ...
    @property
    def level(self) -> float: ...
    @property
    def shape(self) -> Shape | None: ...
    @property
    def futility(self) -> Futility | None: ...
    @property
    def binding(self) -> bool: ...
    @property
    def harm(self) -> Harm | None: ...
    @property
    def max_duration(self) -> float: ...


def describe(design: Described, population: Population, boundary: Boundary) -> list[Assumption]:
    """Return the lines for the report."""
    a, b = design.ratio
    where = "within day-30 strata" if design.stratified_randomisation and len(population.strata) > 1 else "over all patients"
    efficacy = design.spending or design.shape
    source = efficacy.label if efficacy and len(design.look_events) > 1 else "single look"
    return [
        Assumption("design", f"randomised {a}:{b}, n = {design.n}, {ENDPOINTS[design.endpoint]}", "configuration"),
        Assumption("randomisation", f"permuted blocks of {design.block_size}, {where}", "configuration"),
        Assumption("test", f"{design.statistic.label}, {design.level_words}", "Mantel 1966; Peto & Peto 1972"),
        Assumption("analysis", ", ".join(f"{when}: z >= {z:.4f}" for when, z in zip(_looks(design), boundary.upper, strict=True)), source),
        *_describe_stops(design, boundary),
        Assumption("analysed in any case at", f"{design.max_duration:g} months", "configuration"),
    ]


def _looks(design: Described) -> Iterable[str]:
    """What calls each look, in words."""
    if design.months is None:
        return [f"{d} events" for d in design.look_events]
    early = [f"month {m:g} ({d} events expected)" for m, d in zip(design.months, design.look_events, strict=False)]
    return [*early, f"{design.look_events[-1]} events"]


def _describe_stops(design: Described, boundary: Boundary) -> list[Assumption]:
    lines = []
    if design.futility is not None:
        early = zip(_looks(design), design.look_events[:-1], boundary.lower[:-1], strict=False)
        stops = ", ".join(f"{when}: z <= {z:.4f} (hazard ratio about {_hazard_ratio_at(design, d, z):.2f})" for when, d, z in early)
        kind = "binding" if design.binding else "non-binding: type_i_error ignores it, everything else obeys it"
        lines.append(Assumption("stop for futility", stops, design.futility.label))
        lines.append(Assumption("futility is", kind, "configuration"))
    if len(design.look_events) > 1:
        how = "recomputed from what each look finds" if design.bounds_at == "observed" else "as planned"
        value = f"{how}; the last analysis, whichever it turns out to be, spends the rest"
        lines.append(Assumption("bounds", value, "Lan & DeMets 1983"))
        if design.spending is not None:
            lines.append(Assumption("errors are spent by", spend_by(design.spend_by).label, "configuration"))
    if design.harm is not None:
        lines.append(_describe_harm(design, design.harm))
    return lines


def _describe_harm(design: Described, harm: Harm) -> Assumption:
    test = LogRank(stratified=design.stratified_randomisation).label
    deaths = np.array(design.look_events)[:, None]
    bounds = ", ".join(
        f"{when}: z <= {-z:.4f}" for when, z in zip(_looks(design), harm.bounds(deaths, design.fractions, 0.25)[:, 0], strict=True)
    )
    value = f"overall survival, {test}, at every look"
    if isinstance(harm, HarmSpending):
        value += f" ({bounds})"
    return Assumption("stop for harm", f"{value}; it rejects nothing, and type_i_error ignores it", harm.label)


def describe_smallest_effect(design: Described, z: float) -> Assumption:
    """Return the line on the observed effect that just rejects at the last look; z : its critical value."""
    if design.statistic.on_hazard_ratios:
        largest = f"about {_hazard_ratio_at(design, design.look_events[-1], z):.2f} at the final look"
        return Assumption("largest observed hazard ratio that rejects", largest, "Schoenfeld 1981")
    return Assumption("smallest observed effect that rejects", design.statistic.words_of_critical(z), "critical value")


def _hazard_ratio_at(design: Described, events: int, z: float) -> float:
    return exp(-z / sqrt(events * design.unit_information))
