"""Data for the tests of statistics: the published data sets, and small random trials with many ties."""

import numpy as np
from hypothesis import strategies as st

from sim.statistic.kaplan_meier import single_sample
from sim.types import Observations
from sim.validation.reading import table


def tables():
    """(data sets, statistics on them), floats to the last bit."""
    return table("survival_datasets"), table("survival_stats")


def cases(function, settings=""):
    """(data set, arm, settings, stratified, {quantity: value}) of every case of a function of R."""
    stats = tables()[1]
    chosen = stats[(stats["function"] == function) & stats["settings"].str.startswith(settings)]
    keys = ["dataset", "arm", "settings", "stratified"]
    return [(*key, dict(zip(g["quantity"], g["value"], strict=True))) for key, g in chosen.groupby(keys, dropna=False)]


def name(case):
    return "-".join(str(x) for x in case[:4])


def observations(dataset, arm=None):
    """(observations, cut) of a data set, of one arm or both."""
    d = tables()[0]
    d = d[(d["dataset"] == dataset) & ((d["arm"] == arm) | (arm is None))]
    return single_sample(d["time"].to_numpy(), d["event"].to_numpy(), d["arm"].to_numpy(), d["stratum"].to_numpy() - 1)


def make(entry, time, event, arm, stratum=None, strata=1, response=None):
    """Observations of m trials from nested lists, patients in the order given."""
    entry, time = (np.atleast_2d(np.asarray(x, dtype=float)) for x in (entry, time))
    zero = np.zeros(entry.shape)
    flags = [np.atleast_2d(np.asarray(zero if x is None else x, dtype=np.uint8)) for x in (event, arm, stratum)]
    answer = None if response is None else np.atleast_2d(np.asarray(response, dtype=np.uint8))
    return Observations(entry, flags[1], flags[2], time, flags[0], answer, strata=strata)


patients = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 16), st.integers(0, 1), st.integers(0, 1), st.integers(0, 2)), min_size=1, max_size=24
)
"""(entry, time, event, arm, stratum), times in half months: many ties, in every kind."""


def from_patients(rows):
    """Observations of one trial of such patients."""
    entry, time, event, arm, stratum = (list(x) for x in zip(*sorted(rows), strict=True))
    return make([np.array(entry) / 2], [np.array(time) / 2], [event], [arm], [stratum], strata=3)


def seen(o, cut, i=0):
    """What is known of trial i at the cut: a list of (time, event, arm, stratum)."""
    rows = []
    for entry, time, event, arm, stratum in zip(o.entry[i], o.time[i], o.event[i], o.arm[i], o.stratum[i], strict=True):
        if entry <= cut:
            happened = event == 1 and entry + time <= cut
            rows.append((float(time if happened else min(time, cut - entry)), bool(happened), int(arm), int(stratum)))
    return rows


def random_trials(m, n, hr=1.0, events=0.75, seed=1, median=2.8):
    """(observations, cuts) of m trials of n patients, exponential times, nobody lost, cut at a share of the events."""
    rng = np.random.default_rng(seed)
    entry = np.sort(rng.uniform(0, 16, (m, n)), axis=1)
    arm = rng.permuted(np.tile([0, 1], (m, n // 2)), axis=1).astype(np.uint8)
    time = rng.exponential(median / np.log(2), (m, n)) / np.where(arm == 1, hr, 1)
    cut = np.sort(entry + time, axis=1)[:, int(events * n) - 1]
    return make(entry, time, np.ones((m, n)), arm), np.ascontiguousarray(cut)
