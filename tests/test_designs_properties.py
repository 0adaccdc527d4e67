"""Level: properties. What a design refuses, in one line that names the key, the value and what is allowed; and what follows from its fields."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.boundary.spending import LanDeMetsOBrienFleming
from sim.design.allocation import PermutedBlocks
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_orr import SingleArmORR
from sim.design.single_arm_survival import SingleArmSurvival, largest_ratio
from sim.statistic.logrank import LogRank
from sim.types import InputError
from tests.designs import textbook

NAN, INF = float("nan"), float("inf")
BAD = [
    (RandomisedSurvival, {"events": (2.7,)}, "events"),
    (RandomisedSurvival, {"events": (0,)}, "events"),
    (RandomisedSurvival, {"events": (20, 10)}, "events"),
    (RandomisedSurvival, {"events": (41,)}, "more events than can occur"),
    (RandomisedSurvival, {"events": ()}, "events"),
    (RandomisedSurvival, {"events": (NAN,)}, "events"),
    (RandomisedSurvival, {"events": (10, 20)}, "spending"),
    (RandomisedSurvival, {"event_fraction": 0.0}, "event_fraction"),
    (RandomisedSurvival, {"event_fraction": 1.2}, "event_fraction"),
    (RandomisedSurvival, {"event_fraction": None}, "event_fraction"),
    (RandomisedSurvival, {"information": (0.5, 0.9)}, "information"),
    (RandomisedSurvival, {"ratio": (1.5, 1)}, "ratio"),
    (RandomisedSurvival, {"ratio": (1,)}, "ratio"),
    (RandomisedSurvival, {"ratio": (0, 1)}, "ratio"),
    (RandomisedSurvival, {"block_size": 3}, "block_size"),
    (RandomisedSurvival, {"block_size": 40}, "block_size"),
    (RandomisedSurvival, {"max_duration": NAN}, "max_duration"),
    (RandomisedSurvival, {"max_duration": INF}, "max_duration"),
    (SingleArmSurvival, {"followup": -1.0}, "followup"),
    (SingleArmSurvival, {"variance": "both"}, "variance"),
    (SingleArmSurvival, {"null": 0.0}, "null"),
    (SingleArmSurvival, {"null": "other"}, "null"),
    (SingleArmORR, {"null_rate": 0.0}, "null_rate"),
    (SingleArmORR, {"null_rate": 1.0}, "null_rate"),
    (SingleArmORR, {"null_rate": "x"}, "null_rate"),
    (SingleArmORR, {"assessment": -0.5}, "assessment"),
    (SingleArmORR, {"not_evaluable_share": 1.5}, "not_evaluable_share"),
    (SingleArmORR, {"not_evaluable": "dropped"}, "not_evaluable"),
    (LogRank, {"rho": -1.0}, "rho"),
    (LogRank, {"gamma": NAN}, "gamma"),
]


@pytest.mark.parametrize(("cls", "fields", "name"), BAD, ids=lambda x: x.__name__ if isinstance(x, type) else str(x))
def test_refused(cls, fields, name):
    with pytest.raises(InputError, match=name) as error:
        cls(**({} if cls is LogRank else {"n": 40}), **fields)
    assert "\n" not in str(error.value)
    assert "allowed" in str(error.value)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 400), st.floats(0.01, 1))
def test_looks_follow_n(n, fraction):
    (events,) = RandomisedSurvival(n, event_fraction=fraction).look_events
    assert events - 1 - 1e-6 < fraction * n <= events + 1e-6
    assert 1 <= events <= n


def test_looks_by_information():
    design = RandomisedSurvival(160, event_fraction=0.75, information=(1 / 3, 2 / 3, 1.0), spending=LanDeMetsOBrienFleming())
    assert design.look_events == (40, 80, 120)
    # gsDesign and rpact print 3.7103, 2.5114, 1.9930 for these looks
    assert design.bounds(textbook().setting).boundary.upper == pytest.approx((3.7103, 2.5114, 1.9930), abs=5e-5)
    assert RandomisedSurvival(160, events=120).look_events == (120,)


def test_arrangements_are_all_there_and_differ():
    for ratio, size, count in (((1, 1), 4, 6), ((2, 1), 6, 15), ((3, 2), 5, 10)):
        table = PermutedBlocks(ratio, size).arrangements
        assert table.shape == (count, size)
        assert len({tuple(row) for row in table.tolist()}) == count
        assert set(table.sum(axis=1)) == {size * ratio[0] // sum(ratio)}


@settings(max_examples=100, deadline=None)
@given(st.floats(0.5, 3.5), st.floats(15, 500))
def test_the_largest_ratio_that_rejects(z, expected):
    ratio = largest_ratio(z, expected)
    assert 0 < ratio < 1
    assert (expected - expected * ratio) / ((expected + expected * ratio) / 2) ** 0.5 == pytest.approx(z, rel=1e-9)
