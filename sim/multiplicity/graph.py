"""The graphical procedure: each hypothesis holds a weight of alpha, and passes it on along arrows once it is rejected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.types import Array, InputError

SLACK = 1e-12
"""A p-value at its level rejects, also where the level's last bits were lost: levels are products of decimal weights."""


@dataclass(frozen=True)
class Graph:
    """Hold the weights of h hypotheses and where each passes its weight on.

    Parameters
    ----------
    weights : h numbers from 0, of sum 1 at most: the share of alpha at which each hypothesis is tested first
    transitions : h rows of h numbers from 0, each row of sum 1 at most, 0 on the diagonal: the share of row i's weight that
        hypothesis j receives when i is rejected

    Notes
    -----
    When hypothesis i is rejected, w_j grows by w_i g_ij, and the arrows close up: g_jk becomes (g_jk + g_ji g_ik) / (1 - g_ji g_ij), 0
    where g_ji g_ij is 1. The set of rejected hypotheses does not depend on the order of rejections.

    References
    ----------
    Bretz, Maurer, Brannath & Posch, Statistics in Medicine 2009;28:586, section 2, algorithm 1.

    Examples
    --------
    >>> fixed_sequence = Graph((1.0, 0.0), ((0.0, 1.0), (0.0, 0.0)))
    >>> fixed_sequence.rejected([0.02, 0.03], alpha=0.025), fixed_sequence.rejected([0.02, 0.01], alpha=0.025)
    ((True, False), (True, True))
    """

    weights: tuple[float, ...]
    transitions: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(float(w) for w in self.weights))
        object.__setattr__(self, "transitions", tuple(tuple(float(g) for g in row) for row in self.transitions))
        h = len(self.weights)
        if h == 0 or len(self.transitions) != h or any(len(row) != h for row in self.transitions):
            raise InputError(
                f"multiplicity: {h} weights and {len(self.transitions)} rows of transitions; allowed: a weight, a row and a column for each hypothesis"
            )
        if not all(0 <= w <= 1 for w in self.weights) or sum(self.weights) > 1 + SLACK:
            raise InputError(f"multiplicity: weights are {list(self.weights)}; allowed: from 0, with a sum of 1 at most")
        for i, row in enumerate(self.transitions):
            if not all(0 <= g <= 1 for g in row) or sum(row) > 1 + SLACK:
                raise InputError(f"multiplicity: row {i + 1} of the transitions is {list(row)}; allowed: from 0, with a sum of 1 at most")
            if row[i] != 0:
                raise InputError(f"multiplicity: hypothesis {i + 1} passes {row[i]:g} on to itself; allowed: 0 on the diagonal")

    def without(self, i: int) -> Graph:
        """Return the graph after hypothesis i was rejected: its weight passed on, its arrows closed up, its row and column 0."""
        w, g = np.array(self.weights), np.array(self.transitions)
        w = w + w[i] * g[i]
        w[i] = 0.0
        there_and_back = g[:, i] * g[i]
        passed = g + np.outer(g[:, i], g[i])
        open_ = 1 - there_and_back
        # two hypotheses that pass all to each other: nothing is left to pass to a third
        closed = np.where(open_[:, None] > SLACK, passed / np.where(open_ > SLACK, open_, 1.0)[:, None], 0.0)
        np.fill_diagonal(closed, 0.0)
        closed[i] = closed[:, i] = 0.0
        return Graph(tuple(np.minimum(w, 1.0)), tuple(map(tuple, np.minimum(closed, 1.0))))

    def order(self, p: list[float] | Array, alpha: float) -> list[int]:
        """Return the hypotheses that are rejected, in the order of rejection: at each step that of smallest p / weight, ties to the first."""
        graph = self
        done: list[int] = []
        while True:
            open_ = [i for i, w in enumerate(graph.weights) if w > 0 and i not in done and p[i] <= w * alpha + SLACK]
            if not open_:
                return done
            i = _smallest(open_, p, graph.weights)
            done.append(i)
            graph = graph.without(i)

    def rejected(self, p: list[float] | Array, alpha: float) -> tuple[bool, ...]:
        """Return which hypotheses are rejected at the family's level alpha, given their one-sided p-values."""
        done = self.order(p, alpha)
        return tuple(i in done for i in range(len(self.weights)))

    def adjusted_p(self, p: list[float] | Array) -> tuple[float, ...]:
        """Return the smallest alpha at which each hypothesis is rejected, 1 at most.

        References
        ----------
        Bretz et al. 2009, section 2, algorithm 2.

        Examples
        --------
        >>> Graph((0.5, 0.5), ((0.0, 1.0), (1.0, 0.0))).adjusted_p([0.01, 0.03])  # Holm
        (0.02, 0.03)
        """
        graph, largest, out = self, 0.0, [1.0] * len(self.weights)
        left = set(range(len(out)))
        while open_ := [i for i in sorted(left) if graph.weights[i] > 0]:
            i = _smallest(open_, p, graph.weights)
            largest = max(largest, p[i] / graph.weights[i])
            out[i] = min(largest, 1.0)
            left.remove(i)
            graph = graph.without(i)
        return tuple(out)

    def weights_by_rejections(self) -> Array:
        """Return float64[2^h, h], the weights after each set of rejections; bit i of the row's number says that i was rejected.

        Every order of rejections leads to the same weights (Bretz et al. 2009, lemma 1), so that the lowest hypothesis is taken out first.
        """
        h = len(self.weights)
        graphs = [self]
        for done in range(1, 1 << h):
            top = done.bit_length() - 1
            graphs.append(graphs[done ^ (1 << top)].without(top))
        return np.array([graph.weights for graph in graphs])


def _smallest(open_: list[int], p: list[float] | Array, weights: tuple[float, ...]) -> int:
    """Return the hypothesis of smallest p / weight; the first of those that are equal but for their last bits."""
    ratios = [p[i] / weights[i] for i in open_]
    return next(i for i, ratio in zip(open_, ratios, strict=True) if ratio <= min(ratios) * (1 + SLACK))


def fixed_sequence(h: int) -> Graph:
    """Return the graph that tests h hypotheses in their order, each at full alpha, until one is not rejected."""
    return Graph((1.0, *[0.0] * (h - 1)), tuple(tuple(float(j == i + 1) for j in range(h)) for i in range(h)))


def holm(h: int) -> Graph:
    """Return the graph of Holm's procedure (Scandinavian Journal of Statistics 1979;6:65): equal weights, passed on in equal parts."""
    part = 1 / (h - 1) if h > 1 else 0.0
    return Graph((1 / h,) * h, tuple(tuple(0.0 if i == j else part for j in range(h)) for i in range(h)))


def split(weights: tuple[float, ...]) -> Graph:
    """Return the graph of a split alpha: nothing is passed on (Bonferroni)."""
    h = len(weights)
    return Graph(weights, ((0.0,) * h,) * h)


def hochberg(p: Array, alpha: float) -> NDArray[np.bool_]:
    """Return bool[m, h], what Hochberg's step-up procedure rejects; it is no graph, for it looks at the largest p first.

    Parameters
    ----------
    p : float64[m, h], one-sided p-values; alpha : of the family

    Notes
    -----
    With p sorted from the largest, p_(k) of rank k from the top, the k-th and all smaller are rejected at the first k with
    p_(k) <= alpha / k. It holds alpha for independent or positively dependent statistics (Simes), not for any.

    References
    ----------
    Hochberg, Biometrika 1988;75:800.

    Examples
    --------
    >>> hochberg(np.array([[0.02, 0.024], [0.01, 0.03]]), 0.025).tolist()
    [[True, True], [True, False]]
    """
    p = np.asarray(p, dtype=np.float64)
    h = p.shape[1]
    falling = -np.sort(-p, axis=1)
    passes = falling <= alpha / np.arange(1, h + 1) + SLACK
    first = np.argmax(passes, axis=1)
    limit = np.where(passes.any(axis=1), falling[np.arange(len(p)), first], -1.0)
    return np.asarray(p <= limit[:, None])
