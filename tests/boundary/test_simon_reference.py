"""Level: reference. Every published set of admissible designs: r1, n1, r, n to the unit, probabilities to 1e-12, expected patients to 1e-11.

lrstat looks only at n1 between 0.15 n and 0.85 n, so a design of ours with n1 outside may stand before its; clinfun prints q to 3 digits.
"""

import pytest

from sim.boundary.simon import simon
from sim.validation import simon as validation
from tests.reference.read import rows
from tests.validation.holding import hold

ROWS = rows("simon_two_stage")


@pytest.mark.parametrize("question", validation.questions(ROWS), ids=lambda question: question[0].id)
def test_every_question(question):
    checks = validation.checks(question)
    hold(checks)
    assert {c.id for c in checks} == {row.id for row in question}
    # the whole set of designs, with n bounded and unbounded
    sets = [c for c in checks if c.quantity.startswith("all designs")]
    assert len(sets) == 2
    assert {c.tolerance for c in sets} == {0}
    assert all(c.tolerance <= (0.0005 if "q" in c.quantity else 1e-11) for c in checks)


def test_every_row_is_in_one_question():
    assert sum(len(question) for question in validation.questions(ROWS)) == len(ROWS) == 167


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
