"""Level: reference. The log-rank family against survival::survdiff, lrstat and simtrial on twenty data sets; 1e-9 (definitions 36)."""

import math
import re

import numpy as np
import pytest

from sim.statistic.logrank import LogRank
from sim.types import Observations
from tests import naive
from tests.reference.read import rows

FAMILY = {("survival", "survdiff"), ("lrstat", "lrtest"), ("simtrial", "wlr")}
# what the function prints that this statistic has; lrtest's p-values are z's
QUANTITIES = {"chisq", "uscore", "vscore", "z", "estimate", "se"}


def exponents(settings):
    """(rho, gamma) of a row's settings, or None for other weights."""
    if settings.startswith("rho="):
        return float(settings[4:]), 0.0
    found = re.fullmatch(r"FH\(([\d.]+),([\d.]+)\)", settings)
    return (float(found[1]), float(found[2])) if found else None


def data_sets():
    table = {}
    for row in rows("survival_datasets"):
        table.setdefault(row["dataset"], []).append((float(row["time"]), int(row["event"]), int(row["arm"]), int(row["stratum"])))
    return table


DATA = data_sets()
STATISTICS = [
    row
    for row in rows("survival_stats")
    if (row["package"], row["function"]) in FAMILY and row["quantity"] in QUANTITIES and exponents(row["settings"]) is not None
]


def observations(dataset):
    time, event, arm, stratum = (np.array(column) for column in zip(*DATA[dataset], strict=True))
    names = np.unique(stratum)
    flags = [np.searchsorted(names, stratum), arm, event]
    stratum, arm, event = (np.ascontiguousarray(x[None].astype(np.uint8)) for x in flags)
    return Observations(np.zeros((1, len(time))), arm, stratum, time[None].copy(), event, strata=len(names))


def computed(row):
    """(U, V, z) by the engine and by the plain twin."""
    rho, gamma = exponents(row["settings"])
    stratified = str(row["stratified"]).lower() == "true"
    o = observations(row["dataset"])
    result = LogRank(stratified, rho, gamma).test(o, np.array([1e6]))
    seen = [naive.Seen(t, bool(e), a, g) for t, e, a, g in DATA[row["dataset"]]]
    u, v, information = naive.logrank(seen, stratified, rho, gamma)
    assert result.z[0] == pytest.approx(-u / math.sqrt(v), abs=1e-9)
    assert result.estimate[0] == pytest.approx(math.exp(u / information), rel=1e-9)
    return u, v, float(result.z[0])


def test_every_family_row_is_here():
    # 24 analyses of data sets with two arms: 2 rows of survdiff, 5 weights of lrtest (U, V, z) and of wlr (estimate, se, z)
    assert len(STATISTICS) >= 24 * (2 + 15 + 15)
    assert {row["dataset"] for row in STATISTICS} == {name for name, patients in DATA.items() if len({p[2] for p in patients}) == 2}


@pytest.mark.parametrize("dataset", sorted({row["dataset"] for row in STATISTICS}))
def test_rows(dataset):
    for row in (r for r in STATISTICS if r["dataset"] == dataset):
        u, v, z = computed(row)
        ours = {"uscore": u, "vscore": v, "estimate": u, "se": math.sqrt(v), "chisq": z * z}
        ours["z"] = -z if row["package"] == "lrstat" else z  # lrstat's z is negative when it favours the experimental arm
        assert ours[row["quantity"]] == pytest.approx(float(row["value"]), abs=1e-9, rel=1e-9), row["id"]
