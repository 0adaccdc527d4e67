"""Prognostic effects after failure as centred multipliers of the rate of leaving first line: off unless a population asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.population.centring import least_squares
from sim.population.multi_state import from_progression, grid
from sim.population.parameters import NO_CLASSES, Parameters, mix_weights
from sim.rng import Draws
from sim.types import Array, InputError

exp = later("sim.kernels.vectors", "exp")
log = later("sim.kernels.vectors", "log")

# covariate: (published hazard ratio of the second set of levels against the first, first, second); the rest is unknown
EFFECTS: dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]] = {
    "lines": (1.89, ("1", "2"), ("3-4", "5-6")),
    "dhde": (0.42, ("double hit", "double expressor"), ("neither",)),
}
UNKNOWN = 2
# Relative change of a marginal that is allowed, and how firmly the constants are held near 1: where the figures leave two
# of them to trade off, neither runs away.
CLOSE, HELD = 0.01, 0.005


def _kinds(name: str, levels: list[str]) -> list[int]:
    """Return for each level of a covariate 0 (reference), 1 (the hazard ratio applies) or 2 (unknown)."""
    _, reference, exposed = EFFECTS[name]
    return [0 if k in reference else 1 if k in exposed else UNKNOWN for k in levels]


def _covariate(marks: Mapping[str, Any], name: str) -> tuple[Array, list[int]]:
    """Return (share of each level among failures, its kind)."""
    try:
        row = marks["covariates"][name]
        return np.array(row["fails"], dtype=float), _kinds(name, row["levels"])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"population.prognostic: the parameter file has no shares of {name} by outcome; allowed: one written by task=fit"
        ) from error


def shares(marks: Mapping[str, Any], name: str) -> Array:
    """Return float64[3], the shares of reference, exposed and unknown of a covariate among failures."""
    by_level, kinds = _covariate(marks, name)
    return np.array([by_level[np.array(kinds) == kind].sum() for kind in range(3)])


def _steps(marks: Mapping[str, Any], name: str) -> Array:
    """Return float64[3], log multipliers of the kinds: 0 on average over the known, and for the unknown."""
    reference, exposed, _ = shares(marks, name)
    beta, known = float(log(EFFECTS[name][0])), exposed / (reference + exposed)
    return np.array([-beta * known, beta * (1 - known), 0.0])


def classes(marks: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """Return (share, multiplier before centring) of the nine classes, lines within double hit or expressor, given independent."""
    w, x = ([of(marks, name) for name in EFFECTS] for of in (shares, _steps))
    return tuple((float(w[0][i] * w[1][j]), float(exp(x[0][i] + x[1][j]))) for i, j in product(range(3), repeat=2))


def with_prognosis(p: Parameters, within: float = CLOSE) -> Parameters:
    """Return the parameters with prognostic classes at first line, centred so that the marginal medians stay put.

    within : relative change of these marginals above which the parameters are refused; infinite takes the nearest

    Notes
    -----
    Mixing over classes lengthens the tail, so one constant cannot keep the medians of both PFS and OS: the classes are
    centred by two, one without and one with a response, and the rate of transplant from response by a third, so that
    both medians of the treated from progression and the share transplanted from response stay within 1 %.
    Covariates are taken as independent given failure, as their joint distribution is not published.

    References
    ----------
    Zurko et al. 2023, Table 3 (hazard ratios). Hougaard, Analysis of Multivariate Survival Data (2000), section 2.2.5.
    """
    plain, raw = replace(p, exit_classes=NO_CLASSES), classes(p.marks)
    marginals = _marginals(plain)

    def centred(logs: Array) -> Parameters:
        none, responds, allo = (float(x) for x in exp(np.clip(logs, -2.0, 2.0)))
        moved = tuple((w, none * m, responds * m) for w, m in raw)
        return replace(plain, exit_classes=moved, allo_from_response_rate=allo * plain.allo_from_response_rate)

    def residuals(logs: Array) -> Array:
        out: Array = np.concatenate([log(_marginals(centred(logs)) / marginals), HELD * logs])
        return out

    logs = least_squares(residuals, np.zeros(3))
    if np.max(np.abs(residuals(logs)[:3])) > within:
        raise InputError(
            "population.prognostic: no centring keeps the medians of PFS and OS within 1 % under these parameters; allowed: false"
        )
    return centred(logs)


def _marginals(p: Parameters) -> Array:
    """Return the medians of PFS and OS of the treated from progression (months, published mix), and the share transplanted from response."""
    t = grid(0.02, 60.0)
    weights, response = mix_weights(p)
    started = np.array([p.refractory_share * p.treated_refractory, (1 - p.refractory_share) * p.treated_other])
    r, o = (from_progression(p, g, weights, response, t) for g in (0, 1))
    a, b = (float(x) for x in started / started.sum())
    curves = (a * r.pfs_treated + b * o.pfs_treated, a * r.os_treated + b * o.os_treated)
    allo = a * r.first_line.allo[-1] + b * o.first_line.allo[-1]
    return np.array([*(np.interp(-0.5, -curve, t) for curve in curves), allo])


def class_of(p: Parameters, draws: Draws) -> NDArray[np.int64]:
    """Return int64[m, n], the class of each addressed patient, in the order of `exit_classes`; the words are the covariates' own."""
    kinds = []
    for name in EFFECTS:
        by_level, kind = _covariate(p.marks, name)
        level = np.searchsorted(np.cumsum(by_level)[:-1], (draws.word(name) + 0.5) * 2.0**-32, side="right")
        kinds.append(np.array(kind)[level])
    out: NDArray[np.int64] = 3 * kinds[0] + kinds[1]
    return out
