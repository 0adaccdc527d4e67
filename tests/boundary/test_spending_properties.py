"""Level: properties. What must hold of spending functions and of the boundaries they give."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.boundary.beta_spending import beta_spending_bounds, power_and_futility
from sim.boundary.classical import haybittle_peto, obrien_fleming, pocock, wang_tsiatis
from sim.boundary.recursive_integration import crossing_probabilities, drift_for_power, efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, KimDeMets, LanDeMetsOBrienFleming, LanDeMetsPocock, UserSpending, increments
from sim.types import InputError

SPENDING = st.one_of(
    st.just(LanDeMetsOBrienFleming()),
    st.just(LanDeMetsPocock()),
    st.builds(KimDeMets, st.floats(0.5, 5)),
    st.builds(HwangShihDeCani, st.floats(-8, 4)),
    st.just(UserSpending((0.3, 0.6, 1.0), (0.0, 0.4, 1.0))),
)
LOOKS = st.lists(st.floats(0.1, 1.0), min_size=1, max_size=5).map(lambda gaps: tuple(np.cumsum(gaps) / np.sum(gaps)))
ALPHA = st.floats(0.005, 0.2)


@given(spending=SPENDING, looks=LOOKS, alpha=ALPHA)
@settings(max_examples=60, deadline=None)
def test_spending_sums_to_alpha_and_the_boundary_crosses_with_it(spending, looks, alpha):
    spend = increments(spending, np.array(looks), alpha)
    assert np.all(spend >= 0)
    assert spend.sum() == pytest.approx(alpha, rel=1e-12)
    bounds = efficacy_bounds(looks, alpha, spending)
    assert crossing_probabilities(looks, bounds).upper == pytest.approx(spend, abs=1e-11)


@given(spending=SPENDING, looks=LOOKS, alpha=ALPHA, more=st.floats(1.05, 2.0))
@settings(max_examples=40, deadline=None)
def test_the_total_allowance_shrinks_with_alpha(spending, looks, alpha, more):
    strict, lenient = efficacy_bounds(looks, alpha, spending), efficacy_bounds(looks, alpha * more, spending)
    crossed = crossing_probabilities(looks, strict).upper.sum(), crossing_probabilities(looks, lenient).upper.sum()
    assert crossed[0] < crossed[1]
    assert strict[0] >= lenient[0]


@given(
    spending=st.sampled_from([LanDeMetsOBrienFleming(), LanDeMetsPocock(), KimDeMets(2.0), HwangShihDeCani(-4.0)]), looks=LOOKS, alpha=ALPHA
)
@settings(max_examples=60, deadline=None)
def test_every_bound_falls_with_alpha(spending, looks, alpha):
    assert np.all(efficacy_bounds(looks, alpha, spending) > efficacy_bounds(looks, 1.2 * alpha, spending))


@given(looks=LOOKS, alpha=ALPHA, delta=st.floats(0, 0.5), more=st.floats(1.05, 2.0))
@settings(max_examples=30, deadline=None)
def test_classical_bounds_are_monotone_in_alpha(looks, alpha, delta, more):
    assert np.all(wang_tsiatis(looks, alpha, delta) > wang_tsiatis(looks, alpha * more, delta))


@given(looks=LOOKS, alpha=ALPHA, unit=st.floats(0.01, 1000))
@settings(max_examples=30, deadline=None)
def test_the_unit_of_information_does_not_matter(looks, alpha, unit):
    scaled = efficacy_bounds(tuple(unit * np.array(looks)), alpha, LanDeMetsPocock(), spent_at=looks)
    assert scaled == pytest.approx(efficacy_bounds(looks, alpha, LanDeMetsPocock()), abs=1e-9)


@given(looks=LOOKS, alpha=st.floats(0.01, 0.1), beta=st.floats(0.05, 0.3), binding=st.booleans())
@settings(max_examples=20, deadline=None)
def test_futility_designs_keep_both_errors(looks, alpha, beta, binding):
    design = beta_spending_bounds(looks, alpha, beta, LanDeMetsOBrienFleming(), HwangShihDeCani(-2), binding)
    power, futility = power_and_futility(design, looks, design.drift)
    obeyed, _ = power_and_futility(design, looks, 0.0)
    ignored = crossing_probabilities(looks, design.upper).upper.sum()
    assert power[-1] == pytest.approx(1 - beta, abs=1e-9)
    assert futility == pytest.approx(np.cumsum(increments(HwangShihDeCani(-2), np.array(looks), beta)), abs=1e-9)
    assert (obeyed[-1] if binding else ignored) == pytest.approx(alpha, abs=1e-9)
    assert obeyed[-1] <= ignored + 1e-12


@pytest.mark.parametrize(
    ("looks", "spent_at"), [((50, 85, 110), (50 / 120, 85 / 120, 110 / 120)), ((40, 90, 131), (40 / 120, 90 / 120, 131 / 120))]
)
def test_under_and_over_running_keep_alpha(looks, spent_at):
    bounds = efficacy_bounds(looks, 0.025, LanDeMetsOBrienFleming(), spent_at)
    assert crossing_probabilities(looks, bounds).upper.sum() == pytest.approx(0.025, abs=1e-12)
    planned = LanDeMetsOBrienFleming().spent(np.array(spent_at[:1]), 0.025)
    assert crossing_probabilities(looks, bounds).upper[0] == pytest.approx(planned[0], abs=1e-12)


def test_named_members_of_wang_tsiatis():
    t = (0.25, 0.5, 0.75, 1.0)
    assert np.ptp(pocock(t, 0.025)) == pytest.approx(0, abs=1e-12)
    assert obrien_fleming(t, 0.025) * np.sqrt(t) == pytest.approx([obrien_fleming(t, 0.025)[-1]] * 4, rel=1e-12)


@pytest.mark.parametrize("looks", [(0.5, 1.0), (0.2, 0.4, 0.6, 0.8, 1.0)])
def test_haybittle_peto_keeps_alpha_and_its_interim_bound(looks):
    bounds = haybittle_peto(looks, 0.025)
    assert np.all(bounds[:-1] == 3.0)
    assert crossing_probabilities(looks, bounds).upper.sum() == pytest.approx(0.025, abs=1e-12)


def test_a_look_that_may_spend_nothing_cannot_stop():
    bounds = efficacy_bounds((0.3, 1.0), 0.025, UserSpending((0.3, 1.0), (0.0, 1.0)))
    assert math.isinf(bounds[0])
    assert bounds[1] == pytest.approx(1.959963984540054, abs=1e-9)


def test_drift_for_power_gives_that_power():
    bounds = efficacy_bounds((0.4, 1.0), 0.025, LanDeMetsPocock())
    drift = drift_for_power((0.4, 1.0), bounds, None, 0.9)
    assert crossing_probabilities((0.4, 1.0), bounds, mean=drift).upper.sum() == pytest.approx(0.9, abs=1e-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda: efficacy_bounds((0.5, 0.5, 1.0), 0.025, LanDeMetsPocock()),
        lambda: efficacy_bounds((0.0, 1.0), 0.025, LanDeMetsPocock()),
        lambda: efficacy_bounds((0.5, 1.0), 0.0, LanDeMetsPocock()),
        lambda: efficacy_bounds((0.5, 1.0), 0.025, LanDeMetsPocock(), (0.3, 0.6, 1.0)),
        lambda: crossing_probabilities((0.5, 1.0), np.array([2.0])),
        lambda: crossing_probabilities((0.5, 1.0), np.array([2.0, 2.0]), np.array([2.5, 2.0])),
        lambda: beta_spending_bounds((0.5, 1.0), 0.025, 0.98, LanDeMetsPocock(), LanDeMetsPocock()),
        lambda: haybittle_peto((0.5, 1.0), 0.001),
        lambda: pocock((0.5, 1.0), 0.0),
        lambda: KimDeMets(0.0),
        lambda: HwangShihDeCani(math.nan),
        lambda: UserSpending((0.5, 0.9), (0.1, 1.0)),
        lambda: UserSpending((0.5, 1.0), (0.6, 0.5)),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(InputError, match="allowed"):
        call()
