"""The modestly weighted log-rank test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.limits import MONTHS
from sim.statistic.null_trial import NullLook
from sim.statistic.risk_sets import reciprocals, risk_sets
from sim.statistic.standardised import standardised
from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, InputError, Observations

kernel = later("sim.kernels.modestly_weighted")

CONVENTIONS = ("nphRCT", "simtrial")


@dataclass(frozen=True)
class ModestlyWeighted(Statistic):
    """Compare two arms by the log-rank test with weights that rise until t_star and stay, for delayed effects.

    Parameters
    ----------
    t_star : months after which the weight stays; or None
    s_star : survival below which the weight stays, in (0, 1]; or None. At least one of the two; with both, the first reached
    convention : how R's packages differ, by up to 0.08 in z. "nphRCT", of the paper's author, reads the pooled curve just
        before t_star and adds the strata's z, each times the square root of its log-rank variance; "simtrial"
        (`mb(delay = t_star)`) reads it just before the last event up to t_star and adds the strata's scores and variances.
        They agree without strata when an event falls on t_star.
    stratified : by stratum, each with its own pooled curve

    Notes
    -----
    w(t) = 1 / max(S(t-), S(t_star-), s_star), S the Kaplan-Meier curve of the pooled arms; z = -U / sqrt(V) as for the log-rank test.
    The estimate is exp(U / sum w v), v the hypergeometric
    variances: one step from no effect.

    References
    ----------
    Magirr & Burman, Statistics in Medicine 2019;38:3782, section 3. The cap s_star: Magirr, Pharmaceutical Statistics 2021;20:512.
    Strata: Magirr & Jimenez, arXiv 2201.10445, 2022.

    Examples
    --------
    >>> ModestlyWeighted(t_star=3.0).label
    'modestly weighted log-rank test (t* = 3 months)'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "survival"

    t_star: float | None = None
    s_star: float | None = None
    convention: str = "nphRCT"
    stratified: bool = False

    def __post_init__(self) -> None:
        if self.t_star is None and self.s_star is None:
            raise InputError("statistic.t_star and statistic.s_star are both null; allowed: at least one of them")
        if self.t_star is not None:
            MONTHS.check("statistic.t_star", self.t_star)
        if self.s_star is not None and not 0 < self.s_star <= 1:
            raise InputError(f"statistic.s_star is {self.s_star}; allowed: a survival above 0 and at most 1")
        if self.convention not in CONVENTIONS:
            raise InputError(f"statistic.convention is {self.convention!r}; allowed: {', '.join(CONVENTIONS)}")

    @property
    def label(self) -> str:
        caps = [f"t* = {self.t_star:g} months"] if self.t_star is not None else []
        caps += [f"s* = {self.s_star:g}"] if self.s_star is not None else []
        return f"{'stratified ' if self.stratified else ''}modestly weighted log-rank test ({', '.join(caps)})"

    @property
    def estimate_label(self) -> str:
        return "hazard ratio (weighted, one step)"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        sets = risk_sets(observations, cut, self.stratified)
        m, n = sets.keys.shape
        out = np.empty((m, 4))
        t_star = math.inf if self.t_star is None else float(self.t_star)
        kernel.scores(
            sets.keys, sets.counts, sets.bits, reciprocals(n), t_star, float(self.s_star or 0.0), self.convention == "simtrial", out
        )
        z, code = standardised(out, sets.events)
        estimate, information = np.where(code == Code.OK, out[:, 2], np.nan), np.ascontiguousarray(out[:, 3])
        return TestResult(z, estimate, sets.enrolled, sets.events, sets.enrolled, code, information)

    def null_information(self, look: NullLook) -> Array:
        """Return the null variance of the score, float64[1, 1]; strata as their scores are summed, before any scaling."""
        t_star = math.inf if self.t_star is None else self.t_star
        risk = look.risk(self.stratified, breaks=() if self.t_star is None else (self.t_star,))
        least = np.where(risk.time <= t_star, risk.survival, risk.survival_at(t_star)[:, None])
        return risk.covariance(1 / np.maximum(least, self.s_star or 0.0)[None])
