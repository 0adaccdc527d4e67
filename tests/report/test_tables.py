"""Level: developer. Numbers as words: never more digits than the error allows, never an estimate without its error."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.report import tables
from sim.report.tables import interval, months, number, patients, percent, replicates, whole_trial, with_error
from sim.report.wide import glance, overall, sizes
from tests.report.example import oc_row, operating_characteristics


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.79052, 0.00091, "0.7905 ± 0.0009"),
        (0.025, 0.0016, "0.0250 ± 0.0016"),
        (0.025, 0.000494, "0.0250 ± 0.0005"),
        (0.5, 0.00096, "0.5000 ± 0.0010"),
        (22.8517, 0.0173, "22.852 ± 0.017"),
        (12345.6, 41.0, "12,346 ± 41"),
        (-0.25, 0.1, "-0.25 ± 0.10"),
        (120.0, 0.0, "120 ± 0"),
        (55.0, None, "55"),
        (float("nan"), 0.1, "–"),
        (float("inf"), 0.1, "∞ ± 0.1"),
    ],
)
def test_estimate_with_error(value, error, expected):
    assert with_error(value, error) == expected


@given(st.floats(1e-7, 1e3), st.floats(-1e4, 1e4))
def test_rounding_costs_at_most_a_seventh_of_the_error(error, value):
    shown_value, shown_error = with_error(value, error).replace(",", "").split(" ± ")
    # half a last digit: at most 1/7 of an error that begins with 355, less of any other
    assert abs(float(shown_value) - value) <= error / 7 + 1e-9
    assert abs(float(shown_error) - error) <= error / 7 + 1e-12
    assert len(shown_error.replace(".", "").lstrip("0")) <= 2 or error >= 99.5  # whole numbers are written out


def test_units():
    assert (months(2.84), months(math.inf), months(None)) == ("2.8 months", "not reached", "–")
    assert (patients(61.2), patients(1), patients(1200), patients(60.0000000001)) == (
        "62 patients",
        "1 patient",
        "1,200 patients",
        "60 patients",
    )
    assert (percent(0.4371), percent(0.025, 2), percent(float("nan"))) == ("43.7 %", "2.50 %", "–")
    assert (number(0.097), number(2.0), number(1234567.0), number(-0.5), number(0)) == ("0.097", "2", "1,234,567", "-0.5", "0")
    assert interval(None, 3) == "–"


@pytest.mark.parametrize("value", [0, 0.0, -1, None, float("nan"), "", "all", "overall", pd.NA])
def test_looks_that_mean_the_whole_trial(value):
    assert whole_trial(value)


@pytest.mark.parametrize("value", [1, 2.0, "1", "interim"])
def test_looks_that_are_one_analysis(value):
    assert not whole_trial(value)


def test_overall_takes_the_whole_trial_or_the_last_look():
    rows = [oc_row("a", "power", 0.1, look=1), oc_row("a", "power", 0.8, look=0), oc_row("a", "power", 0.5, look=2)]
    rows += [oc_row("b", "power", 0.2, look=2), oc_row("b", "power", 0.1, look=1)]
    assert overall(pd.DataFrame(rows))["estimate"].tolist() == [0.8, 0.2]


def test_glance_prefers_the_stated_effect():
    rows = [
        oc_row("a", "expected_duration", 30.0, 0.1, hypothesis="null"),
        oc_row("a", "expected_duration", 20.0, 0.1, hypothesis="alternative"),
    ]
    assert glance(pd.DataFrame(rows))["expected_duration"].tolist() == ["20.0 ± 0.1"]


def test_sizes_hold_n_its_interval_and_the_power_there():
    table = sizes(operating_characteristics()).set_index("cell")
    assert table.loc["randomised_pfs"].tolist() == ["164", "160 to 169", "169", "0.803 ± 0.004"]
    assert table.loc["single_arm_orr"].tolist() == ["47", "exact", "48", "0.812 ± 0.004"]
    assert sizes(operating_characteristics().query("metric == 'power'")).empty


def test_replicates_never_hide_a_failure():
    assert replicates({"n_requested": 10, "n_analysed": 10, "n_failed": 0}) == "10"
    assert replicates({"n_requested": 10, "n_analysed": 0, "n_failed": 10}) == "0 of 10, 10 failed"
    assert replicates({"n_requested": None, "n_analysed": None, "n_failed": None}) == "exact"


def test_unknown_metric_speaks_for_itself():
    assert tables.label("mean_of_something") == "Mean of something"
