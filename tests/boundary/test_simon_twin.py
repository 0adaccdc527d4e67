"""Level: twin. The search against trying every design."""

import numpy as np
import pytest

from sim.boundary.simon import admissible, best_with_n, simon
from sim.types import InputError
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


@pytest.mark.parametrize("seed", range(4))
def test_every_n_of_random_questions(seed):
    # the search for one n starts from nothing, that over n from the best so far, and leaves out n that no test can serve
    random = np.random.default_rng(seed)
    p0, alpha, power = random.uniform(0.02, 0.5), random.choice([0.01, 0.05, 0.2]), random.choice([0.6, 0.8, 0.9])
    p1, n_max = p0 + random.uniform(0.2, 0.45), 18
    every = list(naive.all_designs(p0, p1, alpha, 1 - power, n_max))
    for n in range(2, n_max + 1):
        of_n = [design for design in every if design[4] == n]
        if of_n:
            found = best_with_n(n, p0, p1, alpha, power)
            assert found.en_p0 == pytest.approx(min(of_n)[0], rel=1e-12)
            assert (found.r1, found.n1, found.r) in [design[1:4] for design in of_n if design[0] == pytest.approx(min(of_n)[0], rel=1e-12)]
        else:
            with pytest.raises(InputError, match=f"n is {n}: no design"):
                best_with_n(n, p0, p1, alpha, power)
    if every:
        hull = admissible(p0, p1, alpha, power, n_max)
        assert hull[-1].design.en_p0 == pytest.approx(min(every)[0], rel=1e-12)
        assert hull[0].design.n == min(design[4] for design in every)


def test_admissible_designs_minimise_their_weighted_sum():
    every = list(naive.all_designs(0.1, 0.45, 0.05, 0.2, 22))
    for a in admissible(0.1, 0.45, 0.05, 0.8, 22):
        q = (a.q_low + a.q_high) / 2
        least = min(q * design[4] + (1 - q) * design[0] for design in every)
        assert q * a.design.n + (1 - q) * a.design.en_p0 == pytest.approx(least, rel=1e-12)
