"""Simon's two-stage designs: minimax, admissible, optimal.

r1, n1, r, n to the unit, probabilities to 1e-12, expected patients to 1e-11. lrstat looks only at n1 between 0.15 n and 0.85 n, so a
design with n1 outside may stand before its own; clinfun prints q to 3 digits.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

from sim.boundary.simon import admissible, two_stage
from sim.validation.check import Check, Reference, compare

FAMILY = "simon_two_stage"
_against = partial(compare, FAMILY)


def questions(rows: Sequence[Reference]) -> list[list[Reference]]:
    """Return the rows by question: package, rates and error rates."""
    return [list(group) for _, group in itertools.groupby(rows, key=lambda row: (row.package, row.p0, row.p1, row.alpha, row.beta))]


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold the exact characteristics of each design, and the whole set of each question, against the rows."""
    out = [check for row in rows for check in _characteristics(row)]
    return out + [check for question in questions(rows) for bounded in (True, False) for check in _designs(question, bounded)]


def _designs(question: list[Reference], bounded: bool) -> list[Check]:
    row = question[0]
    found = admissible(row.p0, row.p1, row.alpha, 1 - row.beta, row.nmax if bounded else None)
    # a design that is both minimax and optimal is printed twice
    published = list(dict.fromkeys((row.r1, row.n1, row.r, row.n) for row in question))
    ours = [(a.design.r1, a.design.n1, a.design.r, a.design.n) for a in found]
    note = f"{len(published)} designs, n at most {row.nmax:g}" if bounded else f"{len(published)} designs, n unbounded"
    if row.package == "lrstat":
        ours = [design for design in ours if 0.15 * design[3] <= design[1] <= 0.85 * design[3]]
        note += "; n1 from 0.15 n to 0.85 n, as lrstat searches"
    out = [_against(row, "all designs (r1, n1, r, n)", list(itertools.chain(*published)), list(itertools.chain(*ours)), note=note)]
    if len(ours) == len(found) > 1:
        # where lrstat's search leaves nothing out the weights are those of the same designs
        low, high = [r.q_lo for r in question], [r.q_hi for r in question]
        near = 0.0005 if row.package == "clinfun" else 1e-9
        out.append(_against(row, "weights q, from", low, [a.q_low for a in found], absolute=near, note=note))
        out.append(_against(row, "weights q, to", high, [a.q_high for a in found], absolute=near, note=note))
    return out


def _characteristics(row: Reference) -> list[Check]:
    design = two_stage(row.r1, row.n1, row.r, row.n, row.p0, row.p1)
    out = [
        _against(row, "type I error", row.type1_exact, design.type_i_error, absolute=1e-12),
        _against(row, "power", row.power_exact, design.power, absolute=1e-12),
        _against(row, "early stop at p0", row.pet_p0, design.pet_p0, absolute=1e-12),
        _against(row, "expected patients at p0", row.en_p0, design.en_p0, absolute=1e-11),
    ]
    if row.pet_p1 == row.pet_p1:
        out.append(_against(row, "early stop at p1", row.pet_p1, design.pet_p1, absolute=1e-12))
        out.append(_against(row, "expected patients at p1", row.en_p1, design.en_p1, absolute=1e-11))
    return out
