"""Single-arm trial of progression-free or overall survival against a null curve."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from sim.curve import Curve, in_months
from sim.design.allocation import SingleArm
from sim.design.checks import ENDPOINTS, check_alpha, check_endpoint, check_months, check_n, check_null_survival
from sim.design.design import CriticalZ, Design, Plan
from sim.followup import CutAtFollowUp
from sim.later import later
from sim.population.population import Population
from sim.setting import Setting
from sim.statistic.analytic import one_sample_logrank
from sim.statistic.exponential_mle import ExponentialMLE
from sim.statistic.kaplan_meier import check_horizon
from sim.statistic.milestone_single_arm import MilestoneSingleArm
from sim.statistic.one_sample_logrank import VARIANCES, OneSampleLogRank
from sim.statistic.rmst_single_arm import RMSTSingleArm
from sim.statistic.statistic import Statistic
from sim.types import Array, Assumption, InputError

ndtri = later("scipy.special", "ndtri")
exp = later("sim.kernels.vectors", "exp")

TESTS = {
    "one_sample_logrank": "Wu 2014",
    "milestone": "Nagashima et al. 2021",
    "rmst": "Uno et al. 2014",
    "exponential_mle": "Lawless 2003",
}


@dataclass(frozen=True)
class SingleArmSurvival(Design):
    """Enrol n patients, follow the last for `followup` months, compare them with what a null curve lets expect.

    Parameters
    ----------
    n : enrolled patients
    endpoint : "pfs" or "os"
    alpha : one-sided nominal type I error
    alpha_sides : 1, or 2 where `alpha` is two-sided and half of it is tested
    followup : months from the last entry to the analysis
    test : "one_sample_logrank" (events against those expected), "milestone" (Kaplan-Meier survival at `horizon`), "rmst"
        (restricted mean up to `horizon`), or "exponential_mle" (the median, all hazards taken as constant); each
        against the same quantity of the null curve
    variance : of the one-sample log-rank: "mean", "null" or "observed" (see `OneSampleLogRank`)
    horizon : months, for "milestone" and "rmst"
    transform : scale of the milestone test
    null : "population" for the population's own curve from its time zero; "published_progression" for the exponential
        curve through the benchmark's published median from progression; or the median in months of an exponential curve

    References
    ----------
    Wu, Pharmaceutical Statistics 2014;13:339; 2015;14:364. Nagashima et al., Pharmaceutical Statistics 2021;20:499.
    """

    n: int
    endpoint: str = "pfs"
    alpha: float = 0.025
    followup: float = 12.0
    test: str = "one_sample_logrank"
    variance: str = "mean"
    horizon: float = 6.0
    transform: str = "arcsine"
    null: float | str = "population"
    alpha_sides: int = 1

    def __post_init__(self) -> None:
        check_n(self.n)
        check_endpoint(self.endpoint)
        check_alpha(self.alpha, self.alpha_sides)
        check_months("followup", self.followup)
        if self.test not in TESTS:
            raise InputError(f"design.test is {self.test!r}; allowed: {', '.join(TESTS)}")
        check_horizon("horizon", self.horizon)
        if self.test in ("milestone", "rmst"):
            # the smallest follow-up must reach the horizon, or an early trial could not be tested
            check_months("followup", self.followup, at_least=self.horizon)
            MilestoneSingleArm(self.horizon, 0.5, self.transform)
        if self.variance not in VARIANCES:
            raise InputError(f"design.variance is {self.variance!r}; allowed: {', '.join(VARIANCES)}")
        check_null_survival(self.null)

    @property
    def hypothesis(self) -> str:
        return self.endpoint.upper()

    def null_curve(self, population: Population) -> Curve:
        """Return the curve of the null hypothesis."""
        return null_survival_curve(self.null, self.endpoint, population)

    def statistic(self, population: Population) -> Statistic:
        """Return the test against the null curve."""
        null = self.null_curve(population)
        if self.test == "milestone":
            return MilestoneSingleArm(self.horizon, float(_survival(null, np.array([self.horizon]))[0]), self.transform)
        if self.test == "rmst":
            return RMSTSingleArm(self.horizon, *_restricted_moments(null, self.horizon))
        if self.test == "exponential_mle":
            return ExponentialMLE(null.median())
        return OneSampleLogRank(null, self.variance)

    def plan(self, setting: Setting) -> Plan:
        population = setting.population
        return Plan(
            n=self.n,
            hypothesis=self.hypothesis,
            wants=frozenset({self.endpoint}),
            allocation=SingleArm(),
            cut=CutAtFollowUp(self.followup),
            statistic=self.statistic(population),
            rule=CriticalZ((float(-ndtri(self.level)),)),
            null_is_population=self.null == "population",
        )

    def describe(self, setting: Setting) -> list[Assumption]:
        population = setting.population
        median = self.null_curve(population).median()
        origin = {
            "population": f"the population's own curve from {population.time_zero.replace('_', ' ')}",
            "published_progression": "exponential through the published median, counted from progression",
        }.get(str(self.null), "exponential, configuration")
        name = f"one-sample log-rank, variance {self.variance}" if self.test == "one_sample_logrank" else self.statistic(population).label
        return [
            Assumption("design", f"single arm, n = {self.n}, {ENDPOINTS[self.endpoint]}", "configuration"),
            Assumption("test", f"{name}, {self.level_words}", TESTS[self.test]),
            Assumption("null curve", f"median {in_months(median)}", origin),
            Assumption("analysis", f"{self.followup:g} months after the last patient entered", "configuration"),
            Assumption(
                "reading",
                "a decision tool: without a control it is not interpretable as evidence of efficacy",
                "regulatory guidance on single-arm trials",
            ),
        ]

    def smallest_effect(self, setting: Setting) -> Assumption:
        z, null = float(-ndtri(self.level)), self.null_curve(setting.population)
        if self.test in ("one_sample_logrank", "exponential_mle"):
            # of the events that the null curve lets expect by the analysis, not of the patients
            # (the last patient is followed for no longer than `followup`, the others enter at any time before)
            months = (setting.accrual.expected_duration(self.n), 1e-6)
            others, last = (
                one_sample_logrank.moments(null, null, m, self.followup, setting.dropout.hazard_per_month).expected for m in months
            )
            events = (self.n - 1) * others + last
            if self.test == "one_sample_logrank":
                what, value = "largest observed / expected events that rejects", f"about {largest_ratio(z, events):.2f}"
            else:
                what, value = "smallest observed median that rejects", f"about {null.median() * np.exp(z / sqrt(events)):.2f} months"
            return Assumption(what, f"{value} with {events:.1f} expected events", "z = critical value")
        if self.test == "milestone":
            s0 = float(_survival(null, np.array([self.horizon]))[0])
            least = np.sin(min(np.arcsin(sqrt(s0)) + z / (2 * sqrt(self.n)), np.pi / 2)) ** 2
            return Assumption(
                f"smallest observed survival at {self.horizon:g} months that rejects",
                f"about {least:.1%} with everybody followed, null {s0:.1%}",
                "arcsine scale, z = critical value",
            )
        return Assumption(
            f"smallest observed restricted mean to {self.horizon:g} months that rejects",
            f"{_restricted_moments(null, self.horizon)[0]:.2f} months plus {z:.2f} of its standard errors",
            "z = critical value",
        )


def null_survival_curve(null: float | str, endpoint: str, population: Population) -> Curve:
    """Return the population's own curve, the exponential through the published median, or through a median in months."""
    if null == "population":
        return population.curve(endpoint)
    if null == "published_progression":
        try:
            return Curve.exponential(population.published_median(endpoint))
        except InputError as error:
            raise InputError(f"design.null is 'published_progression': {error}, or design.null as a median in months") from error
    return Curve.exponential(float(null))


def _survival(null: Curve, t: Array) -> Array:
    # as Curve.at, with the exponential that is the same on every processor, since z depends on it
    return exp(-np.interp(t, null.times, null.cumulative_hazard()))


def _restricted_moments(null: Curve, horizon: float) -> tuple[float, float]:
    """Return mean and variance of a patient's months up to the horizon."""
    t = np.append(null.times[null.times < horizon], horizon)
    s = _survival(null, t)
    mean = float(np.trapezoid(s, t))
    return mean, 2 * float(np.trapezoid(t * s, t)) - mean * mean


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
