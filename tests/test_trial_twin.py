"""Level: twin. Whole trials against the plain one of tests/naive.py: the same addresses give the same patients, looks and statistics."""

import math
from statistics import NormalDist

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.rng import Draws
from sim.statistic.statistic import Code
from sim.trial import enrol, run_block
from tests import naive
from tests.contract.building import options, trial
from tests.designs import DESIGNS, trials

SEEDS = st.integers(0, 2**64 - 1)
FIRST = st.one_of(st.integers(0, 10**6), st.integers(2**32 - 2, 2**33), st.integers(0, 10**12))
TOLERANCE = 1e-9  # definitions 36; logarithms differ by one unit in the last place, sums of 40 terms by some tens


def close(a, b):
    return (math.isnan(a) and math.isnan(b)) or abs(a - b) <= TOLERANCE * max(1.0, abs(a))


def same_z(a, b):
    # Fisher's z comes from p: where p is 1 but for its last bits, so few bits are left of z
    return close(a, b) or (max(a, b) < -5 and abs(NormalDist().cdf(a) - NormalDist().cdf(b)) < 1e-14)


def same_patients(trial, seed, replicate):
    fast, slow = enrol(trial, Draws(seed, replicate, 1, trial.plan.n)), naive.enrol(trial, seed, replicate)
    assert fast.arm[0].tolist() == [p.arm for p in slow]
    assert fast.stratum[0].tolist() == [p.stratum for p in slow]
    assert all(close(a, p.entry) for a, p in zip(fast.entry[0], slow, strict=True))
    if fast.response is not None:
        assert fast.response[0].tolist() == [p.response for p in slow]
    else:
        for a, event, p in zip(fast.time[0], fast.event[0], slow, strict=True):
            if p.time == math.inf:
                assert a > 1e200  # whoever lives forever, unseen to leave, has no event to compare
            else:
                assert close(a, p.time)
                assert event == p.has_event
    if fast.safety is not None:
        for a, p in zip(fast.safety.time[0], slow, strict=True):
            assert (a > 1e200 and min(p.os, p.dropout) == math.inf) or close(a, min(p.os, p.dropout))


def same_rows(trial, seed, first, count):
    fast = run_block(trial, seed, first, count)
    slow = [row for r in range(first, first + count) for row in naive.run(trial, seed, r)]
    assert len(fast) == len(slow)
    for row, expected in zip(fast, slow, strict=True):
        for name in ("replicate", "look", "hypothesis", "enrolled", "events", "decision", "rejects_ignoring_stops"):
            assert row[name] == expected[name], (name, row, expected)
        assert Code(int(row["code"])).name == expected["code"], (row, expected)
        for name in ("month", "estimate"):
            assert close(float(row[name]), expected[name]), (name, row, expected)
        assert same_z(float(row["z"]), expected["z"]), (row, expected)


def test_every_design_has_a_plain_twin():
    shipped = {type(trial(f"design={name}", "population=piecewise_exponential").design) for name in options("design")}
    assert shipped == set(DESIGNS)
    assert {cls.__name__ for cls in shipped} == set(naive.CONDUCT)


@pytest.mark.parametrize("kind", DESIGNS, ids=lambda cls: cls.__name__)
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), seed=SEEDS, first=FIRST)
def test_random_designs(kind, data, seed, first):
    made = data.draw(trials(kinds=(kind,)))
    same_patients(made, seed, first)
    same_rows(made, seed, first, 3)
