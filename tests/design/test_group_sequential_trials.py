"""Level: reference and twin. Whole group-sequential trials: rows of other simulators, and futility applied by hand to trials without it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.boundary.futility import BetaSpending, ConditionalPower, FixedHazardRatio, FixedZ, PredictivePower
from sim.boundary.shapes import HaybittlePeto, OBrienFleming, Pocock, WangTsiatis
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock
from sim.design.design import CONTINUE, REJECT, STOP_FUTILITY
from sim.engine import simulate
from sim.oc import Subject, operating_characteristics
from sim.statistic.statistic import Code
from sim.trial import final_rows
from sim.types import InputError
from tests.designs import PLAIN, textbook
from tests.published import row_trial, vector, weights
from tests.reference.read import rows

N_SIM = 20_000
GROUP_SEQUENTIAL = [r for r in rows("sim_power") if ";" in str(r["events"]) and weights(r) == (0.0, 0.0)]
OBF = LanDeMetsOBrienFleming()


@pytest.mark.parametrize("row", GROUP_SEQUENTIAL, ids=lambda r: r["id"])
def test_simulated_rows(row):
    trial, events = row_trial(row)
    spending = LanDeMetsPocock() if "pocock" in row["scenario"] else OBF
    design = replace(trial.design, events=events, spending=spending, max_duration=1000.0, alpha=float(row["alpha"]))
    assert design.bounds(trial.setting).boundary.upper == pytest.approx(vector(row["bounds_z"]), abs=1e-5)
    final = final_rows(simulate(replace(trial, design=design), N_SIM, seed=2657).rows)
    theirs = np.array(vector(row["power_by_look"]))
    ours = np.array([((final["decision"] == REJECT) & (final["look"] <= k + 1)).mean() for k in range(len(events))])
    error = np.sqrt(theirs * (1 - theirs) * (1 / N_SIM + 1 / row["n_sim"]))
    np.testing.assert_array_less(np.abs(ours - theirs), 4 * error)
    for name, metric in (("events", "expected_events"), ("enrolled", "expected_subjects"), ("month", "expected_duration")):
        # both means come from trials of the same spread
        spread = final[name].std() * math.sqrt(1 / N_SIM + 1 / row["n_sim"])
        assert abs(final[name].mean() - row[metric]) < 4 * spread + 1e-9, (metric, final[name].mean(), row[metric])


RULES = [
    FixedZ((0.0,)),
    FixedHazardRatio(0.95),
    ConditionalPower(0.2),
    ConditionalPower(0.3, hr=0.6),
    PredictivePower(0.2),
    BetaSpending(0.2, HwangShihDeCani(-2.0)),
]


def made(hr=0.6, rule=None, **design):
    return textbook(hr, events=(40, 80, 120), **{"spending": OBF, "futility": rule, **design})


def by_hand(plain, lower, upper):
    """Obey futility in trials that ignored it: (look at which each ends, its decision)."""
    looks, decisions = {}, {}
    for row in plain:
        r, look = int(row["replicate"]), int(row["look"])
        if decisions.get(r, CONTINUE) != CONTINUE:
            continue
        looks[r] = look
        decisions[r] = REJECT if row["z"] >= upper[look - 1] else STOP_FUTILITY if row["z"] <= lower[look - 1] else CONTINUE
    order = sorted(looks)
    return np.array([looks[r] for r in order]), np.array([decisions[r] for r in order])


@pytest.mark.parametrize("hr", [0.6, 1])
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.label)
def test_nonbinding_futility_carries_both_decisions(rule, hr):
    plain, trial = made(hr), made(hr, rule)
    without, found = (simulate(t, 3_000, seed=5) for t in (plain, trial))
    looks, decisions = by_hand(without.rows, trial.plan.rule.lower, trial.plan.rule.upper)
    final = final_rows(found.rows)
    np.testing.assert_array_equal(final["look"], looks)
    np.testing.assert_array_equal(final["decision"], decisions)
    assert (decisions == STOP_FUTILITY).any()
    ignored = final_rows(without.rows)
    np.testing.assert_array_equal(final["rejects_ignoring_stops"], np.where(ignored["decision"] == REJECT, ignored["look"], 0))
    # up to the stop both are the same trial, row for row
    key = without.rows["replicate"] * 8 + without.rows["look"]
    shared = without.rows[np.isin(key, found.rows["replicate"] * 8 + found.rows["look"])]
    for name in ("replicate", "look", "enrolled", "events", "month", "z", "estimate", "code"):
        np.testing.assert_array_equal(shared[name], found.rows[name])
    assert not found.rows["rejects_ignoring_stops"][np.append(np.diff(found.rows["replicate"]) == 0, False)].any()


def metrics(trial, rejection, n_sim=5_000):
    table = operating_characteristics(
        Subject("s", "c", "PFS", rejection), simulate(trial, n_sim, seed=6), trial.plan.cut.looks, trial.plan.nonbinding_futility
    )
    return {(r["metric"], r["look"]): r["estimate"] for r in table}


def test_which_numbers_ignore_futility_and_which_obey_it():
    rule = FixedZ((0.5,))
    ignoring, nonbinding, binding = (metrics(t, "type_i_error") for t in (made(1), made(1, rule), made(1, rule, binding=True)))
    assert nonbinding["type_i_error", 0] == ignoring["type_i_error", 0]
    assert nonbinding["type_i_error_by_look", 3] == nonbinding["type_i_error", 0]
    assert nonbinding["type_i_error_obeyed", 0] < nonbinding["type_i_error", 0]
    assert ("type_i_error_obeyed", 0) not in binding
    assert ("type_i_error_obeyed", 0) not in ignoring
    # binding bounds give back what futility takes from the type I error
    assert nonbinding["type_i_error_obeyed", 0] < binding["type_i_error", 0]
    assert nonbinding["expected_n_no_effect", 0] < ignoring["expected_n_no_effect", 0]
    assert nonbinding["expected_duration_no_effect", 0] < ignoring["expected_duration_no_effect", 0]
    power, without = metrics(made(0.6, rule), "power"), metrics(made(0.6), "power")
    assert power["power", 0] < without["power", 0]
    assert power["power_by_look", 3] == power["power", 0]
    assert power["futility_by_look", 2] == power["early_futility", 0]
    # the looks' numbers over the trials that reached them and over all trials agree with each other
    ends = [power["reach_look", k] - power.get(("reach_look", k + 1), 0.0) for k in (1, 2, 3)]
    assert sum(ends) == pytest.approx(1)


def test_stopping_under_no_effect_is_as_likely_as_the_normal_says():
    table = metrics(made(1, FixedZ((0.0,))), "type_i_error", 20_000)
    # z of the first look is nearly standard normal: half of the trials stop; 40 events leave it a percent of asymmetry
    assert abs(table["futility_by_look_no_effect", 1] - 0.5) < 4 * math.sqrt(0.25 / 20_000) + 0.01


def test_binding_futility_has_one_decision():
    final = final_rows(simulate(made(0.8, FixedZ((0.3,)), binding=True), 3_000, seed=5).rows)
    np.testing.assert_array_equal(final["rejects_ignoring_stops"], np.where(final["decision"] == REJECT, final["look"], 0))


@pytest.mark.parametrize("shape", [Pocock(), OBrienFleming(), WangTsiatis(0.2), HaybittlePeto(3.0)], ids=lambda s: s.label)
def test_shapes_hold_their_level(shape):
    table = metrics(made(1, shape=shape, spending=None), "type_i_error", 20_000)
    # the log-rank test keeps its small-sample excess: .0258 at 120 events (definition 25), a little more at early looks
    assert abs(table["type_i_error", 0] - 0.0258) < 4 * math.sqrt(0.025 / 20_000) + 0.002


def test_observed_bounds_where_the_plan_is_met_change_nothing():
    planned, observed = (
        simulate(made(0.7, rule, bounds_at=at), 2_000, seed=8).rows for at in ("planned", "observed") for rule in [RULES[-1]]
    )
    tied = observed["code"] == Code.TIED_AT_CUT
    assert not tied.any()
    np.testing.assert_array_equal(planned["decision"], observed["decision"])
    np.testing.assert_array_equal(planned["z"], observed["z"])


def test_under_running_spends_the_rest_at_the_last_look():
    # at eleven months hardly any trial has 120 events: the critical value of the look that is not reached would throw alpha away
    planned, observed = (made(1, max_duration=11.0, bounds_at=at) for at in ("planned", "observed"))
    for each in (planned, observed):
        assert abs(metrics(each, "type_i_error", 20_000)["type_i_error", 0] - 0.0258) < 4 * math.sqrt(0.025 / 20_000) + 0.002
    rows_ = simulate(observed, 2_000, seed=3).rows
    last = final_rows(rows_)
    assert (last["code"] == Code.TARGET_NOT_REACHED).mean() > 0.9
    early = last[(last["code"] == Code.TARGET_NOT_REACHED) & (last["look"] == 2)]
    monitor = observed.plan.rule.monitor
    for row in early[:50]:
        upper, _ = monitor.bounds((40.0, float(row["events"])), last=True)
        assert (row["decision"] == REJECT) == (row["z"] >= upper)


@pytest.mark.parametrize(
    "wrong",
    [
        {"spending": None},
        {"spending": OBF, "shape": Pocock()},
        {"events": (120,), "rule": FixedZ()},
        {"bounds_at": "seen"},
        {"bounds_at": "observed", "spending": None, "shape": Pocock()},
        {"binding": True},
        {"endpoint": "orr"},
    ],
)
def test_refuses(wrong):
    with pytest.raises(InputError, match="allowed"):
        textbook(**{"events": (40, 80, 120), "spending": OBF, "futility": wrong.pop("rule", None), "statistic": PLAIN, **wrong})
