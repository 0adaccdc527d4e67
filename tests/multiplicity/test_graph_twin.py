"""Level: twin. Random graphs against the closed test in exact fractions; several looks against looks of one trial walked by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.boundary.recursive_integration import efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock, UserSpending
from sim.multiplicity.graph import Graph, fixed_sequence, hochberg, holm, split
from sim.multiplicity.sequential import SequentialGraph
from sim.types import InputError
from tests.multiplicity import naive_graph

TWELFTHS = st.integers(0, 12)


@st.composite
def graphs(draw):
    """Weights and transitions in twelfths, as fractions."""
    h = draw(st.integers(1, 5))

    def part(n):
        left, out = 12, []
        for _ in range(n):
            out.append(min(draw(TWELFTHS), left))
            left -= out[-1]
        return out

    weights = [Fraction(x, 12) for x in part(h)]
    rows = []
    for i in range(h):
        row = part(h - 1)
        row.insert(i, 0)
        rows.append([Fraction(x, 12) for x in row])
    return weights, rows


P = st.one_of(st.floats(1e-6, 0.06), st.sampled_from([0.0, 0.0125, 0.025, 1.0]))


def made(weights, rows):
    return Graph(tuple(map(float, weights)), tuple(tuple(map(float, row)) for row in rows))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(graphs(), st.data())
def test_the_short_cut_is_the_closed_test(graph, data):
    weights, rows = graph
    p = [data.draw(P) for _ in weights]
    levels = {float(w) * 0.025 for w in naive_graph.weights_of(weights, rows, set(range(len(p))))}
    # in fractions a level is exact, in doubles it has a slack of 1e-12: no p lies that near to one but on it
    if any(0 < abs(x - level) < 1e-9 for x in p for level in levels):
        return
    assert made(weights, rows).rejected(p, 0.025) == naive_graph.closed(weights, rows, p, 0.025 + 1e-13)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(graphs(), st.data())
def test_the_order_of_rejections_does_not_matter(graph, data):
    first = made(*graph)
    out = data.draw(st.permutations(range(len(first.weights))))
    done = 0
    for i in out:
        first, done = first.without(i), done | 1 << i
        np.testing.assert_allclose(first.weights, made(*graph).weights_by_rejections()[done], atol=1e-12)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(graphs(), st.data())
def test_an_adjusted_p_is_the_level_at_which_it_is_rejected(graph, data):
    first = made(*graph)
    p = [data.draw(st.floats(1e-4, 0.9)) for _ in first.weights]
    for i, adjusted in enumerate(first.adjusted_p(p)):
        if adjusted < 1:
            assert first.rejected(p, adjusted * (1 + 1e-9))[i]
            assert not first.rejected(p, adjusted * (1 - 1e-6))[i]


def test_named_procedures():
    assert holm(3).rejected([0.01, 0.012, 0.04], 0.05) == (True, True, True)
    assert holm(1).rejected([0.04], 0.05) == (True,)
    assert fixed_sequence(3).rejected([0.01, 0.06, 0.001], 0.05) == (True, False, False)
    assert split((0.2, 0.8)).rejected([0.011, 0.039], 0.05) == (False, True)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=5))
def test_hochberg(p):
    assert tuple(hochberg(np.array([p]), 0.05)[0]) == naive_graph.hochberg(p, 0.05 + 5e-13)


def by_hand(plan, z):
    """One trial, look by look: reject whatever the current weights reject, until nothing more is."""
    graph, h = plan.graph, z.shape[1]
    at = [0] * h
    for look in range(z.shape[0]):
        while True:
            now = []
            for i in range(h):
                fractions = plan.information[i]
                if at[i] or graph.weights[i] <= 0:
                    continue
                bounds = efficacy_bounds(fractions, graph.weights[i] * plan.alpha, plan.spending[i])
                looks = range(look + 1) if plan.retest_past_looks else [look]
                if any(k < len(fractions) and z[k, i] >= bounds[k] for k in looks):
                    now.append(i)
            if not now:
                break
            at[now[-1]] = look + 1
            graph = graph.without(now[-1])
    return at


@pytest.mark.parametrize("retest", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_several_looks_against_one_trial_at_a_time(seed, retest):
    rng = np.random.default_rng(seed)
    graph = Graph((0.2, 0.5, 0.3), ((0.0, 0.7, 0.3), (0.5, 0.0, 0.5), (0.4, 0.6, 0.0)))
    spending = (LanDeMetsOBrienFleming(), LanDeMetsPocock(), HwangShihDeCani(-2.0))
    plan = SequentialGraph(graph, 0.025, spending, ((0.4, 0.7, 1.0), (0.5, 1.0), (0.3, 0.6, 1.0)), retest)
    z = rng.normal(1.8, 1.0, size=(60, 3, 3))
    z[:, 2, 1] = np.nan
    assert plan.rejected_at(z).tolist() == [by_hand(plan, one) for one in z]


def test_refusals():
    good = {"graph": holm(2), "alpha": 0.025, "spending": (LanDeMetsOBrienFleming(),) * 2, "information": ((0.5, 1.0),) * 2}
    for changes, words in (
        ({"alpha": 0.7}, "alpha is 0.7"),
        ({"information": ((1.0,),)}, "rows of information"),
    ):
        with pytest.raises(InputError, match=words):
            SequentialGraph(**{**good, **changes})
    for weights, rows, words in (
        ((0.6, 0.6), ((0, 1), (1, 0)), "sum of 1"),
        ((0.5, 0.5), ((0, 1.2), (1, 0)), "row 1"),
        ((0.5, 0.5), ((0.5, 0.5), (1, 0)), "itself"),
        ((0.5, 0.5), ((0, 1),), "rows of transitions"),
        ((-0.1, 0.5), ((0, 1), (1, 0)), "from 0"),
    ):
        with pytest.raises(InputError, match=words):
            Graph(weights, rows)


def test_a_spending_function_whose_levels_fall_with_the_weight_is_refused():
    falls = UserSpending((0.5, 1.0), (1.0, 1.0))

    class Falling(UserSpending):  # spends all at once with little, nothing early with much
        def spent(self, fraction, error):
            return falls.spent(fraction, error) * (1.0 if error < 0.01 else 0.01) + (
                0 if error < 0.01 else 0.99 * error * (np.asarray(fraction) >= 1)
            )

    with pytest.raises(InputError, match="do not rise with its weight"):
        SequentialGraph(holm(2), 0.025, (Falling((0.5, 1.0), (1.0, 1.0)),) * 2, ((0.5, 1.0),) * 2)
