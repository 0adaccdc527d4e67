"""What is said of a stated effect: formula and simulation are compared in what decides, patients or events."""

import pandas as pd
import pytest

from sim.app.tasks.effect_told import sentences
from sim.effect_summary import effect_summary
from tests.contract.building import study


@pytest.mark.parametrize(
    ("sizes", "said", "unsaid"),
    [
        (
            {"n": 58, "n_schoenfeld": 59, "events_schoenfeld": 38},
            "38 events and 59 patients; simulated 58 patients; the difference is -1:",
            None,
        ),
        # places that never run out are no size
        ({"n": 323, "events_needed": 135, "events_schoenfeld": 142}, "142 events; simulated 135 events; the difference is -7:", "patients"),
    ],
)
def test_formula_and_simulation_are_compared_in_what_decides(sizes, said, unsaid):
    asked = study("scenarios=phase2_randomised_pfs")
    (cell,) = asked.cells
    rows = [{"cell": cell.name, "look": 0, "metric": metric, "estimate": float(value)} for metric, value in sizes.items()]
    (line,) = sentences(asked, effect_summary(cell.trial).assign(cell=cell.name), pd.DataFrame(rows))
    assert said in line
    assert unsaid is None or unsaid not in line
