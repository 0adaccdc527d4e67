"""Prognostic effects after failure as centred multipliers of the rate of leaving first line: off unless a population asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.population.authors_regression import published_regression
from sim.population.centring import least_squares
from sim.population.multi_state import from_progression, grid
from sim.population.parameters import NO_CLASSES, Parameters, fingerprint, mix_weights
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
FIRM = 100.0  # weight of the published hazard ratios, which are met
START = (0.2, 8.0)  # odds ratios near the shipped answer: half the work


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


def kinds_of(marks: Mapping[str, Any]) -> dict[str, Array]:
    """Return the shares of reference, exposed and unknown of every covariate, in the order of the classes."""
    return {name: shares(marks, name) for name in EFFECTS}


def _steps(share: Array, beta: float) -> Array:
    """Return float64[3], log multipliers of the kinds: 0 on average over the known, and for the unknown."""
    reference, exposed, _ = share
    known = exposed / (reference + exposed)
    return np.array([-beta * known, beta * (1 - known), 0.0])


def classes(marks: Mapping[str, Any], logs: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Return (share, multiplier before centring) of the nine classes, lines within double hit or expressor, given independent.

    logs : log hazard ratio of each covariate on a patient's own rate, in the order of `EFFECTS`
    """
    w = list(kinds_of(marks).values())
    x = [_steps(share, beta) for share, beta in zip(w, logs, strict=True)]
    return tuple((float(w[0][i] * w[1][j]), float(exp(x[0][i] + x[1][j]))) for i, j in product(range(3), repeat=2))


def with_prognosis(p: Parameters, within: float = CLOSE) -> Parameters:
    """Return the parameters with prognostic classes at first line, solved for the published hazard ratios, the marginals left where they are.

    within : relative change of these marginals above which the parameters are refused; infinite takes the nearest

    Notes
    -----
    The published ratios are what a Cox regression of the authors' patients tends to (`authors_regression`). As with a treatment's
    stated ratio, each patient's ratio of leaving first line is the published one and the odds ratio of response makes up the rest;
    rates alone would have to differ by 10 and 40 times, since who is in durable remission is spared. Mixing over classes lengthens the tail, so one constant cannot keep the medians of both PFS and OS: the classes are
    centred by two, one without and one with a response, and the rate of transplant from response by a third, so that
    both medians of the treated from progression and the share transplanted from response stay within 1 %.
    Covariates are taken as independent given failure, as their joint distribution is not published.

    References
    ----------
    Zurko et al. 2023, Table 3 (hazard ratios). Hougaard, Analysis of Multivariate Survival Data (2000), section 2.2.5.
    """
    key = (fingerprint(p), within)
    if key not in _solved:
        _solved[key] = _solve(p, within)
    return _solved[key]


_solved: dict[tuple[str, float], Parameters] = {}


def _solve(p: Parameters, within: float) -> Parameters:
    plain, regression, kinds = replace(p, exit_classes=NO_CLASSES), published_regression(), kinds_of(p.marks)
    marginals, published = _marginals(plain), log([ratio for ratio, *_ in EFFECTS.values()])

    def moved(x: Array) -> Parameters:
        none, responds, allo = (float(c) for c in exp(np.clip(x[:3], -2.0, 2.0)))
        own = tuple(
            (w, none * m, responds * m, o)
            for (w, m), (_, o) in zip(classes(p.marks, published.tolist()), classes(p.marks, x[3:].tolist()), strict=True)
        )
        return replace(plain, exit_classes=own, allo_from_response_rate=allo * plain.allo_from_response_rate)

    def residuals(x: Array) -> Array:
        at = moved(x)
        limits = log(list(regression.limits(at, kinds).values()))
        out: Array = np.concatenate([log(_marginals(at) / marginals), FIRM * (limits - published), HELD * x[:3]])
        return out

    solution = least_squares(residuals, np.concatenate([np.zeros(3), log(START)]))
    if np.max(np.abs(residuals(solution)[:3])) > within:
        raise InputError(
            "population.prognostic: no centring keeps the medians of PFS and OS within 1 % under these parameters; allowed: false"
        )
    return moved(np.array([float(f"{x:.6g}") for x in solution]))


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
