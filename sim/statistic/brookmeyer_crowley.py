"""The Brookmeyer-Crowley interval for a median, and the test that it inverts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sim.later import later
from sim.statistic.kaplan_meier import TRANSFORMS, check_horizon, check_transform, kaplan_meier
from sim.statistic.milestone_single_arm import against
from sim.statistic.risk_sets import risk_sets
from sim.statistic.statistic import Code, Level, Statistic, TestResult
from sim.types import Array, InputError, Observations

ndtri = later("scipy.special", "ndtri")
quantiles = later("sim.kernels.brookmeyer_crowley", "quantiles")

CONVENTIONS = ("survfit", "lrstat")


def quantile_interval(
    observations: Observations,
    cut: Array,
    probability: float = 0.5,
    confidence: float = 0.95,
    transform: str = "loglog",
    convention: str = "survfit",
) -> Array:
    """Return float64[m, 3]: the Kaplan-Meier quantile of all patients of each trial and its lower and upper limit, in months.

    Parameters
    ----------
    probability : share of events at the quantile, 0.5 for the median
    transform : scale of the band, "plain" (the 1982 paper), "log", "loglog", "logit" or "arcsine"
    convention : where S is exactly 1 - probability, "survfit" takes the middle of that step and "lrstat" its end; where S
        is 0, "survfit" knows no band and "lrstat" ends the interval

    Notes
    -----
    The limits are the first times at which the lower and the upper pointwise band fall to 1 - probability; infinity
    where they never do, and for a quantile that is not reached.

    References
    ----------
    Brookmeyer & Crowley, Biometrics 1982;38:29.

    Examples
    --------
    >>> from sim.statistic.kaplan_meier import single_sample
    >>> quantile_interval(*single_sample([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 1, 1, 1, 1, 0])).tolist()
    [[3.5, 1.0, inf]]
    """
    check_transform(transform)
    for name, value in (("probability", probability), ("confidence", confidence)):
        if not 0 < value < 1:
            raise InputError(f"quantile_interval: {name} is {value}; allowed: above 0 and below 1")
    if convention not in CONVENTIONS:
        raise InputError(f"quantile_interval: convention is {convention!r}; allowed: {', '.join(CONVENTIONS)}")
    sets = risk_sets(observations, cut)
    out = np.empty((len(cut), 3))
    z = float(ndtri(0.5 + confidence / 2))
    quantiles(sets.keys, sets.counts, 1 - probability, z, TRANSFORMS[transform], convention == "survfit", out)
    return out


@dataclass(frozen=True)
class BrookmeyerCrowley(Statistic):
    """Compare the median of a single arm with a null median.

    Parameters
    ----------
    null_median : months
    transform : "plain" (the 1982 paper), "log", "loglog", "logit" or "arcsine"

    Notes
    -----
    z = (g(S(m0)) - g(1/2)) / (g'(S) S sqrt(greenwood)), S the Kaplan-Meier curve at the null median m0: z >= 1.96 exactly
    when m0 lies below the one-sided 97.5 % limit. The estimate is the Kaplan-Meier median, infinity when not reached.
    Where S(m0) is 0 or 1 the variance under the null takes the place of Greenwood's, and codes are, as in `MilestoneSingleArm`: z is
    sqrt(n) at S = 1, n the patients watched until m0.

    References
    ----------
    Brookmeyer & Crowley, Biometrics 1982;38:29, section 2.

    Examples
    --------
    >>> BrookmeyerCrowley(2.8).label
    'median against 2.8 months (Brookmeyer-Crowley, loglog)'
    """

    arms: ClassVar[int] = 1
    outcome: ClassVar[str] = "survival"

    null_median: float
    transform: str = "loglog"

    def __post_init__(self) -> None:
        check_horizon("null_median", self.null_median)
        check_transform(self.transform)

    @property
    def label(self) -> str:
        return f"median against {self.null_median:g} months (Brookmeyer-Crowley, {self.transform})"

    @property
    def estimate_label(self) -> str:
        return "median (months)"

    def test(self, observations: Observations, cut: Array, level: Level) -> TestResult:
        km = kaplan_meier(observations, cut, self.null_median, arms=1)
        result = against(km, 0.5, self.transform, km.survival[:, 0, 0])
        out = np.empty((len(cut), 3))
        quantiles(km.risk_sets.keys, km.risk_sets.counts, 0.5, 1.96, TRANSFORMS[self.transform], True, out)
        return replace(result, estimate=np.where(result.code == Code.OK, out[:, 0], np.nan))
