"""Single-stage exact binomial designs: n and r to the unit, error rates to 1e-12 (both sums are exact to rounding)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from sim.boundary.exact_binomial import smallest_n
from sim.validation.check import Check, Reference, compare

FAMILY = "single_stage_exact"
DEFINITIONS: dict[str, dict[str, Any]] = {
    "smallest n with exact power >= 1-beta": {"rule": "first"},
    "smallest n with both error rates met": {"rule": "first"},
    "smallest n whose power stays >= 1-beta for the next 10 n": {"rule": "stays", "window": 10},
}
_against = partial(compare, FAMILY)


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold n, r, the exact type I error and the exact power against the rows."""
    return [check for row in rows if row.definition in DEFINITIONS for check in _row(row)]


def _row(row: Reference) -> list[Check]:
    found = smallest_n(row.p0, row.p1, row.alpha, 1 - row.beta, **DEFINITIONS[row.definition])
    out = [
        _against(row, "patients n, reject from r", (row.n, row.r_reject_at_least), (found.n, found.r), note=row.definition),
        _against(row, "type I error", row.type1_exact, found.type_i_error, absolute=1e-12),
        _against(row, "power", row.power_exact, found.power, absolute=1e-12),
    ]
    if math.isfinite(row.reported_power):
        # lrstat prints its own sums beside the exact ones
        out.append(_against(row, "type I error as printed", row.reported_type1, found.type_i_error, absolute=1e-12))
        out.append(_against(row, "power as printed", row.reported_power, found.power, absolute=1e-12))
    return out
