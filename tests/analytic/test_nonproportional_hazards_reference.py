"""Level: reference. Published power, average hazard ratios and expected events under delayed, crossing and waning effects.

Tolerances and their reasons stand in sim/validation/nph.py.
"""

import pytest

from sim.validation import nph
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = [row for row in rows("nph") if nph.kind(row) not in ("", "maxcombo")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row(row):
    checks = nph.checks([row])
    hold(checks)
    (power,) = [c.tolerance for c in checks if c.quantity.startswith("power")] or [0]
    own = row.package == "lrstat" or row.function.startswith("fixed_design_ahr")
    assert power <= (1e-9 if own else 1e-3 if nph.kind(row) == "weighted log-rank" else 1e-5)


def test_every_row_has_a_computation_or_a_reason():
    for row in rows("nph"):
        assert bool(nph.kind(row)) != bool(nph.not_computed(row)), row.id
