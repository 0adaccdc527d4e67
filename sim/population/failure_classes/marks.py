"""Marks at failure (ECOG, LDH, haemoglobin, extranodal sites): drawn from the class, so that eligibility changes prognosis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.population.failure_classes.parameters import ClassParameters, expit
from sim.population.failure_classes.times import TIME_CLASSES
from sim.rng import Draws
from sim.types import Array, Flags, InputError

MARKS = ("ecog", "ldh", "haemoglobin", "extranodal")
TIME = "time_to_failure"


@dataclass(frozen=True, eq=False)
class Mark:
    """One mark: its levels from good to bad, and P(level | class), float64[K, L]."""

    levels: tuple[str, ...]
    chance: Array


def mark(p: ClassParameters, name: str) -> Mark:
    """Return a mark of the parameters.

    Notes
    -----
    P(level j or worse | class) = expit(a_j + log_odds_ratio z_k), a_j solved so that the failures observed by the study have the
    declared shares (McCullagh, Journal of the Royal Statistical Society B 1980;42:109: proportional odds).
    """
    try:
        row = p.at_failure[name]
        levels, shares, slope = tuple(str(x) for x in row["levels"]), np.array(row["shares"], dtype=float), float(row["log_odds_ratio"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"parameters: at_failure.{name} needs levels, shares and log_odds_ratio") from error
    if len(levels) != len(shares) or len(shares) < 2 or abs(shares.sum() - 1) > 1e-9 or shares.min() <= 0 or slope < 0:
        raise InputError(f"parameters: at_failure.{name}: one positive share for each of two or more levels, adding to 1, and a log odds ratio of 0 or more")  # fmt: skip
    worse = 1 - np.cumsum(shares)[:-1]
    reached = np.array([np.ones(p.classes), *(expit(_intercept(p, x, slope) + slope * p.scores) for x in worse), np.zeros(p.classes)])
    return Mark(levels, np.ascontiguousarray(-np.diff(reached, axis=0).T))


def _intercept(p: ClassParameters, share: float, slope: float) -> float:
    """Solve sum of class shares times expit(a + slope z_k) = share, by bisection."""
    low, high = -40.0, 40.0
    weights = np.array(p.class_shares)
    for _ in range(60):
        a = 0.5 * (low + high)
        if float(np.sum(weights * expit(a + slope * p.scores))) < share:
            low = a
        else:
            high = a
    return 0.5 * (low + high)


def check(p: ClassParameters, eligible: Mapping[str, Any]) -> None:
    """Refuse marks or levels that there are not."""
    for name, allowed in eligible.items():
        if allowed is None:
            continue
        if name != TIME and name not in MARKS:
            raise InputError(f"population.eligible.{name}: no such mark; allowed: {', '.join((*MARKS, TIME))}")
        levels = TIME_CLASSES if name == TIME else mark(p, name).levels
        if isinstance(allowed, str) or not isinstance(allowed, Sequence) or not allowed or not {str(x) for x in allowed} <= set(levels):
            raise InputError(f"population.eligible.{name} is {allowed!r}; allowed: null or a list of: {', '.join(levels)}")


def weights(p: ClassParameters, eligible: Mapping[str, Any]) -> Array:
    """Return float64[4, K], P(eligible | time to failure, class): marks are independent given the class."""
    out = np.ones((len(TIME_CLASSES), p.classes))
    for name, allowed in eligible.items():
        if allowed is None:
            continue
        wanted = {str(x) for x in allowed}
        if name == TIME:
            out *= np.array([float(x in wanted) for x in TIME_CLASSES])[:, None]
        else:
            x = mark(p, name)
            out *= np.sum(x.chance * np.array([float(level in wanted) for level in x.levels]), axis=1)
    return out


def draw(p: ClassParameters, name: str, eligible: Mapping[str, Any], class_: Flags, draws: Draws) -> Flags:
    """Return uint8, the level of a mark of each addressed patient, given the class and that the patient is eligible."""
    x = mark(p, name)
    allowed = eligible.get(name)
    keep = np.ones(len(x.levels)) if allowed is None else np.array([float(k in {str(a) for a in allowed}) for k in x.levels])
    chance = x.chance * keep
    steps = np.cumsum(chance / np.sum(chance, axis=1)[:, None], axis=1)
    # a level that is not allowed has no width; rounding must not leave any above the last that is
    steps[:, int(np.flatnonzero(keep)[-1]) :] = math.inf
    u = (draws.word(f"{name}_at_failure") + 0.5) * 2.0**-32
    out: Flags = np.sum(u[..., None] >= steps[class_][..., :-1], axis=-1).astype(np.uint8)
    return out
