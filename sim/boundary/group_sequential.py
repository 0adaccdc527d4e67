"""Both boundaries of a group-sequential trial, as planned, from its choices of efficacy and futility."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.boundary.beta_spending import beta_spending_bounds
from sim.boundary.futility import BetaSpending, Futility, LowerBound, interim_bounds
from sim.boundary.recursive_integration import START, advance, efficacy_bounds, solve_bound
from sim.boundary.shapes import Shape
from sim.boundary.spending import Spending, increments
from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")


@dataclass(frozen=True, eq=False)
class Boundary:
    """Hold the bounds of each look.

    upper, lower : float64[k], z; lower is -infinity at the last look and where nothing stops for futility; upper is infinite at a
        look that cannot reject
    drift : E(Z) at the last look under which beta is spent; None without beta spending
    """

    upper: Array
    lower: Array
    drift: float | None = None


@lru_cache(maxsize=256)
def planned_boundary(
    fractions: tuple[float, ...],
    alpha: float,
    efficacy: Spending | Shape,
    futility: Futility | None = None,
    information: float = 1.0,
    binding: bool = False,
    spent_at: tuple[float, ...] | None = None,
) -> Boundary:
    """Compute both boundaries at the planned looks.

    Parameters
    ----------
    fractions : rising information fractions of what is tested, the last 1
    alpha : one-sided
    efficacy : how alpha is spent, or the shape of the critical values
    futility : when to give up; None never
    information : of log(hazard ratio) at the last look, for rules that name a hazard ratio
    binding : True: every trial below the lower bound must stop, and the upper bounds are lowered for it;
        False: the upper bounds are those without futility, and alpha holds whatever is done
    spent_at : fractions at which the spending functions are read, where they are others (of the events, of the calendar)

    Raises
    ------
    InputError : choices that do not go together

    Examples
    --------
    >>> from sim.boundary.futility import FixedZ
    >>> from sim.boundary.spending import LanDeMetsOBrienFleming
    >>> b = planned_boundary((0.5, 1.0), 0.025, LanDeMetsOBrienFleming(), FixedZ((0.0,)))
    >>> b.upper.round(4).tolist(), b.lower.tolist()
    ([2.9626, 1.9686], [0.0, -inf])
    """
    if isinstance(efficacy, Shape):
        if binding:
            raise InputError("design.binding is true with design.shape; allowed: false, or design.spending in place of a shape")
        upper = efficacy.bounds(fractions, alpha)
    else:
        upper = efficacy_bounds(fractions, alpha, efficacy, spent_at)
    if futility is None:
        return Boundary(upper, np.full(len(upper), -np.inf))
    if isinstance(futility, BetaSpending):
        if isinstance(efficacy, Shape):
            raise InputError("design.futility is beta spending with design.shape; allowed: design.spending in place of a shape")
        both = beta_spending_bounds(fractions, alpha, futility.beta, efficacy, futility.spending, binding, spent_at)
        return Boundary(both.upper, np.append(both.lower[:-1], -np.inf), both.drift)
    if not isinstance(futility, LowerBound):
        raise InputError(f"design.futility is a {type(futility).__name__}; allowed: beta spending or a rule with a lower bound")
    lower = interim_bounds(futility, fractions, information, float(upper[-1]))
    if binding and isinstance(efficacy, Spending):
        upper, lower = _binding(fractions, alpha, efficacy, futility, information, upper, spent_at)
    return Boundary(upper, np.minimum(lower, upper))


def _binding(
    fractions: tuple[float, ...],
    alpha: float,
    spending: Spending,
    futility: LowerBound,
    information: float,
    upper: Array,
    spent_at: tuple[float, ...] | None,
) -> tuple[Array, Array]:
    """Lower the upper bounds until they spend alpha among trials that stop for futility; the rule may depend on the last of them."""

    def excess(final_z: float) -> float:
        try:
            found = bounds_above(fractions, alpha, spending, interim_bounds(futility, fractions, information, final_z), spent_at)
        except InputError:
            # so many trials stop that fewer go on than may reject
            return -1e3
        return float(found[-1]) - final_z

    # the larger the last bound, the more trials stop before it, and the less it need be: one root
    low = high = float(upper[-1])
    while excess(low) <= 0:
        low -= 0.5
        if low < high - 20:
            raise InputError("design.futility with design.binding: fewer trials go on than alpha lets reject; allowed: binding false")
    final_z = float(brentq(excess, low, high + 1e-6, xtol=1e-12, rtol=1e-14))
    lower = interim_bounds(futility, fractions, information, final_z)
    found = bounds_above(fractions, alpha, spending, lower, spent_at)
    return found, np.minimum(lower, found)


def bounds_above(
    fractions: tuple[float, ...], alpha: float, spending: Spending, lower: Array, spent_at: tuple[float, ...] | None = None
) -> Array:
    """Return float64[k], the upper bounds that spend alpha where every trial at or below `lower` stops."""
    info = np.asarray(fractions, dtype=np.float64)
    spend = increments(spending, info if spent_at is None else np.asarray(spent_at), alpha)
    upper = np.empty(len(info))
    state = START
    for j in range(len(info)):
        upper[j] = solve_bound(state, info[j], 0.0, spend[j], upper=True)
        if j < len(info) - 1:
            state = advance(state, info[j], 0.0, min(lower[j], upper[j]), upper[j], info[j + 1])
    return upper
