"""Level: reference. Every row of the graph families: decisions exactly, weights and adjusted p-values to 1e-12, levels to 1e-6 in z."""

import numpy as np
import pytest

from sim.multiplicity.graph import Graph
from sim.validation import graph as family
from sim.validation import graph_sequential
from sim.validation.reading import rows, vector


@pytest.mark.parametrize("row", rows("graph"), ids=lambda row: row.id)
def test_graph(row):
    checks = family.checks([row])
    assert checks
    assert [c for c in checks if not c.passed] == []


@pytest.mark.parametrize("row", rows("graph_gs"), ids=lambda row: row.id)
def test_graph_at_several_looks(row):
    checks = graph_sequential.checks([row])
    assert checks
    assert [c for c in checks if not c.passed] == []


def test_a_wrong_row_is_seen():
    row = rows("graph")[0].copy()
    row["adjusted_p"] = ";".join(str(x + 1e-9) for x in vector(row.adjusted_p))
    assert not all(c.passed for c in family.checks([row]))
    assert Graph((1.0,), ((0.0,),)).adjusted_p(np.array([0.3])) == (0.3,)
