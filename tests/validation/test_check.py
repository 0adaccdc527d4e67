"""Level: unit. What counts as agreement."""

import math
from types import SimpleNamespace

import pytest

from sim.validation.check import compare

ROW = SimpleNamespace(id="row-1", package="rpact", version="4.5", function="f")


def check(expected, got, **tolerance):
    return compare("family", ROW, "quantity", expected, got, **tolerance)


def test_a_difference_up_to_the_tolerance_passes_and_beyond_it_fails():
    assert check(2.0, 2.0 + 2**-20, absolute=2**-20).passed
    assert not check(2.0, 2.0 + 2**-19, absolute=2**-20).passed
    assert check(200.0, 200.0001, rel=1e-6).passed
    assert not check(200.0, 200.001, rel=1e-6).passed
    assert check(200.0, 200.001, rel=1e-6, absolute=0.01).tolerance == 0.01


def test_without_a_tolerance_numbers_are_equal_or_not():
    assert check((3, 7), (3, 7)).passed
    assert not check((3, 7), (3, 7.0000001)).passed


def test_the_number_nearest_to_its_tolerance_is_the_one_shown():
    c = check((1.0, 100.0), (1.5, 100.6), rel=1.0, absolute=0.0)
    assert (c.difference, c.tolerance) == (0.5, 1.0)
    c = check((1.0, 1.0, 1.0), (1.0, 3.0, 1.0), absolute=0.5)
    assert (c.difference, c.tolerance, c.passed) == (2.0, 0.5, False)


def test_another_number_of_numbers_never_passes():
    assert not check((1.0, 2.0), (1.0,), absolute=10).passed
    assert not check((), (1.0,), absolute=10).passed


@pytest.mark.parametrize(
    ("expected", "got", "passed"),
    [
        (math.nan, math.nan, True),
        (math.nan, math.inf, True),  # not reached in R
        (math.nan, 1.0, False),
        (math.inf, math.inf, True),
        (math.inf, 1e300, False),
        (math.inf, -math.inf, False),
        (1.0, math.nan, False),
        (1.0, math.inf, False),
    ],
)
def test_what_is_no_number(expected, got, passed):
    assert check(expected, got, absolute=1e9, rel=1e9).passed == passed


def test_the_reference_is_named_with_its_version():
    assert check(1, 1).package == "rpact 4.5"
