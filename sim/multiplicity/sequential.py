"""The graphical procedure at several looks: each hypothesis spends its current share of alpha by a spending function of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.boundary.recursive_integration import efficacy_bounds
from sim.boundary.spending import Spending
from sim.multiplicity.graph import Graph
from sim.types import Array, InputError

RISING = tuple(np.linspace(0.02, 1.0, 25))
"""Weights at which it is asked whether a hypothesis's nominal levels rise with its weight."""


@dataclass(frozen=True)
class SequentialGraph:
    """Test h hypotheses at several looks, alpha passed on as they are rejected.

    Parameters
    ----------
    graph : the weights and where they go
    alpha : one-sided, of the family
    spending : one function for each hypothesis, applied to its current weight times alpha
    information : for each hypothesis its rising information fractions at its looks
    retest_past_looks : whether a hypothesis whose weight has grown is also tested at the looks that have passed, at what they allow now

    Notes
    -----
    The nominal level of a hypothesis at look k is that of a group-sequential test at weight times alpha, of its own information. At a look the
    graph is run until nothing more can be rejected. The order of rejections does not matter if the nominal levels of all looks rise
    with the weight: this is checked, for it does not hold of every spending function.

    References
    ----------
    Maurer & Bretz, Statistics in Biopharmaceutical Research 2013;5:311, sections 2 and 3.
    """

    graph: Graph
    alpha: float
    spending: tuple[Spending, ...]
    information: tuple[tuple[float, ...], ...]
    retest_past_looks: bool = False

    def __post_init__(self) -> None:
        h = len(self.graph.weights)
        if not 0 < self.alpha < 0.5:
            raise InputError(f"multiplicity: alpha is {self.alpha}; allowed: a one-sided level above 0 and below 0.5")
        if len(self.spending) != h or len(self.information) != h:
            raise InputError(
                f"multiplicity: {h} hypotheses, {len(self.spending)} spending functions and {len(self.information)} rows of information; allowed: one of each"
            )
        for i in range(h):
            levels = np.array([-self.bounds(i, w) for w in RISING])
            if (levels[1:] < levels[:-1] - 1e-9).any():
                raise InputError(
                    f"multiplicity: {self.spending[i].label} of hypothesis {i + 1}: its nominal levels do not rise with its weight at each look, so that"
                    " the answer would depend on the order of rejections; allowed: a function whose levels do (Lan-DeMets, Kim-DeMets, Hwang-Shih-DeCani)"
                )

    @property
    def looks(self) -> int:
        """The largest number of looks of a hypothesis."""
        return max(map(len, self.information))

    def bounds(self, hypothesis: int, weight: float) -> Array:
        """Return float64[looks of the hypothesis], its critical z with this weight; infinity with weight 0."""
        fractions = self.information[hypothesis]
        if weight <= 0:
            return np.full(len(fractions), np.inf)
        return efficacy_bounds(fractions, weight * self.alpha, self.spending[hypothesis])

    @cached_property
    def _critical(self) -> Array:
        """float64[2^h, looks, h], critical z after each set of rejections; infinity where a hypothesis has no such look or is rejected."""
        weights = self.graph.weights_by_rejections()
        out = np.full((len(weights), self.looks, weights.shape[1]), np.inf)
        for i in range(weights.shape[1]):
            found = {w: self.bounds(i, w) for w in np.unique(weights[:, i])}
            for done, w in enumerate(weights[:, i]):
                if not done >> i & 1:
                    out[done, : len(self.information[i]), i] = found[w]
        return out

    def rejected_at(self, z: Array) -> NDArray[np.int16]:
        """Return int16[m, h], the look at which each hypothesis of each trial is rejected; 0 never.

        Parameters
        ----------
        z : float64[m, looks, h], positive favours the experimental arm; NaN where a look does not test a hypothesis

        Examples
        --------
        >>> from sim.boundary.spending import LanDeMetsOBrienFleming
        >>> from sim.multiplicity.graph import Graph
        >>> both = (LanDeMetsOBrienFleming(),) * 2
        >>> plan = SequentialGraph(Graph((0.2, 0.8), ((0, 1), (1, 0))), 0.025, both, ((0.6, 1.0), (0.5, 1.0)))
        >>> plan.rejected_at(np.array([[[3.1, 2.2], [3.3, 2.05]]])).tolist()
        [[2, 2]]
        """
        m, looks, h = z.shape
        if looks > self.looks or h != len(self.graph.weights):
            raise InputError(
                f"multiplicity: z of {looks} looks and {h} hypotheses; allowed: {self.looks} looks at most, {len(self.graph.weights)} hypotheses"
            )
        state = np.zeros(m, dtype=np.int64)
        at = np.zeros((m, h), dtype=np.int16)
        bit = 1 << np.arange(h)
        for look in range(looks):
            for _ in range(h):  # each round rejects at least one, or all is done
                critical = self._critical[state]
                first = 0 if self.retest_past_looks else look
                passes = np.asarray((z[:, first : look + 1] >= critical[:, first : look + 1]).any(axis=1))
                if not passes.any():
                    break
                at[passes] = look + 1
                state |= passes @ bit
        return at
