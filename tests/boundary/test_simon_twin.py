"""Level: twin. The search against trying every design."""

import pytest

from sim.boundary.simon import admissible, simon
from tests.boundary import naive_simon as naive


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "power", "n_max"), [(0.1, 0.45, 0.05, 0.8, 22), (0.3, 0.7, 0.1, 0.9, 20), (0.5, 0.85, 0.025, 0.8, 24)]
)
def test_optimal_and_minimax(p0, p1, alpha, power, n_max):
    every = list(naive.all_designs(p0, p1, alpha, 1 - power, n_max))
    optimal = simon(p0, p1, alpha, power, "optimal", n_max)
    minimax = simon(p0, p1, alpha, power, "minimax", n_max)
    best = min(every)
    fewest = min(every, key=lambda design: (design[4], design[0]))
    assert (optimal.r1, optimal.n1, optimal.r, optimal.n) == best[1:]
    assert optimal.en_p0 == pytest.approx(best[0], rel=1e-12)
    assert (minimax.r1, minimax.n1, minimax.r, minimax.n) == fewest[1:]


def test_admissible_designs_minimise_their_weighted_sum():
    every = list(naive.all_designs(0.1, 0.45, 0.05, 0.2, 22))
    for a in admissible(0.1, 0.45, 0.05, 0.8, 22):
        q = (a.q_low + a.q_high) / 2
        least = min(q * design[4] + (1 - q) * design[0] for design in every)
        assert q * a.design.n + (1 - q) * a.design.en_p0 == pytest.approx(least, rel=1e-12)
