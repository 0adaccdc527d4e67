"""Level: reference, twin and properties. Posterior and predictive rules against published designs and against plain enumeration."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from sim.boundary.beta_binomial import BetaBinomial, Thresholds, critical_counts, posterior_above, predictive_probability, with_thresholds
from sim.boundary.beta_binomial_thresholds import find_thresholds
from sim.boundary.exact_binomial import rejection_count
from sim.boundary.multi_stage_binomial import stage_errors, stage_probabilities
from sim.types import InputError
from tests.boundary import naive_beta_binomial as naive
from tests.thinning import one_in

LEE_LIU = BetaBinomial(tuple(range(10, 37)), "predictive", 0.2, (0.2, 0.8))


def rises(counts):
    """{critical count: the first number of patients with it}."""
    first = {}
    for n, accept in zip(counts.n, counts.accept, strict=True):
        if accept >= 0:
            first.setdefault(accept, n)
    return first


def test_lee_and_lius_published_design():
    # Lee & Liu 2008: p0 .2, p1 .4, Beta(.2, .8), looks after each patient from the 10th, N 36, theta_L .001, theta_T within [.852, .922]
    for final in (0.852, 0.9, 0.922):
        found = with_thresholds(LEE_LIU, Thresholds(final, 0.001), 0.2, 0.4)
        assert rises(found.counts) == {0: 10, 1: 17, 2: 21, 3: 24, 4: 27, 5: 29, 6: 31, 7: 33, 8: 34, 9: 35, 10: 36}
        e = found.errors
        assert (round(e.type_i_error, 3), round(e.power, 3), round(e.pet_p0, 2), round(e.en_p0, 2)) == (0.088, 0.906, 0.86, 27.67)
    for final in (0.851, 0.923):
        assert critical_counts(LEE_LIU, Thresholds(final, 0.001)).reject[-1] != 11


def test_lee_and_lius_example_of_a_predictive_probability():
    # page 97: 16 of 23 so far, 40 in all, Beta(.6, .4), p0 .6, theta_T .9: 12 more are needed, PP .5656
    reject = critical_counts(BetaBinomial((23, 40), "predictive", 0.6, (0.6, 0.4)), Thresholds(0.9)).reject[-1]
    assert reject == 28
    assert predictive_probability(23, 40, reject, (0.6, 0.4))[16] == pytest.approx(0.5656, abs=5e-5)


def test_published_futility_boundary():
    # the package ph2bayes prints for theta .05, n 40, Beta(.6, 1.4), p0 .3, theta_T .85: first n at which 0, 1, … responders stop
    rule = BetaBinomial(tuple(range(1, 41)), "predictive", 0.3, (0.6, 1.4))
    printed = {0: 4, 1: 8, 2: 11, 3: 14, 4: 17, 5: 20, 6: 22, 7: 25, 8: 27, 9: 29}
    found = rises(critical_counts(rule, Thresholds(0.85, 0.05)))
    assert {k: found[k] for k in printed} == printed


@pytest.mark.parametrize("standard", [0.2, (10.0, 40.0), (0.6, 1.4)], ids=str)
@pytest.mark.parametrize("margin", [0.0, 0.15])
def test_posterior_by_quadrature(standard, margin):
    for n in (1, 9, 40):
        ours = posterior_above(n, (0.4, 1.6), standard, margin)
        theirs = [naive.above(x, n, (0.4, 1.6), standard, margin) for x in range(n + 1)]
        # the twin's adaptive quadrature loses digits where the standard's density has no bound
        assert ours == pytest.approx(theirs, abs=1e-10 if standard != (0.6, 1.4) else 1e-7)
        assert (np.diff(ours) >= 0).all()


def test_a_standard_worth_ever_more_patients_is_a_known_rate():
    known = posterior_above(30, (1.0, 1.0), 0.3)
    apart = [np.abs(posterior_above(30, (1.0, 1.0), (m * 0.3, m * 0.7)) - known).max() for m in (50, 500, 5000)]
    assert apart[0] > 5 * apart[1] > 25 * apart[2] > 0
    assert apart[2] < 1e-3


@pytest.mark.parametrize(("n", "total", "reject"), [(10, 36, 11), (0, 12, 4), (20, 20, 7), (15, 40, 3)])
def test_predictive_probability_by_scipy(n, total, reject):
    a, b = 0.7, 1.9
    theirs = [betabinom.sf(reject - x - 1, total - n, a + x, b + n - x) for x in range(n + 1)]
    assert predictive_probability(n, total, reject, (a, b)) == pytest.approx(theirs, abs=1e-12)


RULES = [
    (BetaBinomial((5, 9, 14), "predictive", 0.2, (0.2, 0.8)), Thresholds(0.9, 0.05, 0.95)),
    (BetaBinomial((4, 5, 6, 12), "predictive", (8.0, 32.0), (0.5, 0.5)), Thresholds(0.8, 0.1)),
    (BetaBinomial((5, 10, 15), "posterior", 0.25, (0.5, 1.5), margin=0.1), Thresholds(0.93, 0.08, "final")),
    (BetaBinomial((3, 8, 15), "posterior", (6.0, 14.0), (0.3, 0.7)), Thresholds(0.85, 0.12, 0.97)),
]


@pytest.mark.parametrize("binding", [True, False])
@pytest.mark.parametrize(("rule", "thresholds"), one_in(2, RULES), ids=str)
def test_characteristics_by_following_every_count(rule, thresholds, binding):
    found = with_thresholds(rule, thresholds, 0.2, 0.45, binding).errors
    level = thresholds if binding else Thresholds(thresholds.final, 0.0, thresholds.efficacy)
    reject0, early0, patients0 = naive.characteristics(rule, thresholds, 0.2)
    reject1, early1, patients1 = naive.characteristics(rule, thresholds, 0.45)
    if not binding:
        reject0 = naive.characteristics(rule, level, 0.2)[0]
    theirs = (reject0, reject1, early0, early1, patients0, patients1)
    assert (found.type_i_error, found.power, found.pet_p0, found.pet_p1, found.en_p0, found.en_p1) == pytest.approx(theirs, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.floats(0.05, 0.6),
    st.floats(0.1, 0.35),
    st.floats(0.02, 0.2),
    st.sampled_from(["predictive", "posterior"]),
    st.sampled_from([None, 0.99, 1.0, "final"]),
    st.sampled_from([None, 0.0, 0.03]),
    st.booleans(),
)
def test_found_thresholds_keep_the_error(sizes, p0, gain, alpha, kind, efficacy, futility, binding):
    assume(efficacy != "final" or kind == "posterior")
    n = tuple(int(x) for x in np.cumsum(sizes))
    rule = BetaBinomial(n, kind, p0, (p0, 1 - p0))
    if kind == "posterior" and efficacy == 0.99:
        # rejecting early at a fixed threshold may spend more than alpha whatever the last look does
        early = critical_counts(rule, Thresholds(1.0, futility or 0.0, efficacy))
        assume(stage_probabilities(early, p0, obey_futility=binding)[0][:-1].sum() <= alpha)
    found = find_thresholds(rule, p0, p0 + gain, alpha, 0.8, None, futility, efficacy, binding)
    assert found.errors.type_i_error <= alpha
    assert found.errors == stage_errors(critical_counts(rule, found.thresholds), p0, p0 + gain, binding)
    if futility is not None:
        assert found.thresholds.futility == futility
    elif found.errors.pet_p0 > 0 and efficacy is None:
        assert found.errors.power >= 0.8


@pytest.mark.parametrize("kind", ["predictive", "posterior"])
@pytest.mark.parametrize("binding", [True, False])
def test_found_thresholds_against_all_pairs(kind, binding):
    rule = BetaBinomial((6, 12, 18, 24), kind, 0.2, (0.2, 0.8))
    found = find_thresholds(rule, 0.2, 0.45, 0.1, 0.8, binding=binding)
    best = None
    for final in np.linspace(0.5, 0.999, 60):
        for futility in np.linspace(0, 0.7, 71):
            e = with_thresholds(rule, Thresholds(float(final), float(futility)), 0.2, 0.45, binding).errors
            if e.type_i_error <= 0.1 and e.power >= 0.8 and (best is None or e.en_p0 < best):
                best = e.en_p0
    assert found.errors.type_i_error <= 0.1
    assert found.errors.power >= 0.8
    assert found.errors.en_p0 <= best + 1e-9


def test_a_given_futility_threshold_takes_the_smallest_final_one():
    found = find_thresholds(LEE_LIU, 0.2, 0.4, 0.1, 0.9, futility=0.001)
    assert found.thresholds == Thresholds(0.9, 0.001)
    looser = with_thresholds(LEE_LIU, Thresholds(0.85, 0.001), 0.2, 0.4).errors
    assert looser.type_i_error > 0.1


def test_found_futility_expects_fewer_patients_than_the_published_one():
    published = with_thresholds(LEE_LIU, Thresholds(0.9, 0.001), 0.2, 0.4).errors
    found = find_thresholds(LEE_LIU, 0.2, 0.4, 0.1, 0.9).errors
    assert found.en_p0 < published.en_p0 - 2
    assert found.power >= 0.9
    assert found.type_i_error <= 0.1


def test_without_power_no_look_gives_up():
    found = find_thresholds(LEE_LIU, 0.2, 0.4, 0.05, 0.99)
    assert found.thresholds.futility == 0
    assert set(found.counts.accept[:-1]) == {-1}
    assert found.counts.reject[-1] == rejection_count(36, 0.2, 0.05)


def test_a_given_final_threshold_stays_as_it_is():
    found = find_thresholds(LEE_LIU, 0.2, 0.4, 0.01, 0.9, final=0.87)
    assert found.thresholds.final == 0.87
    assert found.thresholds.futility > 0.001
    assert found.errors.power >= 0.9
    given_both = find_thresholds(LEE_LIU, 0.2, 0.4, 0.01, 0.9, final=0.87, futility=0.123456)
    assert given_both.thresholds == Thresholds(0.87, 0.123456)


def test_ignoring_futility_is_the_trial_without_it():
    counts = critical_counts(LEE_LIU, Thresholds(0.9, 0.05, 0.99))
    without = critical_counts(LEE_LIU, Thresholds(0.9, 0.0, 0.99))
    ignored = stage_probabilities(counts, 0.2, obey_futility=False)[0].sum()
    assert ignored == pytest.approx(stage_probabilities(without, 0.2)[0].sum(), abs=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda: BetaBinomial((5, 5), "predictive", 0.2, (1.0, 1.0)),
        lambda: BetaBinomial((5, 9), "frequentist", 0.2, (1.0, 1.0)),
        lambda: BetaBinomial((5, 9), "predictive", 0.2, (0.0, 1.0)),
        lambda: BetaBinomial((5, 9), "predictive", 1.0, (1.0, 1.0)),
        lambda: BetaBinomial((5, 9), "predictive", (1.0, float("nan")), (1.0, 1.0)),
        lambda: BetaBinomial((5, 9), "predictive", 0.2, (1.0, 1.0), margin=0.1),
        lambda: critical_counts(LEE_LIU, Thresholds(1.2)),
        lambda: critical_counts(LEE_LIU, Thresholds(0.9, float("nan"))),
        lambda: critical_counts(LEE_LIU, Thresholds(0.9, 0.1, "final")),
        lambda: find_thresholds(BetaBinomial((5, 9), "posterior", 0.2, (1.0, 1.0)), 0.2, 0.4, 0.01, 0.8, efficacy=0.5),
    ],
)
def test_refuses(call):
    with pytest.raises(InputError, match="allowed"):
        call()
