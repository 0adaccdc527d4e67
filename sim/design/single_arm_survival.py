"""Single-arm trial of progression-free survival by the one-sample log-rank test."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from scipy.stats import norm

from sim.curve import Curve
from sim.design.allocation import SingleArm
from sim.design.checks import check_alpha, check_months, check_n
from sim.design.design import CriticalZ, Design, Plan
from sim.followup import CutAtFollowUp
from sim.population.population import Population
from sim.statistic.one_sample_logrank import VARIANCES, OneSampleLogRank
from sim.types import Assumption, InputError

PUBLISHED_PFS_MEDIAN = 2.8  # months from progression, treated patients: figure treated_pfs_median of the benchmark


@dataclass(frozen=True)
class SingleArmSurvival(Design):
    """Enrol n patients, follow the last for `followup` months, compare events with those expected under a null curve.

    Parameters
    ----------
    n : enrolled patients
    alpha : one-sided nominal type I error
    followup : months from the last entry to the analysis
    variance : "mean", "null" or "observed" (see `OneSampleLogRank`)
    null : "population" for the population's own curve from its time zero; "published_progression" for the exponential
        curve through the published 2.8 months from progression; or the median in months of an exponential curve

    References
    ----------
    Wu, Pharmaceutical Statistics 2014;13:339; 2015;14:364.
    """

    n: int
    alpha: float = 0.025
    followup: float = 12.0
    variance: str = "mean"
    null: float | str = "population"

    def __post_init__(self) -> None:
        check_n(self.n)
        check_alpha(self.alpha)
        check_months("followup", self.followup)
        if self.variance not in VARIANCES:
            raise InputError(f"design.variance is {self.variance!r}; allowed: {', '.join(VARIANCES)}")
        if isinstance(self.null, str):
            if self.null not in ("population", "published_progression"):
                raise InputError(f"design.null is {self.null!r}; allowed: population, published_progression, or a median in months")
        elif not 0 < self.null < float("inf"):
            raise InputError(f"design.null is {self.null}; allowed: population, published_progression, or a positive median in months")

    @property
    def hypothesis(self) -> str:
        return "PFS"

    def null_curve(self, population: Population) -> Curve:
        """Return the curve of the null hypothesis."""
        if self.null == "population":
            return population.curve("pfs")
        return Curve.exponential(PUBLISHED_PFS_MEDIAN if isinstance(self.null, str) else self.null)

    def plan(self, population: Population) -> Plan:
        return Plan(
            n=self.n,
            hypothesis=self.hypothesis,
            wants=frozenset({"pfs"}),
            allocation=SingleArm(),
            cut=CutAtFollowUp(self.followup),
            statistic=OneSampleLogRank(self.null_curve(population), self.variance),
            rule=CriticalZ((float(norm.isf(self.alpha)),)),
            null_is_population=self.null == "population",
        )

    def describe(self, population: Population) -> list[Assumption]:
        median = self.null_curve(population).median()
        origin = {
            "population": f"the population's own curve from {population.time_zero.replace('_', ' ')}",
            "published_progression": "exponential through the published median, counted from progression",
        }.get(str(self.null), "exponential, configuration")
        z = float(norm.isf(self.alpha))
        return [
            Assumption("design", f"single arm, n = {self.n}, progression-free survival (PFS)", "configuration"),
            Assumption("test", f"one-sample log-rank, variance {self.variance}, one-sided alpha {self.alpha:g}", "Wu 2014"),
            Assumption("null curve", f"median {median:.2f} months", origin),
            Assumption(
                "largest observed / expected events that rejects",
                f"about {largest_ratio(z, self.n):.2f} with {self.n} expected events",
                "z = critical value",
            ),
            Assumption("analysis", f"{self.followup:g} months after the last patient entered", "configuration"),
            Assumption(
                "reading",
                "a decision tool: without a control it is not interpretable as evidence of efficacy",
                "regulatory guidance on single-arm trials",
            ),
        ]


def largest_ratio(z: float, expected: float) -> float:
    """Return the largest O / E at which (E - O) / sqrt((O + E) / 2) still reaches z, for E expected events.

    Examples
    --------
    >>> r = largest_ratio(1.96, 60); round((60 - 60 * r) / sqrt((60 + 60 * r) / 2), 9)
    1.96
    """
    # with x = O / E: (1 - x) sqrt(E) = z sqrt((1 + x) / 2), a quadratic in x
    k = z * z / (2 * expected)
    return 1 + k / 2 - sqrt((1 + k / 2) ** 2 - (1 - k))
