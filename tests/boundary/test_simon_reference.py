"""Level: reference. Every published set of admissible designs: r1, n1, r, n to the unit, probabilities to 1e-12, expected patients to 1e-11.

lrstat looks only at n1 between 0.15 n and 0.85 n, so a design of ours with n1 outside may stand before its; clinfun prints q to 3 digits.
"""

import itertools

import pytest

from sim.boundary.simon import admissible, simon, two_stage
from tests.reference.read import rows

ROWS = rows("simon_two_stage")
QUESTIONS = [list(group) for _, group in itertools.groupby(ROWS, key=lambda row: (row.package, row.p0, row.p1, row.alpha, row.beta))]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[0].id)
@pytest.mark.parametrize("bounded", [True, False])
def test_admissible_designs(question, bounded):
    row = question[0]
    found = admissible(row.p0, row.p1, row.alpha, 1 - row.beta, row.nmax if bounded else None)
    # a design that is both minimax and optimal is printed twice
    published = list(dict.fromkeys((row.r1, row.n1, row.r, row.n) for row in question))
    ours = [(a.design.r1, a.design.n1, a.design.r, a.design.n) for a in found]
    if row.package == "lrstat":
        ours = [design for design in ours if 0.15 * design[3] <= design[1] <= 0.85 * design[3]]
    assert ours == published
    if row.package == "clinfun" and len(found) > 1:
        assert [a.q_low for a in found] == pytest.approx([row.q_lo for row in question], abs=0.0005)
        assert [a.q_high for a in found] == pytest.approx([row.q_hi for row in question], abs=0.0005)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_exact_characteristics(row):
    design = two_stage(row.r1, row.n1, row.r, row.n, row.p0, row.p1)
    assert (design.pet_p0, design.type_i_error, design.power) == pytest.approx((row.pet_p0, row.type1_exact, row.power_exact), abs=1e-12)
    assert design.en_p0 == pytest.approx(row.en_p0, abs=1e-11)
    if row.pet_p1 == row.pet_p1:
        assert design.pet_p1 == pytest.approx(row.pet_p1, abs=1e-12)
        assert design.en_p1 == pytest.approx(row.en_p1, abs=1e-11)


@pytest.mark.parametrize(
    ("rates", "optimal", "minimax"),
    [
        # Simon 1989, tables 1 and 2, alpha 0.05, beta 0.20
        ((0.10, 0.30), (1, 10, 5, 29), (1, 15, 5, 25)),
        ((0.20, 0.40), (3, 13, 12, 43), (4, 18, 10, 33)),
        ((0.30, 0.50), (5, 15, 18, 46), (6, 19, 16, 39)),
    ],
)
def test_printed_tables(rates, optimal, minimax):
    for kind, expected in (("optimal", optimal), ("minimax", minimax)):
        design = simon(*rates, 0.05, 0.80, kind)
        assert (design.r1, design.n1, design.r, design.n) == expected
