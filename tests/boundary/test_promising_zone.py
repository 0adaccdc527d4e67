"""Level: reference and twin. The rows of the ssr family; random rules against trying every number of events and simulated second stages."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.boundary.promising_zone import PromisingZone
from sim.types import InputError
from sim.validation import ssr
from sim.validation.reading import rows

N = NormalDist()


@pytest.mark.parametrize("row", rows("ssr"), ids=lambda row: row.id)
def test_reference(row):
    checks = ssr.checks([row])
    assert len(checks) >= 19
    assert [c for c in checks if not c.passed] == []


def power_by_hand(zone, z1, events, test):
    """Conditional power under the trend seen (Mehta & Pocock 2011), one number at a time."""
    m = events - zone.interim
    w1 = math.sqrt(zone.interim / zone.planned)
    needed = (zone.final_z - w1 * z1) / math.sqrt(1 - w1**2)
    if test == "plain":
        needed = (zone.final_z * math.sqrt(events) - z1 * math.sqrt(zone.interim)) / math.sqrt(m)
    return N.cdf(z1 / math.sqrt(zone.interim) * math.sqrt(m) - needed)


def events_by_hand(zone, z1):
    if not zone.low <= power_by_hand(zone, z1, zone.planned, "chw") < zone.high or z1 >= zone.interim_z:
        return zone.planned
    enough = (d for d in range(zone.planned, zone.cap + 1) if power_by_hand(zone, z1, d, zone.sized_by) >= zone.target)
    return next(enough, zone.cap)


@st.composite
def zones(draw):
    interim = draw(st.integers(2, 80))
    planned = interim + draw(st.integers(1, 120))
    low = draw(st.floats(0.1, 0.7))
    return PromisingZone(
        planned,
        interim,
        planned + draw(st.integers(0, 150)),
        final_z=draw(st.floats(1.2, 2.5)),
        target=draw(st.floats(low + 0.05, 0.97)),
        low=low,
        high=draw(st.floats(low + 0.05, 0.99)),
        interim_z=draw(st.sampled_from([math.inf, 2.4])),
        test=draw(st.sampled_from(["chw", "plain"])),
        sized_by=draw(st.sampled_from(["chw", "plain"])),
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(zones(), st.lists(st.floats(-1, 4), min_size=1, max_size=6))
def test_new_events_by_trying_every_number(zone, z):
    assert zone.events(np.array(z)).tolist() == [events_by_hand(zone, x) for x in z]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(zones(), st.sampled_from([0.0, 0.2, 0.4]), st.integers(0, 2**31))
def test_rejections_of_simulated_stages(zone, drift, seed):
    rng = np.random.default_rng(seed)
    z1 = rng.normal(drift * math.sqrt(zone.interim), 1, 40_000)
    events = np.array([events_by_hand(zone, round(x, 12)) for x in z1[:2_000]])
    np.testing.assert_array_equal(zone.events(z1[:2_000]), events)
    d = zone.events(z1)
    z2 = rng.normal(drift * np.sqrt(d - zone.interim), 1)
    w1 = math.sqrt(zone.interim / zone.planned)
    usual = (math.sqrt(zone.interim) * z1 + np.sqrt(d - zone.interim) * z2) / np.sqrt(d)
    z = w1 * z1 + math.sqrt(1 - w1**2) * z2 if zone.test == "chw" else usual
    p = ((z1 >= zone.interim_z) | (z >= zone.final_z)).mean()
    exact = zone.rejection(drift)
    assert abs(p - exact) < 5 * math.sqrt(max(exact * (1 - exact), 1e-4) / len(z1))


def test_the_weighted_test_keeps_its_level_and_the_usual_one_above_its_bound():
    zone = PromisingZone(100, 60, 300, N.inv_cdf(0.975), low=0.2)
    assert zone.rejection(0.0) == pytest.approx(0.025, abs=1e-9)
    plain = PromisingZone(100, 60, 300, N.inv_cdf(0.975), low=0.02, test="plain")
    assert plain.rejection(0.0) > 0.0251
    safe = PromisingZone(100, 60, 300, N.inv_cdf(0.975), low=plain.level_keeping_low(N.inv_cdf(0.975)), test="plain")
    assert safe.rejection(0.0) <= 0.025


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interim": 100}, "rising"),
        ({"cap": 90}, "rising"),
        ({"low": 0.95}, "zone is"),
        ({"target": 0.3}, "target is 0.3"),
        ({"test": "t"}, "test is 't'"),
        ({"sized_by": "n"}, "sized_by is 'n'"),
    ],
)
def test_refusals(changes, words):
    with pytest.raises(InputError, match=words):
        PromisingZone(**{"planned": 100, "interim": 60, "cap": 200, "final_z": 1.96, **changes})
