"""The classical boundaries: Pocock, O'Brien-Fleming, Wang-Tsiatis and Haybittle-Peto."""

from __future__ import annotations

import numpy as np

from sim.boundary.recursive_integration import START, advance, crossing_probabilities, solve_bound
from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
ndtri = later("scipy.special", "ndtri")


def wang_tsiatis(information_fractions: tuple[float, ...], alpha: float, delta: float) -> Array:
    """Compute the bounds c t^(delta - 1/2) with the constant c that makes the type I error alpha.

    Parameters
    ----------
    information_fractions : rising
    alpha : float, one-sided
    delta : float <= 1/2 as a rule; 0 is O'Brien-Fleming, 1/2 is Pocock

    Returns
    -------
    float64[k], z bounds

    References
    ----------
    Wang SK, Tsiatis AA. Approximately optimal one-parameter boundaries for group sequential trials. Biometrics 1987;43:193-199.

    Examples
    --------
    >>> wang_tsiatis((0.5, 1.0), 0.025, 0.25).round(4).tolist()
    [2.4239, 2.0382]
    """
    _check_alpha(alpha)
    if not abs(delta) < 10:
        raise InputError(f"Wang-Tsiatis boundary: delta is {delta}; allowed: -10 to 10")
    t = np.asarray(information_fractions, dtype=np.float64)
    if t.ndim != 1 or len(t) == 0 or not t[0] > 0:
        raise InputError(f"boundary: information fractions are {information_fractions}; allowed: rising numbers above 0")
    shape = (t / t[-1]) ** (delta - 0.5)

    def excess(c: float) -> float:
        return float(crossing_probabilities(t, c * shape).upper.sum()) - alpha

    one_look = -float(ndtri(alpha))
    # a single look at the last shape gives the least constant, Bonferroni at the smallest shape the largest
    low = min(one_look / shape.max(), one_look) - 1e-9
    high = max(-float(ndtri(alpha / len(t))) / shape.min(), 1e-9) + 1e-9
    return float(brentq(excess, low, high, xtol=1e-12, rtol=1e-15)) * shape


def pocock(information_fractions: tuple[float, ...], alpha: float) -> Array:
    """Compute the constant z bounds, float64[k].

    References
    ----------
    Pocock SJ. Group sequential methods in the design and analysis of clinical trials. Biometrika 1977;64:191-199.

    Examples
    --------
    >>> pocock((0.5, 1.0), 0.025).round(4).tolist()
    [2.1783, 2.1783]
    """
    return wang_tsiatis(information_fractions, alpha, 0.5)


def obrien_fleming(information_fractions: tuple[float, ...], alpha: float) -> Array:
    """Compute the z bounds c / sqrt(t), float64[k].

    References
    ----------
    O'Brien PC, Fleming TR. A multiple testing procedure for clinical trials. Biometrics 1979;35:549-556.

    Examples
    --------
    >>> obrien_fleming((0.5, 1.0), 0.025).round(4).tolist()
    [2.7965, 1.9774]
    """
    return wang_tsiatis(information_fractions, alpha, 0.0)


def haybittle_peto(information_fractions: tuple[float, ...], alpha: float, interim_z: float = 3.0) -> Array:
    """Compute a constant bound at every interim look and the last bound that keeps alpha, float64[k].

    Raises
    ------
    InputError : where the interim looks alone spend alpha

    References
    ----------
    Haybittle JL. Repeated assessment of results in clinical trials of cancer treatment. Br J Radiol 1971;44:793-797.
    Peto R, et al. Br J Cancer 1976;34:585-612.

    Examples
    --------
    >>> haybittle_peto((0.5, 1.0), 0.025).round(4).tolist()
    [3.0, 1.9673]
    """
    _check_alpha(alpha)
    t = np.asarray(information_fractions, dtype=np.float64)
    if not interim_z > 0:
        raise InputError(f"Haybittle-Peto boundary: interim z is {interim_z}; allowed: a positive number")
    bounds = np.full(len(t), float(interim_z))
    spent = float(crossing_probabilities(t, bounds).upper[:-1].sum())
    if spent >= alpha:
        raise InputError(f"Haybittle-Peto boundary: interim z {interim_z} spends {spent:.4g}; allowed: less than alpha = {alpha}")
    state = START
    for j in range(len(t) - 1):
        state = advance(state, t[j], 0.0, -np.inf, bounds[j], t[j + 1])
    bounds[-1] = solve_bound(state, t[-1], 0.0, alpha - spent, upper=True)
    return bounds


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 0.5:
        raise InputError(f"boundary: alpha is {alpha}; allowed: above 0 and below 1/2")
