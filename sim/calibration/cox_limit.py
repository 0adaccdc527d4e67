"""The hazard ratio that a Cox regression on one coded covariate tends to, by quadrature over curves and follow-up."""

from __future__ import annotations

import numpy as np

from sim.later import later
from sim.types import Array

brentq = later("scipy.optimize", "brentq")


def cox_limit(survival: Array, shares: Array, codes: Array, follow: Array) -> float:
    """Return exp(beta*), the limit of the Cox estimate under the curves' own mix and censoring.

    Parameters
    ----------
    survival : float64[g, k], curves of the groups on one grid; shares, codes : float64[g]
    follow : float64[k], P(cut later than t)

    Notes
    -----
    beta* solves sum_g w_g int (x_g - S1(t, beta) / S0(t, beta)) C(t) dF_g(t) = 0 with
    S_j = sum_g w_g x_g^j e^(beta x_g) S_g(t).

    References
    ----------
    Struthers & Kalbfleisch, Biometrika 1986;73:363, section 2.

    Examples
    --------
    >>> t = np.linspace(0, 20, 2001)
    >>> curves = np.exp(-np.outer([0.1, 0.2], t))
    >>> round(cox_limit(curves, np.array([0.5, 0.5]), np.array([0.0, 1.0]), np.ones_like(t)), 3)
    2.0
    """
    middle = 0.5 * (survival[:, 1:] + survival[:, :-1])
    events = -np.diff(survival, axis=1) * 0.5 * (follow[1:] + follow[:-1]) * shares[:, None]

    def score(beta: float) -> float:
        at_risk = shares[:, None] * middle * np.exp(beta * codes)[:, None]
        mean = (codes @ at_risk) / np.maximum(at_risk.sum(axis=0), 1e-300)
        return float(np.sum(events * (codes[:, None] - mean)))

    return float(np.exp(brentq(score, -5.0, 5.0, xtol=1e-10)))
