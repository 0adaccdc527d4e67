"""Level: reference. Published power, average hazard ratios and expected events under delayed, crossing and waning effects.

Tolerances and their reasons stand in sim/validation/nph.py.
"""

from types import SimpleNamespace

import pytest

from sim.statistic.analytic.weights import FlemingHarrington, ModestlyWeighted
from sim.validation import nph
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = [row for row in rows("nph") if not nph.kind(row).startswith("maxcombo")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row(row):
    checks = nph.checks([row])
    hold(checks)
    (power,) = [c.tolerance for c in checks if c.quantity.startswith("power")] or [0]
    own = row.package == "lrstat" or row.function.startswith("fixed_design_ahr")
    weighted = 3e-4 if row.package == "gsDesign2" else 1e-3
    assert power <= (1e-9 if own else weighted if nph.kind(row) == "weighted log-rank" else 1e-5)


def test_every_row_has_a_computation():
    assert all(nph.kind(row) for row in rows("nph"))


def test_weights_by_their_names():
    def of(test):
        return nph.weight(SimpleNamespace(test=test, change_time=1.5))

    assert of("FH(0.5,0.5)") == FlemingHarrington(0.5, 0.5)
    assert of("fh01") == of("fh01_h1_info") == FlemingHarrington(0, 1)
    assert of("weighted logrank FH_p0_q1") == FlemingHarrington(1, 0)
    assert of("mb") == of("mb_h1_info") == ModestlyWeighted(1.5)
    assert of("maxcombo3") is None
