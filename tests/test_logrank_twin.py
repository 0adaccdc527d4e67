"""Level: twin. The packed, sorted log-rank pass against the plain one on tied, staggered, stratified data cut at any time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.statistic.logrank import LogRank
from sim.statistic.statistic import Code
from sim.types import Observations
from tests import naive

STRATA = 40  # six bits of the key


@st.composite
def data(draw):
    n = draw(st.integers(1, 30))
    strata = draw(st.sampled_from([1, 2, 3, STRATA]))

    def column(element):
        return draw(st.lists(element, min_size=n, max_size=n))

    # quarters are exact in binary, so that calendar sums and differences are exact and ties are ties
    quarters = st.integers(0, 20).map(lambda k: k / 4)
    entry = sorted(column(quarters))
    return entry, column(quarters), column(st.integers(0, 1)), column(st.integers(0, 1)), column(st.integers(0, strata - 1)), strata


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    data(),
    st.integers(0, 45).map(lambda k: k / 4),
    st.booleans(),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
def test_tied_data(columns, cut, stratified, rho, gamma):
    entry, time, event, arm, stratum, strata = columns
    floats = [np.array([x], dtype=float) for x in (entry, time)]
    flags = [np.array([x], dtype=np.uint8) for x in (arm, stratum, event)]
    o = Observations(floats[0], flags[0], flags[1], floats[1], flags[2], strata=strata)
    result = LogRank(stratified, rho, gamma).test(o, np.array([cut]), 0.025)
    patients = [
        naive.Patient(g, a, e, pfs=t if d else math.inf, dropout=math.inf if d else t)
        for e, t, d, a, g in zip(entry, time, event, arm, stratum, strict=True)
    ]
    seen = naive.at_cut(patients, cut)
    u, v, information = naive.logrank(seen, stratified, rho, gamma)
    assert result.enrolled[0] == result.tested[0] == len(seen)
    assert result.events[0] == sum(p.event for p in seen)
    if v == 0:
        assert (result.z[0], math.isnan(result.estimate[0])) == (0.0, True)
        assert result.code[0] == (Code.EMPTY_ARM if result.events[0] else Code.NO_EVENTS)
    else:
        assert result.code[0] == Code.OK
        assert result.z[0] == pytest.approx(-u / math.sqrt(v), abs=1e-9)
        assert math.log(result.estimate[0]) == pytest.approx(u / information, abs=1e-9)


def test_swapped_arms_and_shifted_calendar():
    rng = np.random.default_rng(8)
    entry, time = np.sort(rng.uniform(0, 12, (50, 40)), axis=1), rng.exponential(6, (50, 40))
    event, arm = (rng.integers(0, 2, (50, 40), dtype=np.uint8) for _ in range(2))
    zero = np.zeros((50, 40), np.uint8)
    first = LogRank().test(Observations(entry, arm, zero, time, event), np.full(50, 15.0), 0.025)
    other = LogRank().test(Observations(entry, 1 - arm, zero, time, event), np.full(50, 15.0), 0.025)
    later = LogRank().test(Observations(entry + 100.0, arm, zero, time, event), np.full(50, 115.0), 0.025)
    np.testing.assert_allclose(other.z, -first.z, atol=1e-12)
    np.testing.assert_allclose(later.z, first.z, atol=1e-12)
    np.testing.assert_allclose(other.estimate * first.estimate, 1.0, rtol=1e-12)
