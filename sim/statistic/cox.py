"""The Cox proportional-hazards model of the arm: estimate, standard error and its three tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.effect.cox_limit import LargeTrial
from sim.later import later
from sim.statistic.risk_sets import RiskSets, risk_sets
from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, InputError, Observations

kernel = later("sim.kernels.cox")
exp = later("sim.kernels.vectors", "exp")

TIES = ("efron", "breslow", "exact")
TESTS = ("wald", "score", "likelihood_ratio")


@dataclass(frozen=True, eq=False)
class CoxFit:
    """The fits of m trials; arrays float64[m].

    log_hazard_ratio, standard_error : experimental / control, NaN where `status` is not `CONVERGED`
    score, information : at no effect; gain : log partial likelihood at the estimate less that at no effect; at `MONOTONE` its limit
    status : float64[m], one of the kernel's CONVERGED, NO_INFORMATION, MONOTONE, NOT_CONVERGED
    """

    log_hazard_ratio: Array
    standard_error: Array
    score: Array
    information: Array
    gain: Array
    status: Array


def cox_fit(sets: RiskSets, ties: str = "efron") -> CoxFit:
    """Fit the hazard ratio of each trial; strata are those of the risk sets."""
    out = np.empty((len(sets.keys), kernel.FIELDS))
    kernel.fit(sets.keys, sets.counts, sets.bits, TIES.index(ties), out)
    beta, information, score, at_0, gain, status = out.T
    ok = status == kernel.CONVERGED
    se = 1 / np.sqrt(np.where(ok, information, 1.0))
    return CoxFit(np.where(ok, beta, np.nan), np.where(ok, se, np.nan), score, at_0, gain, status)


@dataclass(frozen=True)
class Cox(Statistic):
    """Compare two arms by the Cox model with the arm as its only covariate.

    Parameters
    ----------
    stratified : a baseline hazard for each stratum
    ties : "efron", "breslow" or "exact" (the discrete likelihood, as R's coxph)
    form : "wald", "score" or "likelihood_ratio": which of the model's tests

    Notes
    -----
    With beta = log hazard ratio: wald z = -beta / se, score z = -U(0) / sqrt(I(0)), likelihood ratio
    z = -sign(beta) sqrt(2 (l(beta) - l(0))). The estimate is exp(beta). Without ties, and with exact ties, the score test is the log-rank test.
    Where one arm has no event while both are at risk, beta runs to an infinity and there is no estimate. The score test stands, and
    the likelihood ratio takes the limit of l(beta) with the sign of the score; the Wald test has no standard error there, and
    the score test takes its place. Where the arms are never at risk together at an event: `EMPTY_ARM`.

    References
    ----------
    Cox, JRSS B 1972;34:187. Efron, JASA 1977;72:557. Breslow, Biometrics 1974;30:89.

    Examples
    --------
    >>> Cox(ties="breslow", form="score").label
    'Cox model, score test (Breslow ties)'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "survival"

    stratified: bool = False
    ties: str = "efron"
    form: str = "wald"

    def __post_init__(self) -> None:
        for name, value, allowed in (("ties", self.ties, TIES), ("form", self.form, TESTS)):
            if value not in allowed:
                raise InputError(f"statistic.{name} is {value!r}; allowed: {', '.join(allowed)}")

    @property
    def label(self) -> str:
        form = {
            "wald": "Wald test (score test where an arm has no event)",
            "score": "score test",
            "likelihood_ratio": "likelihood ratio test",
        }[self.form]
        return f"{'stratified ' if self.stratified else ''}Cox model, {form} ({self.ties.capitalize()} ties)"

    @property
    def on_hazard_ratios(self) -> bool:
        return True

    @property
    def estimate_label(self) -> str:
        return "hazard ratio (Cox)"

    def estimand(self, trial: Callable[[bool], LargeTrial]) -> float:
        return trial(self.stratified).cox()

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        sets = risk_sets(observations, cut, self.stratified)
        fit = cox_fit(sets, self.ties)
        finite, endless = fit.status == kernel.CONVERGED, fit.status == kernel.MONOTONE
        ok = finite | endless
        beta = np.where(finite, fit.log_hazard_ratio, 0.0)
        score = -fit.score / np.sqrt(np.where(ok, fit.information, 1.0))
        if self.form == "wald":
            z = np.where(endless, score, -beta / np.where(finite, fit.standard_error, 1.0))
        elif self.form == "score":
            z = score
        else:
            z = -np.sign(np.where(endless, fit.score, beta)) * np.sqrt(2 * np.maximum(fit.gain, 0.0))
        codes = np.array([Code.OK, Code.EMPTY_ARM, Code.OK, Code.FAILED], dtype=np.uint8)
        code = np.where(sets.events == 0, Code.NO_EVENTS, codes[fit.status.astype(int)]).astype(np.uint8)
        return TestResult(np.where(ok, z, 0.0), np.where(finite, exp(beta), np.nan), sets.enrolled, sets.events, sets.enrolled, code)
