"""Level: properties. Inference after two stages, by exact enumeration of every outcome of a design."""

import numpy as np
import pytest
from scipy.stats import binom

from sim.boundary.simon import two_stage
from sim.statistic.after_two_stages import interval, median_unbiased, p_value, p_value_after_deviation, umvue
from sim.types import InputError

DESIGNS = [(1, 10, 5, 29), (0, 9, 2, 17), (4, 19, 15, 54), (5, 15, 18, 46)]
RATES = [0.05, 0.1, 0.3, 0.55]


def outcomes(r1, n1, n, p):
    """{responders in all: probability}; r1 or fewer ended after the first stage."""
    out = {x: binom.pmf(x, n1, p) for x in range(r1 + 1)}
    for y in range(r1 + 1, n1 + 1):
        for z in range(n - n1 + 1):
            out[y + z] = out.get(y + z, 0.0) + binom.pmf(y, n1, p) * binom.pmf(z, n - n1, p)
    return out


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_umvue_is_unbiased_and_the_plain_rate_is_not(design, p):
    r1, n1, _, n = design
    chances = outcomes(r1, n1, n, p)
    assert sum(c * umvue(x, r1, n1, n) for x, c in chances.items()) == pytest.approx(p, abs=1e-12)
    plain = sum(c * (x / n1 if x <= r1 else x / n) for x, c in chances.items())
    assert plain < p


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_p_value_by_enumeration(design):
    r1, n1, r, n = design
    chances = outcomes(r1, n1, n, 0.2)
    for x in range(n + 1):
        assert p_value(x, r1, n1, n, 0.2) == pytest.approx(sum(c for y, c in chances.items() if y >= x), abs=1e-12)
    # at the smallest total that rejects it is the exact type I error
    assert p_value(r + 1, r1, n1, n, 0.2) == pytest.approx(two_stage(r1, n1, r, n, 0.2, 0.5).type_i_error, abs=1e-12)


@pytest.mark.parametrize("design", DESIGNS[:3], ids=str)
def test_coverage(design):
    r1, n1, _, n = design
    limits = {x: interval(x, r1, n1, n, 0.9) for x in range(n + 1)}
    for p in np.linspace(0.03, 0.9, 30):
        chances = outcomes(r1, n1, n, p)
        assert sum(c for x, c in chances.items() if limits[x][0] > p) <= 0.05 + 1e-9
        assert sum(c for x, c in chances.items() if limits[x][1] < p) <= 0.05 + 1e-9
    middles = [median_unbiased(x, r1, n1, n) for x in range(n + 1)]
    assert (np.diff(middles) > 0).all()
    # the median-unbiased estimate takes the outcome seen as wholly more extreme, so it lies low in its interval but inside
    assert all(low <= m <= high for m, (low, high) in zip(middles, limits.values(), strict=True))


def test_the_interval_agrees_with_the_test():
    r1, n1, n = 1, 10, 29
    for x in range(n + 1):
        assert (interval(x, r1, n1, n, 0.9)[0] > 0.1) == (p_value(x, r1, n1, n, 0.1) < 0.05)


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_a_deviation_keeps_the_conditional_level(design):
    r1, n1, r, n = design
    p0, level = 0.2, two_stage(*design, 0.2, 0.5).type_i_error
    for x1 in range(r1 + 1, min(n1, r) + 1):
        left = binom.sf(r - x1, n - n1, p0)
        for m2 in (n - n1 - 3, n - n1, n - n1 + 6):
            for x2 in range(m2 + 1):
                p = p_value_after_deviation(x1, x2, m2, r1, n1, r, n, p0)
                assert (p <= level + 1e-9) == (binom.sf(x2 - 1, m2, p0) <= left + 1e-9)


def test_level_holds_when_the_second_stage_depends_on_the_first():
    r1, n1, r, n, p0 = 1, 10, 5, 29, 0.1

    def second(x1):
        # few responders, many more patients; many, only a handful
        return {2: 40, 3: 25}.get(x1, 8)

    for target in (0.01, 0.05, 0.2):
        rejected = sum(
            binom.pmf(x1, n1, p0) * binom.pmf(x2, second(x1), p0)
            for x1 in range(r1 + 1, n1 + 1)
            for x2 in range(second(x1) + 1)
            if p_value_after_deviation(x1, x2, second(x1), r1, n1, r, n, p0) <= target
        )
        assert rejected <= target + 1e-9


@pytest.mark.parametrize("wrong", [(-1, 1, 10, 29), (30, 1, 10, 29), (3, 10, 10, 29), (3, 1, 29, 29)])
def test_refuses(wrong):
    with pytest.raises(InputError, match="allowed"):
        umvue(*wrong)
    with pytest.raises(InputError, match="allowed"):
        p_value_after_deviation(1, 2, 19, 1, 10, 5, 29, 0.1)
    with pytest.raises(InputError, match="allowed"):
        interval(3, 1, 10, 29, confidence=1.0)
