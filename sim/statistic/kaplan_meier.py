"""Kaplan-Meier estimates at a horizon, their transforms and pointwise intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.limits import POSITIVE_MONTHS
from sim.statistic.null_trial import NullLook
from sim.statistic.risk_sets import Counts, RiskSets, risk_sets
from sim.statistic.statistic import Code, TestResult
from sim.types import Array, InputError, Observations

ndtri = later("scipy.special", "ndtri")
kernel = later("sim.kernels.kaplan_meier")
transforms = later("sim.kernels.transforms")

Mask = NDArray[np.bool_]

TRANSFORMS = {
    "plain": transforms.PLAIN,
    "log": transforms.LOG,
    "loglog": transforms.LOGLOG,
    "logit": transforms.LOGIT,
    "arcsine": transforms.ARCSINE,
}


@dataclass(frozen=True, eq=False)
class KaplanMeier:
    """Curves of m trials read at one horizon; arrays float64[m, strata, arms].

    survival : S; greenwood : sum d / (n (n - d)), so that Var S = S^2 greenwood
    area : restricted mean in months; area_variance : its variance (the sum of Uno 2014, not multiplied by a sample-size factor)
    at_risk : patients watched until the horizon or longer; patients : of the stratum and arm
    followed : patients whose state at the horizon is known: watched so long, or with an event before it
    """

    risk_sets: RiskSets
    survival: Array
    greenwood: Array
    area: Array
    area_variance: Array
    at_risk: Array
    patients: Array
    followed: Array

    @property
    def known(self) -> Mask:
        """bool[m, strata, arms], whether the curve is known up to the horizon: somebody is watched so long, or nobody survives."""
        known: Mask = (self.at_risk > 0) | (self.survival == 0)
        return known

    def weights(self, comparable: Mask) -> Array:
        """Return float64[m, strata], each comparable stratum's share of the patients in such strata; bool[m, strata] says which."""
        here = self.patients.sum(axis=2) * comparable
        return here / np.maximum(here.sum(axis=1, keepdims=True), 1)


def kaplan_meier(observations: Observations, cut: Array, horizon: float, arms: int = 2, stratified: bool = False) -> KaplanMeier:
    """Return the Kaplan-Meier curves read at `horizon` months, of each arm or (`arms=1`) of everybody.

    Notes
    -----
    S(t) = prod (1 - d_i / n_i) over event times up to and including t; censorings at an event time are at risk there.

    References
    ----------
    Kaplan & Meier, JASA 1958;53:457. Greenwood 1926.

    Examples
    --------
    >>> from sim.statistic.kaplan_meier import single_sample
    >>> km = kaplan_meier(*single_sample([1.0, 2.0, 3.0, 4.0], [1, 0, 1, 0]), horizon=3.5, arms=1)
    >>> km.survival[0, 0, 0].item(), km.area[0, 0, 0].item()
    (0.375, 2.6875)
    """
    sets = risk_sets(observations, cut, stratified)
    strata = observations.strata if stratified else 1
    out = np.empty((len(cut), strata, arms, kernel.FIELDS))
    kernel.at_horizon(sets.keys, sets.counts, sets.bits, float(horizon), out)
    fields = [np.ascontiguousarray(out[..., k]) for k in range(kernel.FIELDS)]
    return KaplanMeier(sets, *fields)


@dataclass(frozen=True, eq=False)
class ExpectedKaplanMeier:
    """The curves of a trial without effect read at a horizon; arrays float64[strata].

    survival : S; area : restricted mean; shares : of the patients
    greenwood, area_variance : of the difference between the arms, Greenwood's sum and the variance of the area
    """

    survival: Array
    area: Array
    shares: Array
    greenwood: Array
    area_variance: Array


def expected_kaplan_meier(look: NullLook, horizon: float, stratified: bool) -> ExpectedKaplanMeier | None:
    """Return what the curves are expected to be at a look without effect; None where nobody can have been watched to the horizon.

    Notes
    -----
    With R(t) expected at risk and L the null cumulative hazard, an arm with the share p of the patients has Greenwood's sum
    integral dL / (p R) and, of its area A, the variance integral (A(horizon) - A(t))^2 dL / (p R), both up to the horizon.
    """
    if look.month <= horizon:
        return None
    risk = look.risk(stratified, breaks=(horizon,))
    early = risk.time < horizon
    s, at_risk, width = risk.survival[:, early], risk.at_risk[:, early], risk.width[early]
    arms = 1 / risk.share + 1 / (1 - risk.share)
    rate = arms * risk.hazard[:, early] / np.where(at_risk > 0, at_risk, 1.0)
    part = s * width
    area = part.sum(axis=1)
    remaining = area[:, None] - np.cumsum(part, axis=1) + part / 2
    shares = risk.at_risk[:, 0] / risk.at_risk[:, 0].sum()
    return ExpectedKaplanMeier(risk.survival_at(horizon), area, shares, rate.sum(axis=1), (remaining**2 * rate).sum(axis=1))


def transformed(name: str, survival: Array) -> tuple[Array, Array]:
    """Return (g(S), g'(S)), both shaped as S; finite only where 0 < S < 1, else 0."""
    s = np.ascontiguousarray(survival, dtype=float).ravel()
    inside = (s > 0) & (s < 1)
    value, slope = np.empty_like(s), np.empty_like(s)
    transforms.transform(np.where(inside, s, 0.5), TRANSFORMS[name], value, slope)
    shape = np.shape(survival)
    return np.where(inside, value, 0.0).reshape(shape), np.where(inside, slope, 0.0).reshape(shape)


def survival_interval(survival: float, greenwood: float, confidence: float = 0.95, transform: str = "loglog") -> tuple[float, float]:
    """Return the pointwise confidence interval of a survival probability, cut to [0, 1].

    Notes
    -----
    g(S) -+ z g'(S) S sqrt(greenwood), transformed back. At S = 1 it is (1, 1), at S = 0 (nan, nan).

    References
    ----------
    Klein & Moeschberger, Survival Analysis, 2nd ed. 2003, section 4.3.

    Examples
    --------
    >>> [round(x, 4) for x in survival_interval(0.6, 0.05, transform="log")]
    [0.3871, 0.93]
    """
    check_transform(transform)
    if survival == 1:
        return 1.0, 1.0
    if survival == 0:
        return float("nan"), float("nan")
    value, slope = (float(x) for x in transformed(transform, np.array(survival)))
    half = float(ndtri(0.5 + confidence / 2)) * slope * survival * greenwood**0.5
    low, high = (_INVERSE[transform](value + sign * half) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


_INVERSE = {
    "plain": lambda g: float(g),
    "log": lambda g: float(np.exp(g)),
    "loglog": lambda g: float(np.exp(-np.exp(-g))),
    "logit": lambda g: float(1 / (1 + np.exp(-g))),
    "arcsine": lambda g: float(np.sin(np.clip(g, 0, np.pi / 2)) ** 2),
}


def tested(km: KaplanMeier, comparable: Mask, difference: Array, variance: Array, estimate: Array) -> TestResult:
    """Return difference / sqrt(variance) as a test; code what cannot be tested, with z = 0 and no estimate.

    comparable : bool[m, strata], strata that enter; difference, variance, estimate : float64[m]

    Notes
    -----
    A trial without an event is tested where its variance is positive. `EMPTY_ARM`: there are events, and no stratum
    is comparable; `NO_EVENTS`: without variance, or without an event and without a comparable stratum.
    """
    sets = km.risk_sets
    known = comparable.any(axis=1)
    ok = known & (variance > 0)
    code = np.where(ok, Code.OK, np.where(known | (sets.events == 0), Code.NO_EVENTS, Code.EMPTY_ARM)).astype(np.uint8)
    z = np.where(ok, difference / np.sqrt(np.where(ok, variance, 1.0)), 0.0)
    information = np.where(ok, 1 / np.where(ok, variance, 1.0), 0.0)
    return TestResult(z, np.where(ok, estimate, np.nan), sets.enrolled, sets.events, sets.enrolled, code, information)


def check_transform(name: str) -> None:
    """Refuse an unknown transform."""
    if name not in TRANSFORMS:
        raise InputError(f"statistic.transform is {name!r}; allowed: {', '.join(TRANSFORMS)}")


def check_horizon(name: str, value: float) -> None:
    """Refuse a horizon that is not a positive, sensible number of months."""
    POSITIVE_MONTHS.check(f"statistic.{name}", value)


def single_sample(
    time: list[float] | Array,
    event: list[int] | Counts,
    arm: list[int] | Counts | None = None,
    stratum: list[int] | Counts | None = None,
    strata: int | None = None,
) -> tuple[Observations, Array]:
    """Make one data set of n patients into observations of one trial, everybody entered at month 0, and a cut after all of it.

    time : months; event : 1 event, 0 censored; arm : 1 experimental, 0 control; stratum : from 0
    """
    t = np.atleast_2d(np.asarray(time, dtype=float))
    flags = [
        np.zeros(t.shape, dtype=np.uint8) if x is None else np.atleast_2d(np.asarray(x, dtype=np.uint8)) for x in (event, arm, stratum)
    ]
    levels = strata or int(flags[2].max(initial=0)) + 1
    o = Observations(np.zeros(t.shape), flags[1], flags[2], t, flags[0], strata=levels)
    return o, np.full(len(t), t.max(initial=0.0) + 1.0)
