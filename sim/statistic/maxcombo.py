"""The MaxCombo test: the largest of several Fleming-Harrington statistics, with its joint normal p-value."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.limits import WEIGHT_POWER
from sim.statistic.logrank import fleming_harrington
from sim.statistic.null_trial import NullLook
from sim.statistic.risk_sets import RiskSets, reciprocals, risk_sets
from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, Flags, InputError, Observations

correlated_maximum = later("sim.kernels.correlated_maximum")
weighted_scores = later("sim.kernels.weighted_scores")
fill_upper_quantile = later("sim.kernels.normal", "fill_upper_quantile")
fill_upper_tail = later("sim.kernels.normal", "fill_upper_tail")

FOUR_WEIGHTS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
MOST_WEIGHTS = 7
LATTICE_POINTS = 8192

_HALF = np.array(
    [
        (0.07652652113349734, 0.15275338713072584),
        (0.22778585114164507, 0.14917298647260374),
        (0.37370608871541955, 0.14209610931838204),
        (0.5108670019508271, 0.13168863844917664),
        (0.636053680726515, 0.11819453196151841),
        (0.7463319064601508, 0.10193011981724044),
        (0.8391169718222188, 0.08327674157670475),
        (0.912234428251326, 0.06267204833410907),
        (0.9639719272779138, 0.04060142980038694),
        (0.9931285991850949, 0.017614007139152118),
    ]
)
# Gauss-Legendre nodes and weights of order 20 (Abramowitz & Stegun, table 25.4)
NODES = np.ascontiguousarray(np.concatenate([_HALF[::-1] * (-1, 1), _HALF]).T)


@dataclass(frozen=True)
class MaxCombo(Statistic):
    """Compare two arms by the largest of several weighted log-rank statistics.

    Parameters
    ----------
    weights : pairs (rho, gamma) of Fleming-Harrington weights S(t-)^rho (1 - S(t-))^gamma, at most 7
    stratified : sum scores and covariances over the strata
    exact_p : compute the p-value of every trial, also where the level that the test is judged at does not ask for it

    Notes
    -----
    m = max_a Z_a with Z_a = -U_a / sqrt(V_aa); p = P(max_a X_a >= m), X normal with mean 0 and the estimated correlation
    V_ab / sqrt(V_aa V_bb), of any rank (the usual four have rank 3, since U of (0,0) is the sum of those of (1,0) and (0,1)).

    `z` is the standard normal quantile of 1 - p, so that z >= quantile(1 - alpha) is exactly p <= alpha. Since
    1 - Phi(m) <= p <= k (1 - Phi(m)), the integral is needed only where the level that the look is judged at lies between;
    elsewhere `z` is the quantile of the upper bound, which falls on the same side of the critical value. The estimate is m.

    The quadrature errs by less than 1e-7 in p (Gauss-Legendre in two dimensions, 20 nodes a panel, the third by the normal
    distribution); above rank 3 a fixed lattice errs by about 1e-4.

    References
    ----------
    Karrison, Stata Journal 2016;16:678. Roychoudhury et al., Statistics in Biopharmaceutical Research 2021, section 3.

    Examples
    --------
    >>> MaxCombo(weights=((0, 0), (0, 1))).label
    'MaxCombo test FH(0,0), FH(0,1)'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "survival"

    weights: tuple[tuple[float, float], ...] = FOUR_WEIGHTS
    stratified: bool = False
    exact_p: bool = False

    def __post_init__(self) -> None:
        pairs = [tuple(pair) for pair in self.weights]
        if not 1 <= len(pairs) <= MOST_WEIGHTS or any(len(pair) != 2 for pair in pairs) or len(set(pairs)) < len(pairs):
            raise InputError(f"statistic.weights is {[list(p) for p in pairs]}; allowed: 1 to {MOST_WEIGHTS} different pairs [rho, gamma]")
        for exponent in (value for pair in pairs for value in pair):
            WEIGHT_POWER.check("statistic.weights", exponent, [list(p) for p in pairs])
        object.__setattr__(self, "weights", tuple((float(rho), float(gamma)) for rho, gamma in pairs))

    @property
    def label(self) -> str:
        names = ", ".join(f"FH({rho:g},{gamma:g})" for rho, gamma in self.weights)
        return f"{'stratified ' if self.stratified else ''}MaxCombo test {names}"

    @property
    def estimate_label(self) -> str:
        return "largest z"

    def words_of_critical(self, z: float) -> str:
        # z is made from p, and is no effect in standard errors
        return f"none in one number: a joint p-value of at most {erfc(z / sqrt(2)) / 2:.4g}"

    def components(self, sets: RiskSets) -> tuple[Array, Array]:
        """Return each weight's z : float64[m, k], -inf without variance, and their correlation : float64[m, k, k]."""
        m, n = sets.keys.shape
        k = len(self.weights)
        rho, gamma = np.ascontiguousarray(np.array(self.weights).T)
        u, v = np.empty((m, k)), np.empty((m, k, k))
        weighted_scores.scores(sets.keys, sets.counts, sets.bits, reciprocals(n), rho, gamma, u, v)
        variance = np.einsum("iaa->ia", v)
        scale = np.where(variance > 0, 1 / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)
        return np.where(variance > 0, -u * scale, -np.inf), v * scale[:, :, None] * scale[:, None, :]

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        sets = risk_sets(observations, cut, self.stratified)
        z, correlation = self.components(sets)
        largest = z.max(axis=1)
        testable = np.isfinite(largest)
        m = np.where(testable, largest, 0.0)
        single, p, out = np.empty_like(m), np.empty_like(m), np.empty_like(m)
        fill_upper_tail(m, single)
        p[:] = np.minimum(np.isfinite(z).sum(axis=1) * single, 1.0)
        settled = (single > level) | (p <= level)  # never at a level of NaN
        open_: Flags = (testable & (self.exact_p | ~settled)).astype(np.uint8)
        correlated_maximum.p_values(z, correlation, NODES, LATTICE_POINTS, open_, p)
        fill_upper_quantile(p, out)
        code = np.where(testable, Code.OK, np.where(sets.events == 0, Code.NO_EVENTS, Code.EMPTY_ARM)).astype(np.uint8)
        return TestResult(np.where(testable, out, 0.0), np.where(testable, m, np.nan), sets.enrolled, sets.events, sets.enrolled, code)

    def null_information(self, look: NullLook) -> Array:
        risk = look.risk(self.stratified)
        return risk.covariance(fleming_harrington(risk.survival, self.weights))
