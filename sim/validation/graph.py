"""Graphical multiple testing: decisions exactly, in their order; final graph and adjusted p-values to 1e-12."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain

from sim.multiplicity.graph import Graph
from sim.validation.check import Check, Reference, compare
from sim.validation.reading import vector

FAMILY = "graph"
_against = partial(compare, FAMILY)


def matrix(cell: str) -> list[list[float]]:
    """Return the rows of a matrix cell, joined by | in the file."""
    return [list(vector(row)) for row in str(cell).split("|")]


def graph_of(row: Reference) -> Graph:
    """Return the graph that a row describes."""
    return Graph(tuple(vector(row.weights)), tuple(tuple(r) for r in matrix(row.transitions)))


def _in_order(cell: object) -> tuple[float, ...]:
    """Return the hypotheses of a cell; none where it is empty."""
    return () if cell != cell else vector(cell)


def _lowest_first(graph: Graph, p: list[float], alpha: float) -> list[int]:
    """Return the rejections in their order where at each step the lowest hypothesis goes that can be rejected."""
    out: list[int] = []
    while True:
        can = [i for i, w in enumerate(graph.weights) if w > 0 and p[i] <= w * alpha + 1e-12]
        if not can:
            return out
        out.append(can[0] + 1)
        graph = graph.without(can[0])


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold each row's rejections, their order, what is left and the adjusted p-values against ours."""
    return [check for row in rows for check in _checks(row)]


def _checks(row: Reference) -> list[Check]:
    graph, p = graph_of(row), list(vector(row.p))
    order = graph.order(p, row.alpha)
    left = graph
    for i in order:
        left = left.without(i)
    named = [i + 1 for i in order]
    return [
        _against(row, "hypotheses", row.hypotheses, len(graph.weights)),
        _against(row, "order of rejection, lowest first", _in_order(row.order_first_index), _lowest_first(graph, p, row.alpha)),
        _against(row, "rejected", vector(row.rejected), [float(i in order) for i in range(len(p))]),
        _against(row, "order of rejection", _in_order(row.order_smallest_p_over_weight), named),
        _against(row, "final weights", vector(row.final_weights), left.weights, absolute=1e-12),
        _against(row, "final transitions", list(chain(*matrix(row.final_transitions))), list(chain(*left.transitions)), absolute=1e-12),
        _against(row, "adjusted p-values", vector(row.adjusted_p), graph.adjusted_p(p), absolute=1e-12),
    ]
