"""Power and sample size of the one-sample log-rank test against any null curve (Wu 2015)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.curve import Curve
from sim.later import later
from sim.types import Array, InputError

ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

VARIANCES = ("mean", "null", "observed")


@dataclass(frozen=True)
class Moments:
    """Hold the moments of one patient's event D and null cumulative hazard L = Lambda0(X) at the analysis.

    events : E[D], the probability that the event is seen
    expected : E[L], what the null curve expects of one patient
    variance_events : Var(D)
    variance_expected : Var(L)
    covariance : Cov(D, L)
    """

    events: float
    expected: float
    variance_events: float
    variance_expected: float
    covariance: float

    @property
    def variance(self) -> float:
        """Var(D - L)"""
        return self.variance_events + self.variance_expected - 2 * self.covariance


def moments(null: Curve, alternative: Curve, accrual: float, followup: float, dropout: float = 0.0) -> Moments:
    """Compute the exact moments under the alternative, entry being uniform and the analysis at accrual + followup.

    Parameters
    ----------
    null, alternative : Curve, survival from enrolment; each may have its own grid
    accrual : float > 0, months of uniform enrolment
    followup : float >= 0, months from the last possible enrolment to the analysis
    dropout : float >= 0, hazard of loss per month

    Notes
    -----
    With G the probability of still being observed, S1 the alternative's survival and D, L of one patient:
    E[D] = int G S1 dLambda1, E[L] = int G S1 dLambda0, E[L^2] = 2 int Lambda0 G S1 dLambda0, E[D L] = int Lambda0 G S1 dLambda1.
    Both cumulative hazards are linear between grid points (see `Curve`), so Gauss-Legendre on each piece is exact to rounding.

    References
    ----------
    Wu J. Sample size calculation for the one-sample log-rank test. Pharm Stat 2015;14:26-33, section 3.

    Examples
    --------
    >>> null = Curve.exponential(median=2.8)
    >>> m = moments(null, null, accrual=12, followup=6)
    >>> round(m.events - m.expected, 9), round(m.variance - m.events, 9)
    (0.0, 0.0)
    """
    _check(accrual, followup, dropout)
    end = accrual + followup
    knots = np.unique(np.concatenate([null.times[null.times < end], alternative.times[alternative.times < end], [followup, end]]))
    x, w = np.polynomial.legendre.leggauss(4)
    low, width = knots[:-1, None], np.diff(knots)[:, None]
    t = low + width * (x + 1) / 2
    middle = (knots[:-1] + knots[1:]) / 2
    h0, slope0 = _hazard(null, t), _slope(null, middle)[:, None]
    h1, slope1 = _hazard(alternative, t), _slope(alternative, middle)[:, None]
    observed = np.clip((end - t) / accrual, 0.0, 1.0) * np.exp(-dropout * t - h1) * width * w / 2
    d = float(np.sum(observed * slope1))
    e = float(np.sum(observed * slope0))
    ee = float(np.sum(2 * observed * h0 * slope0))
    de = float(np.sum(observed * h0 * slope1))
    return Moments(d, e, d * (1 - d), ee - e * e, de - d * e)


def power(n: float, m: Moments, alpha: float = 0.025, variance: str = "mean", method: str = "wu2015") -> float:
    """Return the probability that n patients reject: z >= the upper alpha quantile.

    Parameters
    ----------
    n : float > 0, patients
    m : Moments, of one patient under the alternative
    alpha : float, one-sided
    variance : "mean" z = (E - O) / sqrt((O + E) / 2), "null" / sqrt(E), "observed" / sqrt(O)
    method : "wu2015" holds the variance estimate at its mean; "delta" lets it vary with O and E

    Notes
    -----
    With w = E[L] - E[D], s^2 = Var(D - L), v the mean of the variance estimate per patient and q the normal quantile,
    Wu's power is Phi((sqrt(n) w - sqrt(v) q) / s). The variance estimate rises with O and falls short when few events are seen,
    exactly when z is large; "delta" expands E - O - q sqrt(V) to first order in O and E and uses its variance instead.

    Examples
    --------
    >>> null, better = Curve.exponential(median=2.8), Curve.exponential(median=4.5)
    >>> round(power(60, moments(null, better, 12, 6, 0.0202027)), 3)
    0.908
    """
    _check_test(n, alpha, variance, method)
    effect = m.expected - m.events
    v, from_events, from_expected = {
        "mean": ((m.events + m.expected) / 2, 0.5, 0.5),
        "null": (m.expected, 0.0, 1.0),
        "observed": (m.events, 1.0, 0.0),
    }[variance]
    q = -float(ndtri(alpha))
    s2 = m.variance
    if method == "delta":
        slope = q / (2 * math.sqrt(n * v))
        a, b = 1 + slope * from_events, 1 - slope * from_expected
        s2 = a * a * m.variance_events + b * b * m.variance_expected - 2 * a * b * m.covariance
    return float(ndtr((math.sqrt(n) * effect - math.sqrt(v) * q) / math.sqrt(s2)))


def smallest_n(m: Moments, alpha: float = 0.025, power: float = 0.9, variance: str = "mean", method: str = "wu2015") -> int:
    """Return the smallest number of patients whose power reaches the target.

    Raises
    ------
    InputError : where the alternative expects no fewer events than the null, so that no n is enough

    Notes
    -----
    Wu's n = ((sqrt(v) q_alpha + s q_beta) / w)^2, rounded up; "delta" searches from there.
    """
    _check_test(1, alpha, variance, method)
    if not 0 < power < 1:
        raise InputError(f"one-sample log-rank: power is {power}; allowed: above 0 and below 1")
    effect = m.expected - m.events
    if effect <= 0:
        raise InputError(
            f"one-sample log-rank: the alternative expects {m.events:.4f} events a patient and the null {m.expected:.4f}; allowed: fewer under the alternative"
        )
    v = {"mean": (m.events + m.expected) / 2, "null": m.expected, "observed": m.events}[variance]
    root = (math.sqrt(v) * -float(ndtri(alpha)) + math.sqrt(m.variance) * float(ndtri(power))) / effect
    n = max(1, math.ceil(max(root, 0.0) ** 2))
    while _power(n, m, alpha, variance, method) < power:
        n += 1
    while n > 1 and _power(n - 1, m, alpha, variance, method) >= power:
        n -= 1
    return n


# `smallest_n` names its target `power`, as every sizing function here does
_power = power


def _hazard(curve: Curve, t: Array) -> Array:
    """Return Lambda(t); the curve's last hazard continues beyond its grid."""
    h = curve.cumulative_hazard()
    x = t / curve.step
    i = np.clip(np.floor(x).astype(int), 0, len(h) - 2)
    out: Array = h[i] + (x - i) * (h[i + 1] - h[i])
    return out


def _slope(curve: Curve, t: Array) -> Array:
    """Return the hazard at t, constant between grid points."""
    h = curve.cumulative_hazard()
    i = np.clip(np.floor(t / curve.step).astype(int), 0, len(h) - 2)
    out: Array = (h[i + 1] - h[i]) / curve.step
    return out


def _check(accrual: float, followup: float, dropout: float) -> None:
    if not (accrual > 0 and math.isfinite(accrual)):
        raise InputError(f"one-sample log-rank: accrual is {accrual}; allowed: a positive number of months")
    if not (followup >= 0 and math.isfinite(followup)):
        raise InputError(f"one-sample log-rank: followup is {followup}; allowed: 0 or more months")
    if not (dropout >= 0 and math.isfinite(dropout)):
        raise InputError(f"one-sample log-rank: dropout is {dropout}; allowed: a hazard of 0 or more per month")


def _check_test(n: float, alpha: float, variance: str, method: str) -> None:
    if not n > 0:
        raise InputError(f"one-sample log-rank: n is {n}; allowed: a positive number of patients")
    if not 0 < alpha < 1:
        raise InputError(f"one-sample log-rank: alpha is {alpha}; allowed: above 0 and below 1")
    if variance not in VARIANCES:
        raise InputError(f"one-sample log-rank: variance is {variance!r}; allowed: {', '.join(VARIANCES)}")
    if method not in ("wu2015", "delta"):
        raise InputError(f"one-sample log-rank: method is {method!r}; allowed: wu2015, delta")
