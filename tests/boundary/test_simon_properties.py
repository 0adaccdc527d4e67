"""Level: properties. What must hold of every two-stage design."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sim.boundary.exact_binomial import smallest_n
from sim.boundary.simon import admissible, best_with_n, simon, two_stage
from sim.kernels.simon import binomial_tables
from sim.types import InputError

QUESTION = st.tuples(st.floats(0.05, 0.6), st.floats(0.2, 0.35), st.sampled_from([0.025, 0.05, 0.1]), st.sampled_from([0.8, 0.9]))


@given(question=QUESTION)
@settings(max_examples=25, deadline=None)
def test_errors_are_kept_and_no_larger_n_is_better(question):
    p0, width, alpha, power = question
    p1 = p0 + width
    designs = [a.design for a in admissible(p0, p1, alpha, power)]
    for d in designs:
        assert d.type_i_error <= alpha * (1 + 1e-12)
        assert d.power >= power * (1 - 1e-12)
        assert d.n1 < d.en_p0 < d.en_p1 < d.n
    assert [d.n for d in designs] == sorted(d.n for d in designs)
    assert [d.en_p0 for d in designs] == sorted((d.en_p0 for d in designs), reverse=True)
    # the proved end of the search against a search far beyond it
    assert designs[-1] == simon(p0, p1, alpha, power, "optimal", n_max=3 * designs[-1].n)


@given(question=QUESTION)
@settings(max_examples=25, deadline=None)
def test_weights_cover_zero_to_one_without_gaps(question):
    p0, width, alpha, power = question
    found = admissible(p0, p0 + width, alpha, power)
    assert found[0].q_high == 1
    assert found[-1].q_low == 0
    assert all(a.q_low == b.q_high and a.q_low < a.q_high for a, b in itertools.pairwise(found))


def test_large_designs_are_found_and_larger_ones_refused():
    # what a search without bounds finds, in half a minute or more
    designs = [a.design for a in admissible(0.45, 0.50, 0.05, 0.80)]
    ends = [(d.r1, d.n1, d.r, d.n) for d in (designs[0], designs[5], designs[-1])]
    assert ends == [(194, 428, 297, 616), (116, 254, 320, 667), (117, 252, 359, 753)]
    for d in designs:
        assert d.type_i_error <= 0.05
        assert d.power >= 0.8
    with pytest.raises(InputError, match="with at most 1,500 patients none meets both errors; allowed: rates that are further apart"):
        admissible(0.45, 0.46)
    with pytest.raises(InputError, match="with at most 1,500 patients a larger one may expect fewer under the null"):
        admissible(0.05, 0.068)
    with pytest.raises(InputError, match="n_max is 1501; allowed: 2 to 1,500"):
        admissible(0.1, 0.3, n_max=1501)
    with pytest.raises(InputError, match="n is 1501; allowed: up to 1,500"):
        best_with_n(1501, 0.1, 0.3)


def test_a_first_stage_that_never_stops_early_is_the_single_stage_design():
    single = smallest_n(0.2, 0.4, 0.05, 0.8, rule="first")
    design = two_stage(0, 30, single.r - 1, single.n, 0.2, 0.4)
    assert design.type_i_error == pytest.approx(single.type_i_error, abs=0.8**30)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.97])
def test_tables_against_scipy(p):
    mass, tail = np.empty((151, 152)), np.empty((151, 152))
    binomial_tables(p, mass, tail)
    for m in (0, 1, 17, 150):
        x = np.arange(m + 1)
        assert mass[m, : m + 1] == pytest.approx(binom.pmf(x, m, p), rel=1e-10, abs=1e-300)
        assert tail[m, : m + 1] == pytest.approx(binom.sf(x - 1, m, p), rel=1e-10, abs=1e-300)


@pytest.mark.parametrize(
    "call",
    [
        lambda: simon(0.3, 0.3),
        lambda: simon(0.0, 0.3),
        lambda: simon(0.3, 0.5, 1.0),
        lambda: simon(0.3, 0.5, 0.05, 0.0),
        lambda: simon(0.3, 0.5, kind="best"),
        lambda: simon(0.3, 0.35, n_max=30),
        lambda: simon(0.3, 0.5, n_max=1),
        lambda: two_stage(5, 5, 6, 10, 0.3, 0.5),
        lambda: two_stage(-1, 5, 6, 10, 0.3, 0.5),
        lambda: two_stage(3, 5, 2, 10, 0.3, 0.5),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(InputError, match="allowed"):
        call()
