"""The bounds of a randomised survival trial: from the null covariance of what is tested at its looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.boundary.futility import BetaSpending, Futility, LowerBound, interim_bounds
from sim.boundary.group_sequential import Boundary, planned_boundary
from sim.boundary.joint_maximum import JointMonitor, LastOfSeveral, joint_limits
from sim.boundary.last_analysis import LastOfOne
from sim.boundary.monitoring import Monitor, Watch
from sim.boundary.shapes import Shape
from sim.boundary.spending import Spending, increments
from sim.design.design import CriticalZ, Rule
from sim.design.group_sequential_rules import PlannedZ, RecomputedZ
from sim.design.spend_by import SpendBy
from sim.later import later
from sim.statistic.null_trial import NullLook, NullTrial
from sim.statistic.statistic import Statistic
from sim.types import Array, InputError

ndtri = later("scipy.special", "ndtri")

LEAST_STEP = 5e-4  # of the last look's information: a look that adds less is no look


@dataclass(frozen=True)
class Errors:
    """How a trial of several looks spends its errors; fields as in `RandomisedSurvival`."""

    alpha: float
    efficacy: Spending | Shape | None
    futility: Futility | None
    binding: bool
    observed: bool
    spend_by: SpendBy
    unit_information: float


@dataclass(frozen=True, eq=False)
class SurvivalBounds:
    """What is planned for each look, and the rule that follows from it. fractions : of the test's own information."""

    boundary: Boundary
    fractions: tuple[float, ...]
    rule: Rule


def survival_bounds(errors: Errors, statistic: Statistic, null: NullTrial, events: tuple[int, ...]) -> SurvivalBounds:
    """Compute the bounds of the looks at these numbers of events.

    Notes
    -----
    The correlation of two looks is the root of the ratio of their null information, which the statistic states: for the log-rank and Cox
    tests that of the events, for a weighted one the variance of its score, for a difference of curves one over its variance. Of several
    scores (MaxCombo) all are taken jointly. The errors are spent by another clock where `spend_by` says so.

    References
    ----------
    Lan & DeMets, Biometrika 1983;70:659. Tsiatis, Journal of the American Statistical Association 1982;77:855 (weighted log-rank tests).
    """
    if len(events) == 1:
        z = -ndtri(errors.alpha)
        return SurvivalBounds(Boundary(np.array([z]), np.array([-np.inf])), (1.0,), CriticalZ((float(z),)))
    looks = [null.look(d) for d in events]
    covariances = [statistic.null_information(look) for look in looks]
    return _of_one(errors, looks, covariances) if len(covariances[0]) == 1 else _of_several(errors, statistic, null, looks, covariances)


def _of_one(errors: Errors, looks: Sequence[NullLook], covariances: Sequence[Array]) -> SurvivalBounds:
    """Bounds of one score, whose increments are independent."""
    information = tuple(float(v[0, 0]) for v in covariances)
    if not information[-1] > 0:
        raise InputError("design.statistic has no information at the last look, as planned; allowed: a later look or an earlier horizon")
    own = tuple(x / information[-1] for x in information)
    count = looks_that_count(own)
    at = errors.spend_by.planned(looks, own)
    assert errors.efficacy is not None
    events = int(looks[-1].events)
    total = events * errors.unit_information
    args = (errors.alpha, errors.efficacy, errors.futility, total, errors.binding)
    found = planned_boundary(tuple(own[k] for k in count), *args, tuple(at[k] for k in count))
    upper, lower = np.full(len(looks), np.inf), np.full(len(looks), -np.inf)
    upper[count], lower[count] = found.upper, found.lower
    boundary = Boundary(upper, lower, found.drift)
    if errors.observed and isinstance(errors.efficacy, Spending):
        planned, final = information[-1], float(upper[-1])
        unit = total / planned
        monitor = Monitor(planned, errors.alpha, errors.efficacy, errors.futility, errors.binding, found.drift, final, unit)
        return SurvivalBounds(boundary, own, _recomputed(errors, monitor, planned, looks))
    return SurvivalBounds(boundary, own, planned_rule(boundary, errors.alpha, errors.binding, information[-1]))


def planned_rule(boundary: Boundary, alpha: float, binding: bool, planned: float) -> PlannedZ:
    """Return the rule of planned bounds of one score; planned : information at the last look, in the unit of what is found."""
    upper, lower = tuple(float(z) for z in boundary.upper), tuple(float(z) for z in boundary.lower)
    stops = lower if binding else (-np.inf,) * len(lower)
    return PlannedZ(lower, upper, LastOfOne(alpha, upper, stops), planned)


def looks_that_count(own: tuple[float, ...]) -> list[int]:
    """Return which looks have information of their own; one that adds hardly any takes the place of the one before it.

    Examples
    --------
    >>> looks_that_count((0.0, 0.4, 0.9999, 1.0))
    [1, 3]
    """
    out: list[int] = []
    for k, x in enumerate(own):
        if out and x < own[out[-1]] + LEAST_STEP:
            out[-1] = k
        elif x > 0:
            out.append(k)
    return out


def _of_several(
    errors: Errors, statistic: Statistic, null: NullTrial, looks: Sequence[NullLook], covariances: Sequence[Array]
) -> SurvivalBounds:
    """Bounds of the largest of several scores, whose information at a look follows from its events."""
    futility, spending = errors.futility, errors.efficacy
    if not isinstance(spending, Spending):
        raise InputError("design.shape is given for a test of several scores; allowed: design.spending in place of a shape")
    if isinstance(futility, BetaSpending) or errors.binding or (errors.observed and futility is not None):
        raise InputError(
            f"design.futility is {futility.label if futility else None} for a test of several scores; allowed: null, or a rule that is neither"
            " binding nor beta spending, with design.bounds_at planned"
        )
    least = np.array([np.diag(v) for v in covariances])
    own = tuple(float(x) for x in (least / least[-1]).min(axis=1))
    at = errors.spend_by.planned(looks, own)
    limits = joint_limits(covariances, increments(spending, np.asarray(at), errors.alpha))
    upper = tuple(limit.z for limit in limits)
    lower = np.full(len(looks), -np.inf)
    events = looks[-1].events
    if isinstance(futility, LowerBound):
        lower = np.minimum(interim_bounds(futility, own, events * errors.unit_information, upper[-1]), upper)
    boundary = Boundary(np.array(upper), lower)
    covariance = _Covariance(statistic, null)
    if errors.observed:
        monitor = JointMonitor(events, errors.alpha, spending, covariance)
        return SurvivalBounds(boundary, own, _recomputed(errors, monitor, events, looks))
    last = LastOfSeveral(errors.alpha, tuple(limit.largest for limit in limits), covariance)
    return SurvivalBounds(boundary, own, PlannedZ(tuple(float(z) for z in lower), upper, last, events))


@dataclass(frozen=True)
class _Covariance:
    """The null covariance of a statistic's scores by the number of events."""

    statistic: Statistic
    null: NullTrial

    def __call__(self, events: float) -> Array:
        return self.statistic.null_information(self.null.look(events))


def _recomputed(errors: Errors, monitor: Watch, planned: float, looks: Sequence[NullLook]) -> RecomputedZ:
    month = looks[-1].month if errors.spend_by.needs_month else np.nan
    return RecomputedZ(monitor, planned, errors.spend_by, int(looks[-1].events), month)
