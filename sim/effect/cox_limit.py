"""What a hazard ratio estimated in a large trial tends to, where hazards are not proportional: by quadrature over curves and follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.types import Array

brentq = later("scipy.optimize", "brentq")

BOUND = 12.0  # of a log hazard ratio; beyond it one arm has no events at all
SIMPSON = (1 / 6, 4 / 6, 1 / 6)


@dataclass(frozen=True, eq=False)
class LargeTrial:
    """What a trial is expected to see, per patient, group by group and cell by cell of the time since entry.

    Parameters
    ----------
    events : float64[g, k], events of each group in each cell
    at_risk : float64[g, 3, k], share of all patients who are at risk and of the group: at the start, in the middle and at the end of the cell
    codes : float64[g], the covariate; 1 = experimental
    strata : int64[g], the stratum whose risk sets the group belongs to
    """

    events: Array
    at_risk: Array
    codes: Array
    strata: NDArray[np.int64]

    @classmethod
    def of(cls, survival: Array, shares: Array, codes: Array, follow: Array, strata: NDArray[np.int64] | None = None) -> LargeTrial:
        """Make it from curves.

        Parameters
        ----------
        survival : float64[g, k + 1], curves of the groups on one grid; shares, codes : float64[g]
        follow : float64[k + 1], P(watched longer than t), were there no events
        strata : int64[g]; None: one stratum
        """
        middle = np.sqrt(survival[:, 1:] * survival[:, :-1])  # hazards are constant within a cell
        watched = np.stack([follow[:-1], 0.5 * (follow[1:] + follow[:-1]), follow[1:]])
        mass = -np.diff(survival, axis=1) * shares[:, None]
        at_risk = np.stack([survival[:, :-1], middle, survival[:, 1:]], axis=1) * shares[:, None, None] * watched
        own = np.zeros(len(shares), dtype=np.int64) if strata is None else strata
        return cls(mass[:, None, :] * watched * np.array(SIMPSON)[:, None], at_risk, codes, own)

    @property
    def expected_events(self) -> float:
        """Events per patient, all groups."""
        return float(self.events.sum())

    def score(self, beta: float) -> tuple[float, float]:
        """Return the expected score of the partial likelihood at beta, and its negative slope, per patient."""
        u = v = 0.0
        for stratum in np.unique(self.strata):
            mine = self.strata == stratum
            x, n, d = self.codes[mine], self.at_risk[mine], self.events[mine]
            weighted = n * np.exp(beta * x)[:, None, None]
            total = np.maximum(weighted.sum(axis=0), 1e-300)
            mean = np.tensordot(x, weighted, 1) / total
            square = np.tensordot(x * x, weighted, 1) / total
            u += float(np.sum(d * (x[:, None, None] - mean)))
            v += float(np.sum(d.sum(axis=0) * (square - mean * mean)))
        return u, v

    def cox(self) -> float:
        """Return exp(beta*), the limit of Cox's estimator; 0 or infinity where one arm has no events, NaN where nobody has.

        Notes
        -----
        beta* is the root of the expected score: sum_g w_g int (x_g - S1(t, beta) / S0(t, beta)) C(t) dF_g(t) = 0 with
        S_j = sum_g w_g x_g^j e^(beta x_g) S_g(t), over the groups of the stratum, summed over strata.

        References
        ----------
        Struthers & Kalbfleisch, Biometrika 1986;73:363, section 2. Lin & Wei, JASA 1989;84:1074.
        """
        low, high = self.score(-BOUND)[0], self.score(BOUND)[0]
        if low == 0 and high == 0:
            return float("nan")
        if low <= 0 or high >= 0:
            return 0.0 if low <= 0 else inf
        return exp(float(brentq(lambda beta: self.score(beta)[0], -BOUND, BOUND, xtol=1e-13, rtol=1e-14)))

    def one_step(self) -> float:
        """Return the limit of Peto's estimate exp(U / V), one step from no effect: what the log-rank test estimates.

        References
        ----------
        Peto & Peto, JRSS A 1972;135:185, section 3.
        """
        u, v = self.score(0.0)
        return exp(u / v) if v > 0 else float("nan")

    def event_weighted(self) -> float:
        """Return exp of the event-weighted mean log hazard ratio of cells, in the pooled patients of each arm: not the limit of Cox's estimate.

        References
        ----------
        Mukhopadhyay et al., J Biopharm Stat 2020;30:1130.
        """
        weight = total = 0.0
        d, n = ([x[self.codes == arm].sum(axis=0) for arm in (0.0, 1.0)] for x in (self.events.sum(axis=1), self.at_risk[:, 1]))
        seen = (d[0] > 0) & (d[1] > 0) & (n[0] > 0) & (n[1] > 0)
        each = d[0][seen] + d[1][seen]
        ratio = np.log(d[1][seen] * n[0][seen] / (d[0][seen] * n[1][seen]))
        weight, total = float(np.sum(each)), float(np.sum(each * ratio))
        return exp(total / weight) if weight > 0 else float("nan")


def cox_limit(survival: Array, shares: Array, codes: Array, follow: Array, strata: NDArray[np.int64] | None = None) -> float:
    """Return exp(beta*), the limit of the Cox estimate under the curves' own mix and censoring; arguments as in `LargeTrial.of`.

    Examples
    --------
    >>> t = np.linspace(0, 20, 2001)
    >>> curves = np.exp(-np.outer([0.1, 0.2], t))
    >>> round(cox_limit(curves, np.array([0.5, 0.5]), np.array([0.0, 1.0]), np.ones_like(t)), 6)
    2.0
    """
    return LargeTrial.of(survival, shares, codes, follow, strata).cox()


def kalbfleisch_prentice(control: Array, experimental: Array) -> float:
    """Return the average hazard ratio over the grid's span, from the two curves.

    Notes
    -----
    AHR = -int S0 dS1 / -int S1 dS0: the odds that, of two patients who fail within the span, one of each arm, the
    experimental one fails first. Under proportional hazards it is the hazard ratio, whatever the span.

    References
    ----------
    Kalbfleisch & Prentice, Biometrika 1981;68:105, with weight S0 S1.

    Examples
    --------
    >>> t = np.linspace(0, 12, 1201)
    >>> round(kalbfleisch_prentice(np.exp(-0.2 * t), np.exp(-0.1 * t)), 6)
    0.5
    """
    h0, h1 = (-np.diff(np.log(np.maximum(curve, 1e-300))) for curve in (control, experimental))
    # the exact integral of S0 S1 over a cell of constant hazards
    product, fall = control * experimental, h0 + h1
    weight = np.where(fall > 1e-12, (product[:-1] - product[1:]) / np.where(fall > 1e-12, fall, 1.0), product[:-1])
    total = float(np.sum(weight * h0))
    return float(np.sum(weight * h1)) / total if total > 0 else float("nan")


def uniform_follow_up(t: Array, accrual: float, cut: float, dropout: float = 0.0) -> Array:
    """Return P(watched longer than t): uniform accrual over (0, accrual), analysis at calendar month `cut`, exponential dropout.

    Examples
    --------
    >>> uniform_follow_up(np.array([0.0, 12.0, 21.0, 30.0]), 18.0, 30.0).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    out: Array = np.clip((cut - t) / accrual, 0.0, 1.0) * np.exp(-dropout * t)
    return out


def log_or_bound(ratio: float) -> float:
    """Return the logarithm, at most `BOUND` in size."""
    return -BOUND if ratio <= 0 else BOUND if ratio == inf else log(ratio)
