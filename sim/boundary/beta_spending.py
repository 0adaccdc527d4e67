"""Efficacy and futility bounds that spend alpha and beta together (Pampallona, Tsiatis & Kim 2001)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.boundary.recursive_integration import START, Continuing, advance, crossing_probabilities, efficacy_bounds, solve_bound, tail
from sim.boundary.spending import Spending, increments
from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
ndtri = later("scipy.special", "ndtri")


@dataclass(frozen=True, eq=False)
class FutilityDesign:
    """Hold a boundary with efficacy and futility, which meet at the last look.

    upper, lower : float64[k], z bounds
    drift : E(Z) at the last look at which the power is 1 - beta
    inflation_factor : maximum information over that of a fixed test with the same errors
    """

    upper: Array
    lower: Array
    drift: float
    inflation_factor: float


def beta_spending_bounds(
    information_fractions: tuple[float, ...],
    alpha: float,
    beta: float,
    efficacy: Spending,
    futility: Spending,
    binding: bool = False,
    spent_at: tuple[float, ...] | None = None,
) -> FutilityDesign:
    """Compute efficacy bounds that spend alpha and futility bounds that spend beta.

    Parameters
    ----------
    information_fractions : rising, the last 1
    alpha, beta : floats, one-sided; alpha + beta below 1
    efficacy, futility : Spending
    binding : False: alpha holds even where a trial goes on below the lower bound; True: the upper bounds are lowered because it must stop
    spent_at : fractions at which both spending functions are read, where they differ from those of the information

    Raises
    ------
    InputError : where the errors are out of range

    Notes
    -----
    Under drift d = E(Z_k) the lower bound of each look solves P(first crossing below at look j | d) = beta spent there. The bounds meet at
    the last look for one d only, which is found by root search; d^2 / (z_alpha + z_beta)^2 is the inflation factor.

    References
    ----------
    Pampallona S, Tsiatis AA, Kim K. Interim monitoring of group sequential trials using spending functions for the type I and type II
    error probabilities. Drug Inf J 2001;35:1113-1121.
    Jennison C, Turnbull BW. Group Sequential Methods. 2000, chapters 4, 7 and 19.

    Examples
    --------
    >>> from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming
    >>> design = beta_spending_bounds((0.6, 1.0), 0.025, 0.1, LanDeMetsOBrienFleming(), HwangShihDeCani(-2), binding=True)
    >>> design.lower.round(4).tolist(), design.upper.round(4).tolist()
    ([0.7558, 1.9535], [2.6686, 1.9535])
    """
    if not 0 < beta < 1 - alpha:
        raise InputError(f"boundary: beta is {beta}; allowed: above 0 and below 1 - alpha = {1 - alpha:g}")
    info = np.asarray(information_fractions, dtype=np.float64)
    ignored = efficacy_bounds(information_fractions, alpha, efficacy, spent_at)
    at = info if spent_at is None else np.asarray(spent_at, dtype=np.float64)
    spend_alpha, spend_beta = increments(efficacy, at, alpha), increments(futility, at, beta)
    fixed = -float(ndtri(alpha) + ndtri(beta))
    if len(info) == 1:
        return FutilityDesign(ignored, ignored.copy(), fixed, 1.0)

    def under(drift: float) -> tuple[Array, Array, float]:
        return _bounds_under(drift, info, spend_alpha, spend_beta, None if binding else ignored)

    def excess(drift: float) -> float:
        return under(drift)[2]

    low, high = fixed, 1.5 * fixed
    # stopping early for futility costs power, so the drift is never below the fixed test's unless the bounds are binding
    while excess(low) < 0:
        low *= 0.8
    while excess(high) > 0:
        high *= 1.3
    drift = float(brentq(excess, low, high, xtol=1e-11, rtol=1e-14))
    upper, lower, _ = under(drift)
    lower[-1] = upper[-1]
    return FutilityDesign(upper, lower, drift, (drift / fixed) ** 2)


def _bounds_under(drift: float, info: Array, spend_alpha: Array, spend_beta: Array, upper: Array | None) -> tuple[Array, Array, float]:
    """Return both bounds under this drift and the type II error at the last look less what it may be.

    upper : float64[k] where the efficacy bounds ignore futility, None where they are to take account of it
    """
    k = len(info)
    up, low = np.empty(k), np.empty(k)
    step = drift * np.sqrt(info[-1]) * np.diff(info / info[-1], prepend=0.0)
    null: Continuing = START
    effect: Continuing = START
    for j in range(k):
        if upper is not None:
            up[j] = upper[j]
        elif spend_alpha[j] >= null.share.sum():
            # a drift far too large stops nearly every null trial for futility before alpha is spent
            return up, low, -float(spend_beta[j:].sum())
        else:
            up[j] = solve_bound(null, info[j], 0.0, spend_alpha[j], upper=True)
        if j == k - 1:
            return up, low, tail(effect, info[j], step[j], up[j], upper=False) - spend_beta[j]
        if spend_beta[j] >= effect.share.sum():
            low[j] = up[j]
        else:
            # a drift far too large would put the lower bound above the upper one
            low[j] = min(solve_bound(effect, info[j], step[j], spend_beta[j], upper=False), up[j])
        if low[j] >= up[j]:
            return up, low, -float(spend_beta[j:].sum())
        effect = advance(effect, info[j], step[j], low[j], up[j], info[j + 1])
        if upper is None:
            null = advance(null, info[j], 0.0, low[j], up[j], info[j + 1])
    raise AssertionError("the last look returns")


def power_and_futility(design: FutilityDesign, information_fractions: tuple[float, ...], drift: float) -> tuple[Array, Array]:
    """Return the cumulative probabilities of stopping for efficacy and for futility, float64[k] each, under E(Z_k) = drift."""
    crossed = crossing_probabilities(information_fractions, design.upper, design.lower, drift)
    return np.cumsum(crossed.upper), np.cumsum(crossed.lower)
