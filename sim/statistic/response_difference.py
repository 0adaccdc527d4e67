"""The difference of two response rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.statistic.risk_sets import Counts
from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, InputError, Observations

fill_upper_quantile = later("sim.kernels.normal", "fill_upper_quantile")
fisher_tail = later("sim.kernels.response_difference", "fisher_tail")
restricted_rates = later("sim.kernels.response_difference", "restricted_rates")

METHODS = ("chi_square", "miettinen_nurminen", "farrington_manning", "fisher")


@dataclass(frozen=True)
class ResponseDifference(Statistic):
    """Compare the arms' response rates.

    Parameters
    ----------
    method : "chi_square" (pooled variance), "miettinen_nurminen", "farrington_manning", or "fisher" (exact)
    margin : difference experimental - control under the null hypothesis, in (-1, 1), below 0 for non-inferiority; 0 for
        "chi_square" and "fisher"

    Notes
    -----
    z = (p1 - p0 - margin) / sqrt(V). chi_square: V = p (1 - p) (1 / n1 + 1 / n0) with the pooled rate. Farrington-Manning:
    V = q1 (1 - q1) / n1 + q0 (1 - q0) / n0 with the rates of largest likelihood under q1 - q0 = margin;
    Miettinen-Nurminen: that V times N / (N - 1). fisher: z is the normal quantile of 1 - P(X >= x1) given the table's margins, so
    that z >= quantile(1 - alpha) is exactly p <= alpha. Who counts as tested: as in `BinomialCount`. Nobody tested in an
    arm: `EMPTY_ARM`; nobody in either, or no variance under the null (without a margin: all or none respond): `NO_EVENTS`. `events` are the responders.

    References
    ----------
    Miettinen & Nurminen, Statistics in Medicine 1985;4:213. Farrington & Manning, Statistics in Medicine 1990;9:1447.
    Fisher, Journal of the Royal Statistical Society 1935;98:39.

    Examples
    --------
    >>> ResponseDifference("miettinen_nurminen", margin=-0.1).label
    'Miettinen-Nurminen test of the response difference, margin -0.1'
    """

    arms: ClassVar[int] = 2
    outcome: ClassVar[str] = "response"

    method: str = "chi_square"
    margin: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"statistic.method is {self.method!r}; allowed: {', '.join(METHODS)}")
        if not -1 < self.margin < 1:
            raise InputError(f"statistic.margin is {self.margin}; allowed: a difference between -1 and 1, both excluded")
        if self.margin and self.method in ("chi_square", "fisher"):
            raise InputError(
                f"statistic.margin is {self.margin}; allowed: 0 with {self.method}, or miettinen_nurminen or farrington_manning"
            )

    @property
    def label(self) -> str:
        names = ("chi-square", "Miettinen-Nurminen", "Farrington-Manning", "Fisher's exact")
        margin = f", margin {self.margin:g}" if self.margin else ""
        return f"{names[METHODS.index(self.method)]} test of the response difference{margin}"

    @property
    def estimate_label(self) -> str:
        return "difference in response rate"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        o = observations
        assert o.response is not None
        tested = o.assessed(cut)
        arm, responded = (o.arm == 1) & tested, (o.response == 1) & tested
        n1 = arm.sum(axis=1, dtype=np.int64)
        n0 = tested.sum(axis=1, dtype=np.int64) - n1
        x1 = (responded & arm).sum(axis=1, dtype=np.int64)
        x0 = responded.sum(axis=1, dtype=np.int64) - x1
        z, estimate, code = self.compare(x1, n1, x0, n0)
        code = np.where(n1 + n0 > 0, code, Code.NO_EVENTS).astype(np.uint8)
        return TestResult(z, estimate, o.enrolled(cut), x1 + x0, n1 + n0, code)

    def compare(self, x1: Counts, n1: Counts, x0: Counts, n0: Counts) -> tuple[Array, Array, np.ndarray]:
        """Return (z, difference, code) of x1 responders among n1 experimental and x0 among n0 control patients, all int64[m]."""
        both = (n1 > 0) & (n0 > 0)
        size1, size0 = np.where(both, n1, 1), np.where(both, n0, 1)
        difference = x1 / size1 - x0 / size0
        variance = self._variance(x1, size1, x0, size0)
        ok = both & (variance > 0)
        if self.method == "fisher":
            p, z = np.ones(len(x1)), np.zeros(len(x1))
            fisher_tail(x1, n1, x0, n0, p)
            fill_upper_quantile(p, z)
        else:
            z = (difference - self.margin) / np.sqrt(np.where(ok, variance, 1.0))
        code = np.where(both, np.where(ok, Code.OK, Code.NO_EVENTS), Code.EMPTY_ARM).astype(np.uint8)
        return np.where(ok, z, 0.0), np.where(both, difference, np.nan), code

    def _variance(self, x1: Counts, n1: Counts, x0: Counts, n0: Counts) -> Array:
        total = n1 + n0
        if self.margin == 0:
            pooled = (x1 + x0) / total
            q1 = q0 = pooled
        else:
            q1, q0 = np.empty(len(x1)), np.empty(len(x1))
            restricted_rates(x1, n1, x0, n0, self.margin, q1, q0)
        variance = q1 * (1 - q1) / n1 + q0 * (1 - q0) / n0
        correction = total / np.maximum(total - 1, 1) if self.method == "miettinen_nurminen" else 1.0
        result: Array = variance * correction
        return result
