"""Long verification: P(any true null rejected) of normal statistics for every set of true nulls of a graph (definitions 32)."""

from itertools import combinations

import numpy as np
import pytest

from sim.boundary.spending import LanDeMetsOBrienFleming, LanDeMetsPocock
from sim.multiplicity.graph import Graph
from sim.multiplicity.sequential import SequentialGraph

pytestmark = pytest.mark.verify

DRAWS = 200_000
GRAPH = Graph((0.5, 0.5, 0.0, 0.0), ((0.0, 0.5, 0.5, 0.0), (0.5, 0.0, 0.0, 0.5), (0.0, 1.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)))
LOOKS = ((0.5, 1.0),) * 4
PLAN = SequentialGraph(GRAPH, 0.025, (LanDeMetsOBrienFleming(), LanDeMetsPocock()) * 2, LOOKS)
SETS = [s for size in range(1, 5) for s in combinations(range(4), size)]


@pytest.mark.parametrize("null", SETS, ids=str)
@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_familywise_error(null, correlation):
    rng = np.random.default_rng(sum(1 << i for i in null))
    across = np.full((4, 4), correlation) + (1 - correlation) * np.eye(4)
    stage = rng.multivariate_normal(np.zeros(4), across, size=(DRAWS, 2))
    z = np.stack([stage[:, 0], (stage[:, 0] + stage[:, 1]) / np.sqrt(2)], axis=1)
    drift = np.where(np.isin(np.arange(4), null), 0.0, 4.5)  # the others have power above .9
    z += drift * np.sqrt(np.array(LOOKS[0]))[:, None]
    at = PLAN.rejected_at(z)
    any_true = (at[:, list(null)] > 0).any(axis=1).mean()
    assert any_true <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / DRAWS)
    others = [i for i in range(4) if i not in null]
    if others:
        assert (at[:, others] > 0).mean(axis=0).min() > 0.9 or any(GRAPH.weights[i] == 0 for i in others)
