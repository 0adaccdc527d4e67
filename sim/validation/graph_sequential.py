"""Graphical testing at several looks: the look of each rejection exactly, critical z of every weight that is met to 1e-6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock, Spending
from sim.multiplicity.sequential import SequentialGraph
from sim.validation.check import Check, Reference, compare
from sim.validation.graph import graph_of, matrix
from sim.validation.reading import vector

FAMILY = "graph_gs"
_against = partial(compare, FAMILY)
_SPENDING: dict[str, Callable[[str], Spending]] = {
    "lan_demets_obf": lambda _: LanDeMetsOBrienFleming(),
    "lan_demets_pocock": lambda _: LanDeMetsPocock(),
    "hwang_shih_decani": lambda gamma: HwangShihDeCani(float(gamma)),
}


def plan_of(row: Reference, retest_past_looks: bool) -> SequentialGraph:
    """Return the procedure that a row describes."""
    functions = zip(row.spending.split(";"), str(row.parameter).split(";"), strict=True)
    spending = tuple(_SPENDING[name](parameter) for name, parameter in functions)
    information = tuple(tuple(r) for r in matrix(row.information))
    return SequentialGraph(graph_of(row), row.alpha, spending, information, retest_past_looks)


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold the looks of rejection, with and without testing past looks again, and the levels against ours."""
    return [check for row in rows for check in _checks(row)]


def _checks(row: Reference) -> list[Check]:
    plan, cells = plan_of(row, False), matrix(row.z)
    z = np.full((1, plan.looks, len(cells)), np.nan)
    for i, cell in enumerate(cells):
        z[0, : len(cell), i] = cell
    out = [
        _against(row, f"look of rejection{words}", vector(getattr(row, column)), plan_of(row, retest).rejected_at(z)[0])
        for column, words, retest in (("rejected_at", "", False), ("rejected_at_retest", ", past looks tested again", True))
    ]
    found = plan.rejected_at(z)[0]
    left = plan.graph
    for rejected in np.flatnonzero(found > 0):
        left = left.without(int(rejected))
    # within a look the order is the row's own
    in_order = [int(found[int(i) - 1]) for i in (vector(row.order) if row.order == row.order else ())]
    out += [
        _against(row, "hypotheses", row.hypotheses, len(cells)),
        _against(row, "looks in the order of rejection", sorted(found[found > 0]), in_order),
        _against(row, "final weights", vector(row.final_weights), left.weights, absolute=1e-12),
    ]
    met = zip(vector(row.level_hypothesis), vector(row.level_weight), matrix(row.z_levels), strict=True)
    for hypothesis, weight, expected in met:
        bounds = plan.bounds(int(hypothesis) - 1, weight)
        out.append(_against(row, f"critical z of hypothesis {hypothesis:g} with weight {weight:g}", expected, bounds, absolute=1e-6))
    return out
