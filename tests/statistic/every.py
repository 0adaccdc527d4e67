"""One or more of every statistic, in its settings, for the tests that hold for all."""

from dataclasses import replace

from sim.statistic.brookmeyer_crowley import BrookmeyerCrowley
from sim.statistic.cox import Cox
from sim.statistic.early_zero import EarlyZero
from sim.statistic.exponential_mle import ExponentialMLE
from sim.statistic.logrank import LogRank
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.milestone_difference import MilestoneDifference
from sim.statistic.milestone_single_arm import MilestoneSingleArm
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.rmst_difference import RMSTDifference
from sim.statistic.rmst_single_arm import RMSTSingleArm

TWO_ARM = [
    LogRank(),
    LogRank(True, 0.0, 1.0),
    ModestlyWeighted(2.0),
    ModestlyWeighted(2.0, 0.6, "simtrial", True),
    EarlyZero(1.5),
    EarlyZero(0.75, True),
    Cox(),
    Cox(True, "breslow", "score"),
    Cox(False, "efron", "likelihood_ratio"),
    Cox(False, "exact"),
    MilestoneDifference(3.0, "plain"),
    MilestoneDifference(3.0, "log", True),
    MilestoneDifference(3.0, "loglog"),
    MilestoneDifference(3.0, "arcsine"),
    RMSTDifference(3.0),
    RMSTDifference(3.0, "ratio"),
    RMSTDifference(3.0, stratified=True),
]
MAXCOMBO = [MaxCombo(exact_p=True), MaxCombo(((0, 0), (0, 1), (1, 1)), stratified=True)]
SINGLE_ARM = [
    MilestoneSingleArm(3.0, 0.4),
    MilestoneSingleArm(3.0, 0.4, "plain"),
    RMSTSingleArm(3.0, 2.0),
    ExponentialMLE(2.8),
    BrookmeyerCrowley(2.8),
]
ALL = TWO_ARM + MAXCOMBO + SINGLE_ARM
ESTIMATES_IN_MONTHS = (RMSTDifference, RMSTSingleArm, ExponentialMLE, BrookmeyerCrowley)


def label(statistic):
    return f"{type(statistic).__name__}-{statistic.label}".replace(" ", "_")


def stretched(statistic, factor):
    """The statistic with every length of time multiplied."""
    months = {
        f: getattr(statistic, f)
        for f in ("milestone", "horizon", "t_star", "early_period", "null_rmst", "null_median")
        if hasattr(statistic, f)
    }
    return replace(statistic, **{f: value * factor for f, value in months.items() if value is not None})
