"""Level: independent. Operating characteristics against statsmodels and against a table small enough to count by hand."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from sim.engine import Replicates
from sim.oc import COLUMNS, DEFINITIONS, Subject, mean, operating_characteristics, proportion, rejections
from sim.statistic.statistic import Code
from sim.trial import ROW_DTYPE, final_rows


@pytest.mark.parametrize(("x", "n"), [(0, 1), (1, 1), (0, 50), (50, 50), (3, 10), (25, 1000), (7_905, 10_000), (199_999, 200_000)])
def test_wilson(x, n):
    ours = proportion(x, n)
    low, high = proportion_confint(x, n, alpha=0.05, method="wilson")
    scipys = stats.binomtest(x, n).proportion_ci(0.95, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((scipys.low, scipys.high), abs=1e-12)
    assert ours.value == x / n
    assert ours.mcse == pytest.approx(math.sqrt(x / n * (1 - x / n) / n), abs=1e-15)
    assert ours.low <= ours.value <= ours.high


def test_nothing_analysed_is_no_number():
    empty = proportion(0, 0)
    assert math.isnan(empty.value)
    assert (empty.low, empty.high) == (0.0, 1.0)
    assert math.isnan(mean(np.array([])).value)


def test_mean():
    values = np.random.default_rng(1).gamma(3, size=400)
    ours = mean(values)
    assert ours.value == pytest.approx(values.mean())
    assert ours.mcse == pytest.approx(stats.sem(values), rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx(stats.norm.interval(0.95, values.mean(), stats.sem(values)), rel=1e-12)


OK, LATE, NONE, FAILED = Code.OK, Code.TARGET_NOT_REACHED, Code.NO_EVENTS, Code.FAILED
NAMES = ["replicate", "look", "enrolled", "events", "month", "z", "estimate", "decision", "code"]
TABLE = [
    (0, 1, 10, 4, 5.0, 3.0, 0.5, 1, OK),  # rejects at once
    (1, 1, 12, 4, 7.0, 1.0, 0.8, 0, OK),
    (1, 2, 20, 8, 11.0, 2.5, 0.5, 1, OK),  # rejects at look 2
    (2, 1, 14, 4, 6.0, 0.5, 0.9, 0, OK),
    (2, 2, 20, 8, 13.0, 1.0, 0.8, 0, OK),  # accepts
    (3, 1, 16, 3, 24.0, 0.1, 1.0, 0, LATE),  # the first target is never reached
    (4, 1, 9, 0, 24.0, 0.0, math.nan, 0, NONE),  # untestable
]


def replicates(table, requested):
    # no futility: the look of the rejection is the same with it ignored
    return Replicates(
        np.array([(*row[:2], 0, *row[2:], row[1] * (row[7] == 1)) for row in table], dtype=ROW_DTYPE), requested, 0, requested
    )


def reduced(table, requested, rejection="power", looks=2):
    rows = operating_characteristics(Subject("scenario", "cell", "PFS", rejection), replicates(table, requested), looks)
    assert all(tuple(row) == COLUMNS for row in rows)
    assert all(row["definition"] == DEFINITIONS[row["metric"]] for row in rows)
    return {(row["metric"], row["look"]): row for row in rows}


def test_by_hand():
    table = reduced(TABLE, 5)
    expected = {
        ("power", 0): 2 / 5,
        ("expected_n", 0): (10 + 20 + 20 + 16 + 9) / 5,
        ("expected_events", 0): (4 + 8 + 8 + 3 + 0) / 5,
        ("expected_duration", 0): (5 + 11 + 13 + 24 + 24) / 5,
        ("expected_z", 0): (3 + 2.5 + 1 + 0.1 + 0) / 5,
        ("untestable", 0): 1 / 5,
        ("target_not_reached", 0): 1 / 5,
        ("power_by_look", 1): 1 / 5,
        ("power_by_look", 2): 2 / 5,
        ("reach_look", 1): 1.0,
        ("reach_look", 2): 2 / 5,
        ("duration_at_look", 1): (5 + 7 + 6 + 24 + 24) / 5,
        ("duration_at_look", 2): 12.0,
        ("enrolled_at_look", 1): (10 + 12 + 14 + 16 + 9) / 5,
        ("enrolled_at_look", 2): 20.0,
    }
    assert {key: table[key]["estimate"] for key in expected} == pytest.approx(expected)
    analysed = {key: table[key]["n_analysed"] for key in expected}
    assert analysed.pop(("duration_at_look", 2)) == analysed.pop(("enrolled_at_look", 2)) == 2
    assert set(analysed.values()) == {5}
    assert {row["n_requested"] for row in table.values()} == {5}
    assert {row["n_failed"] for row in table.values()} == {0}
    assert rejections(replicates(TABLE, 5)) == (2, 5)
    assert final_rows(replicates(TABLE, 5).rows)["look"].tolist() == [1, 2, 2, 1, 1]


def test_failed_at_a_later_look_leaves_every_count():
    # replicate 5 broke at look 2: nothing of it is analysed, its first look neither
    table = reduced([*TABLE, (5, 1, 10, 4, 5.0, 1.0, 0.7, 0, OK), (5, 2, 20, 8, 9.0, math.nan, 0.7, 0, FAILED)], 6)
    before = reduced(TABLE, 5)
    for key, row in before.items():
        assert table[key]["estimate"] == pytest.approx(row["estimate"]), key
        assert table[key]["n_analysed"] == row["n_analysed"]
        assert (table[key]["n_requested"], table[key]["n_failed"]) == (6, 1)
    assert table["power_lower_bound", 0]["estimate"] == 2 / 6
    assert table["power_upper_bound", 0]["estimate"] == 3 / 6


def test_a_replicate_without_rows_is_failed():
    table = reduced(TABLE, 7)
    assert (table["power", 0]["n_analysed"], table["power", 0]["n_failed"]) == (5, 2)


@pytest.mark.parametrize("rejection", ["type_i_error", "rejection_no_effect"])
def test_under_the_null_no_number_calls_itself_power(rejection):
    table = reduced(TABLE, 5, rejection)
    assert table[rejection, 0]["estimate"] == 2 / 5
    assert table[rejection, 0]["n_analysed"] == 5
    assert not any(metric.startswith(("power", "expected_z")) for metric, _ in table)
    other = {"type_i_error": "rejection_no_effect", "rejection_no_effect": "type_i_error"}[rejection]
    assert not any(metric.startswith(other) for metric, _ in table)
    if rejection == "type_i_error":
        assert [table["type_i_error_by_look", k]["estimate"] for k in (1, 2)] == [1 / 5, 2 / 5]
