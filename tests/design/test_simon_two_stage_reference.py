"""Level: reference. Simon's two stages: the published designs, and simulated trials against their exact operating characteristics."""

import math

import numpy as np
import pytest

from sim.accrual import UniformAccrual
from sim.design.design import REJECT, STOP_FUTILITY
from sim.design.simon_two_stage import SimonTwoStage
from sim.effect import NoEffect, ResponseRateChange
from sim.engine import simulate
from sim.followup import NoDropout
from sim.oc import Subject, operating_characteristics
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.sizing import size
from sim.trial import Trial, final_rows
from sim.types import InputError
from tests.reference.read import rows

N_SIM = 40_000


def trial(p0=0.1, p1=0.3, effect=True, **design):
    population = PiecewiseExponential(medians=(2.8,), response_rates=(p0,))
    return Trial(
        population,
        UniformAccrual(rate=4.0),
        NoDropout(),
        ResponseRateChange(p1 - p0) if effect else NoEffect(),
        SimonTwoStage(**{"difference": p1 - p0, **design}),
    )


@pytest.mark.parametrize(
    # Simon 1989, tables 1 and 2: alpha .05, power .80 and alpha .10, power .90
    ("p0", "p1", "alpha", "power", "kind", "expected"),
    [
        (0.05, 0.25, 0.05, 0.8, "optimal", (0, 9, 2, 17)),
        (0.05, 0.25, 0.05, 0.8, "minimax", (0, 12, 2, 16)),
        (0.10, 0.30, 0.05, 0.8, "optimal", (1, 10, 5, 29)),
        (0.10, 0.30, 0.05, 0.8, "minimax", (1, 15, 5, 25)),
        (0.10, 0.30, 0.10, 0.9, "optimal", (1, 12, 5, 35)),
        (0.10, 0.30, 0.10, 0.9, "minimax", (1, 16, 4, 25)),
    ],
)
def test_published_designs(p0, p1, alpha, power, kind, expected):
    made = trial(p0, p1, alpha=alpha, power=power, kind=kind)
    s = made.design.stages(made.population)
    assert (s.r1, s.n1, s.r, s.n) == expected
    assert made.plan.n == s.n


@pytest.mark.parametrize("row", [r for r in rows("simon_two_stage") if r["package"] == "clinfun"][::6], ids=lambda r: r["id"])
def test_reference_rows(row):
    p0, p1, alpha, power = (float(row[k]) for k in ("p0", "p1", "alpha", "beta"))
    weight = 0.5
    if row["design"] == "admissible":
        weight = (float(row["q_lo"]) + float(row["q_hi"])) / 2
    made = trial(p0, p1, alpha=alpha, power=1 - power, kind=row["design"], weight=weight)
    s = made.design.stages(made.population)
    assert (s.r1, s.n1, s.r, s.n) == tuple(int(row[k]) for k in ("r1", "n1", "r", "n"))
    # and the design of that n is found again from n alone
    assert made.with_n(s.n).design.stages(made.population) == s


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize(
    "design", [{}, {"kind": "minimax"}, {"kind": "given", "r1": 2, "n1": 13, "r": 6, "n": 34}], ids=["optimal", "minimax", "given"]
)
def test_simulated_against_exact(design, effect):
    made = trial(effect=effect, **design)
    s = made.design.stages(made.population)
    pet, en, rejects = (s.pet_p1, s.en_p1, s.power) if effect else (s.pet_p0, s.en_p0, s.type_i_error)
    replicates = simulate(made, N_SIM, seed=11)
    rejection, suffix = ("power", "") if effect else ("type_i_error", "_no_effect")
    table = {(r["metric"], r["look"]): r["estimate"] for r in operating_characteristics(Subject("s", "c", "ORR", rejection), replicates, 2)}
    for metric, exact in ((rejection, rejects), (f"early_futility{suffix}", pet)):
        assert abs(table[metric, 0] - exact) < 4 * math.sqrt(exact * (1 - exact) / N_SIM), metric
    assert abs(table[f"expected_n{suffix}", 0] - en) < 4 * (s.n - s.n1) * math.sqrt(pet * (1 - pet) / N_SIM)


def test_each_decision_by_the_counts():
    made = trial(effect=True)
    s = made.design.stages(made.population)
    found = simulate(made, 3_000, seed=2).rows
    first, second = found[found["look"] == 1], found[found["look"] == 2]
    np.testing.assert_array_equal(first["decision"] == STOP_FUTILITY, first["events"] <= s.r1)
    np.testing.assert_array_equal(second["decision"] == REJECT, second["events"] > s.r)
    assert (first["enrolled"] == s.n1).all()
    assert (second["enrolled"] == s.n).all()
    assert set(second["replicate"]) == set(first["replicate"][first["decision"] == 0])
    assert (found["rejects_ignoring_stops"] == np.where(found["decision"] == REJECT, found["look"], 0)).all()


def test_accrual_that_goes_on_enrols_more_and_is_over_sooner():
    halting, going_on = (final_rows(simulate(trial(pause=pause, assessment=3.0), 3_000, seed=2).rows) for pause in (True, False))
    np.testing.assert_array_equal(halting["decision"], going_on["decision"])
    stopped = going_on["look"] == 1
    # four patients a month enter while the responses of the first stage ripen over three months
    assert abs(going_on["enrolled"][stopped].mean() - 10 - 12) < 4 * math.sqrt(12 / stopped.sum())
    np.testing.assert_allclose(halting["month"][~stopped] - going_on["month"][~stopped], 3.0, atol=1e-12)
    np.testing.assert_array_equal(halting["month"][stopped], going_on["month"][stopped])


def test_not_evaluable_patients_count_as_nonresponders():
    made = trial(0.3, 0.5, effect=False, not_evaluable_share=0.1)
    s = made.design.stages(made.population)
    assert (s.p0, s.p1) == pytest.approx((0.27, 0.45))
    found = final_rows(simulate(made, N_SIM, seed=4).rows)
    share = (found["decision"] == REJECT).mean()
    assert abs(share - s.type_i_error) < 4 * math.sqrt(s.type_i_error / N_SIM)


def test_sizing_is_the_design():
    answer = size(trial(), 0.8, None, 1)
    assert (answer.n, answer.exact) == (29, True)
    assert all(p.power.value >= 0.5 for p in answer.curve)
    with pytest.raises(InputError, match="same power"):
        size(trial(), 0.9, None, 1)
    with pytest.raises(InputError, match="fixed"):
        size(trial(kind="given", r1=2, n1=13, r=6, n=34), 0.8, None, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "best"},
        {"kind": "given"},
        {"r1": 1},
        {"kind": "given", "r1": 5, "n1": 4, "r": 6, "n": 30},
        {"n": 12},
        {"alternative_rate": 0.05},
        {"power": 0.01},
        {"null_rate": 1.0},
        {"null_rate": "published"},
        {"weight": 1.5},
        {"not_evaluable_share": -0.1},
        {"assessment": -1.0},
    ],
)
def test_refuses(wrong):
    with pytest.raises(InputError) as error:
        trial(**wrong)
    assert "allowed" in str(error.value)
    assert "\n" not in str(error.value)
