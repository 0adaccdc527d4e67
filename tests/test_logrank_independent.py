"""Level: independent. The log-rank family against lifelines and scipy."""

import numpy as np
import pytest
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test
from scipy import stats

from sim.statistic.logrank import LogRank
from sim.types import Observations


def arms(seed, n=90, hr=0.6, ties=False):
    rng = np.random.default_rng(seed)
    arm = rng.permuted(np.arange(n) % 2)
    time = rng.exponential(4 / np.where(arm == 1, hr, 1.0))
    censor = rng.uniform(1, 12, n)
    event = time <= censor
    time = np.minimum(time, censor)
    return (np.ceil(time * 4) / 4 if ties else time), event, arm


def compare(time, event, arm, statistic=None, strata=None):
    groups = np.zeros(len(time)) if strata is None else strata
    o = Observations(
        np.zeros((1, len(time))),
        arm[None].astype(np.uint8),
        groups[None].astype(np.uint8),
        time[None].copy(),
        event[None].astype(np.uint8),
        strata=int(groups.max()) + 1,
    )
    return (statistic or LogRank()).test(o, np.array([1e6]), 0.025)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_lifelines(seed, ties):
    time, event, arm = arms(seed, ties=ties)
    theirs = logrank_test(time[arm == 1], time[arm == 0], event[arm == 1], event[arm == 0])
    assert compare(time, event, arm).z[0] ** 2 == pytest.approx(theirs.test_statistic, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_scipy(seed):
    time, event, arm = arms(seed)
    sample = [stats.CensoredData.right_censored(time[arm == a], ~event[arm == a]) for a in (1, 0)]
    assert compare(time, event, arm).z[0] == pytest.approx(-stats.logrank(*sample).statistic, rel=1e-9)


@pytest.mark.parametrize(("rho", "gamma"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize("ties", [False, True])
def test_fleming_harrington_of_lifelines(rho, gamma, ties):
    time, event, arm = arms(3, ties=ties)
    theirs = logrank_test(time[arm == 1], time[arm == 0], event[arm == 1], event[arm == 0], weightings="fleming-harrington", p=rho, q=gamma)
    assert compare(time, event, arm, LogRank(rho=rho, gamma=gamma)).z[0] ** 2 == pytest.approx(theirs.test_statistic, rel=1e-9)


def test_peto_is_near_the_cox_estimate():
    import pandas as pd

    time, event, arm = arms(11, n=4000)
    fit = CoxPHFitter().fit(pd.DataFrame({"time": time, "event": event, "arm": arm}), "time", "event")
    # one Newton step from 1: its bias at HR .6 is a few per cent; the weighted ones share the target under proportional hazards
    for weights in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
        estimate = compare(time, event, arm, LogRank(False, *weights)).estimate[0]
        assert estimate == pytest.approx(float(fit.hazard_ratios_["arm"]), rel=0.08), weights


@pytest.mark.parametrize("weights", [(0.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_stratified_is_the_sum_of_its_strata(weights):
    time, event, arm = arms(5, n=120)
    strata = np.arange(120) % 3
    parts = [compare(time[strata == g], event[strata == g], arm[strata == g], LogRank(False, *weights)) for g in range(3)]
    whole = compare(time, event, arm, LogRank(True, *weights), strata)
    # two equations for U and V of each stratum come from its own single test; the whole test must add them
    from tests import naive

    sums = [
        naive.logrank([naive.Seen(*row) for row in zip(time[m], event[m], arm[m], strata[m], strict=True)], False, *weights)
        for m in (strata == g for g in range(3))
    ]
    u, v = sum(s[0] for s in sums), sum(s[1] for s in sums)
    for (a, b, _), part in zip(sums, parts, strict=True):
        assert part.z[0] == pytest.approx(-a / np.sqrt(b), rel=1e-9)
    assert whole.z[0] == pytest.approx(-u / np.sqrt(v), rel=1e-9)
