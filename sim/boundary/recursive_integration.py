"""Crossing probabilities of group-sequential boundaries by recursive numerical integration (Armitage, McPherson & Rowe 1969).

Z_1, …, Z_k are the test statistics at rising information I_1 < … < I_k: jointly normal, variances 1, Cov(Z_i, Z_j) = sqrt(I_i / I_j).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.boundary.spending import Spending, increments
from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
ndtr = later("scipy.special", "ndtr")

# beyond 9 standard deviations a normal carries 1e-19
REACH = 9.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, eq=False)
class CrossingProbabilities:
    """Hold P(first crossing at look k), float64[k], above `upper` and below `lower`."""

    upper: Array
    lower: Array

    @property
    def ends(self) -> Array:
        """P(the trial ends at look k), float64[k]: whoever reaches the last look ends there"""
        out = self.upper + self.lower
        out[-1] = 1.0 - out[:-1].sum()
        return out


@dataclass(frozen=True, eq=False)
class Continuing:
    """Hold the sub-density of Z at one look among trials that go on: nodes, each with its share of probability.

    z, share : float64[m]; information : float
    """

    z: Array
    share: Array
    information: float


START = Continuing(np.zeros(1), np.ones(1), 0.0)


def step_mean(state: Continuing, information: float, drift: float) -> tuple[Array, float]:
    """Return the conditional means of the next Z given each node, float64[m], and its conditional standard deviation.

    drift : E of the increment of the score process, theta (I_next - I)
    """
    root = np.sqrt(information)
    return (state.z * np.sqrt(state.information) + drift) / root, float(np.sqrt((information - state.information) / information))


def advance(state: Continuing, information: float, drift: float, lower: float, upper: float, next_information: float | None) -> Continuing:
    """Carry the sub-density to the next look and keep what lies in (lower, upper).

    Notes
    -----
    Gauss-Legendre with 16 nodes on panels no wider than three times the smallest standard deviation with which the
    density enters or is used: for normal kernels of that width the error is below 1e-12.
    """
    mean, sd = step_mean(state, information, drift)
    low = max(lower, float(mean.min()) - REACH * sd)
    high = min(upper, float(mean.max()) + REACH * sd)
    if not low < high:
        return Continuing(np.zeros(1), np.zeros(1), information)
    smallest = sd if next_information is None else min(sd, float(np.sqrt((next_information - information) / information)))
    panels = int(np.ceil((high - low) / (3.0 * smallest)))
    width = (high - low) / panels
    z = (low + width * (np.arange(panels)[:, None] + (_NODES + 1) / 2)).ravel()
    weight = np.tile(_WEIGHTS * width / 2, panels)
    density = np.exp(-0.5 * ((z[:, None] - mean) / sd) ** 2) @ state.share / (sd * np.sqrt(2 * np.pi))
    return Continuing(z, weight * density, information)


def tail(state: Continuing, information: float, drift: float, bound: float, upper: bool) -> float:
    """Return P(the trial goes on to this look and Z > bound), or Z < bound where not `upper`."""
    mean, sd = step_mean(state, information, drift)
    x = (bound - mean) / sd
    return float(ndtr(-x if upper else x) @ state.share)


def solve_bound(state: Continuing, information: float, drift: float, probability: float, upper: bool) -> float:
    """Return the bound that the trial goes on to and crosses with this probability; infinite where it is 0.

    Raises
    ------
    InputError : where fewer trials go on than are to cross
    """
    if probability <= 0:
        return np.inf if upper else -np.inf
    mean, sd = step_mean(state, information, drift)
    low, high = float(mean.min()) - 40 * sd, float(mean.max()) + 40 * sd
    if probability >= state.share.sum():
        raise InputError(
            f"boundary: a look is to spend {probability:.3g} but only {state.share.sum():.3g} of the trials reach it; allowed: less"
        )
    return float(brentq(lambda b: tail(state, information, drift, b, upper) - probability, low, high, xtol=1e-12, rtol=1e-15))


def crossing_probabilities(
    information: tuple[float, ...] | Array, upper: Array, lower: Array | None = None, mean: Array | float = 0.0
) -> CrossingProbabilities:
    """Compute the probability of first crossing at each look.

    Parameters
    ----------
    information : float64[k], rising, in any unit
    upper : float64[k], z bounds; infinity where a look cannot stop
    lower : float64[k] or None, z bounds; -infinity where a look cannot stop
    mean : float64[k], E(Z) at each look; a number is E(Z) at the last look under a constant effect, E(Z_j) = mean sqrt(I_j / I_k)

    Raises
    ------
    InputError : where lengths differ, information does not rise or a lower bound exceeds its upper bound

    References
    ----------
    Armitage P, McPherson CK, Rowe BC. Repeated significance tests on accumulating data. JRSS A 1969;132:235-244.
    Jennison C, Turnbull BW. Group Sequential Methods with Applications to Clinical Trials. 2000, chapter 19.

    Examples
    --------
    >>> crossing_probabilities((0.5, 1.0), np.array([2.1782720, 2.1782720])).upper.sum().round(6)
    np.float64(0.025)
    """
    info = _information(information)
    k = len(info)
    up = np.asarray(upper, dtype=np.float64)
    low = np.full(k, -np.inf) if lower is None else np.asarray(lower, dtype=np.float64)
    if up.shape != (k,) or low.shape != (k,):
        raise InputError(f"boundary: {k} looks but {up.size} upper and {low.size} lower bounds; allowed: one for each look")
    if np.any(low > up):
        raise InputError("boundary: a lower bound lies above its upper bound; allowed: at most equal")
    means = np.asarray(mean, dtype=np.float64)
    score = (means * np.sqrt(info / info[-1]) if means.ndim == 0 else means) * np.sqrt(info)
    drift = np.diff(score, prepend=0.0)
    above, below = np.zeros(k), np.zeros(k)
    state = START
    for j in range(k):
        above[j] = tail(state, info[j], drift[j], up[j], upper=True)
        below[j] = tail(state, info[j], drift[j], low[j], upper=False)
        if j < k - 1:
            state = advance(state, info[j], drift[j], low[j], up[j], info[j + 1])
    return CrossingProbabilities(above, below)


def drift_for_power(information: tuple[float, ...] | Array, upper: Array, lower: Array | None, power: float) -> float:
    """Return the E(Z) at the last look at which the trial ends above with this probability.

    Notes
    -----
    (drift / (z_alpha + z_beta))^2 is the inflation factor: maximum information over that of a fixed test.

    Examples
    --------
    >>> bounds = np.array([2.7965097, 1.9774310])
    >>> round((drift_for_power((0.5, 1.0), bounds, None, 0.8) / 2.8015852) ** 2, 5)
    1.00779
    """
    if not 0 < power < 1:
        raise InputError(f"boundary: power is {power}; allowed: above 0 and below 1")

    def excess(drift: float) -> float:
        return float(crossing_probabilities(information, upper, lower, drift).upper.sum()) - power

    low, high = -1.0, 1.0
    while excess(low) > 0:
        low *= 2
    while excess(high) < 0:
        high *= 2
        if high > 1e3:
            raise InputError(f"boundary: no effect reaches the power {power}; allowed: an upper bound that can be crossed")
    return float(brentq(excess, low, high, xtol=1e-11, rtol=1e-14))


def efficacy_bounds(
    information_fractions: tuple[float, ...], alpha: float, spending: Spending, spent_at: tuple[float, ...] | None = None
) -> Array:
    """Compute the upper z bounds that spend alpha as the spending function says, futility ignored.

    Parameters
    ----------
    information_fractions : rising; only their ratios enter the correlations
    alpha : float, one-sided
    spending : Spending
    spent_at : fractions at which the spending function is read, where they differ (observed events over planned, calendar time)

    Returns
    -------
    float64[k]; the last look spends all that is left, so under- and over-running keep alpha

    Examples
    --------
    >>> from sim.boundary.spending import LanDeMetsOBrienFleming
    >>> efficacy_bounds((1 / 3, 2 / 3, 1.0), 0.025, LanDeMetsOBrienFleming()).round(4).tolist()
    [3.7103, 2.5114, 1.993]
    """
    info = _information(information_fractions)
    spend = increments(spending, info if spent_at is None else np.asarray(spent_at, dtype=np.float64), alpha)
    if len(spend) != len(info):
        raise InputError(f"boundary: {len(info)} looks but {len(spend)} fractions to spend at; allowed: one for each look")
    bounds = np.empty(len(info))
    state = START
    for j in range(len(info)):
        bounds[j] = solve_bound(state, info[j], 0.0, spend[j], upper=True)
        if j < len(info) - 1:
            state = advance(state, info[j], 0.0, -np.inf, bounds[j], info[j + 1])
    return bounds


def _information(information: tuple[float, ...] | Array) -> Array:
    info = np.asarray(information, dtype=np.float64)
    if info.ndim != 1 or len(info) == 0 or not (info[0] > 0 and np.all(np.diff(info) > 0) and np.all(np.isfinite(info))):
        raise InputError(f"boundary: information is {tuple(np.atleast_1d(info).tolist())}; allowed: rising numbers above 0")
    return info
