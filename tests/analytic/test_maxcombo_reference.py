"""Level: reference. Published MaxCombo designs (gsDesign2); their integrator is randomised and leaves 3 to 4 digits.

Three weights are FH(0,0), (0,1), (1,0); four add (1,1).
"""

import pytest

from sim.validation import nph
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = [row for row in rows("nph") if nph.kind(row).startswith("maxcombo")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_power_and_level(row):
    checks = nph.checks([row])
    hold(checks)
    found = {c.quantity.split()[0]: c.tolerance for c in checks}
    # beside what every row of the file tells of its plan
    assert {k: v for k, v in found.items() if k in ("power", "level", "critical")} == {"power": 1e-3, "level": 2e-4} | (
        {"critical": 1e-3} if nph.kind(row) == "maxcombo looks" else {}
    )


def test_rows_of_both_kinds():
    assert {row.test for row in ROWS} == {"maxcombo3", "maxcombo4", "log-rank at look 1; FH(0,0)+FH(0,1) at look 2"}
