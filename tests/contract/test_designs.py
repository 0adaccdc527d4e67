"""What every design owes, on a textbook and on the calibrated population. A new YAML in conf/design is tested by being there."""

import dataclasses
import pickle

import numpy as np
import pytest

import sim.trial
from sim.design.design import CONTINUE, REJECT, STOP_FUTILITY, STOP_HARM, Design, Plan
from sim.engine import simulate
from sim.oc import Subject, operating_characteristics, proportion, rejections
from sim.statistic.statistic import Code
from sim.store import content_key
from sim.trial import ROW_DTYPE, final_rows, rows_of, run_block
from sim.types import Assumption, InputError
from tests.contract.building import POPULATIONS, options, trial
from tests.thinning import crossed

EFFECTS = {"PFS": "effect=hazard_ratio", "OS": "effect=hazard_ratio", "ORR": "effect=response_rate"}
REPLICATES = 300


@pytest.fixture(params=crossed(options("design"), POPULATIONS, alone=True), ids=lambda x: "-".join(x), scope="module")
def made(request):
    design, population = request.param
    plain = trial(f"design={design}", f"population={population}", "effect=none")
    return trial(f"design={design}", f"population={population}", EFFECTS[plain.plan.hypothesis])


@pytest.fixture(scope="module")
def rows(made):
    return run_block(made, 17, 1_000, REPLICATES)


def test_is_a_final_frozen_dataclass(made):
    cls = type(made.design)
    assert isinstance(made.design, Design)
    assert cls.__dataclass_params__.frozen
    assert not cls.__subclasses__()
    assert {"n", "alpha"} <= {f.name for f in dataclasses.fields(cls)}


def test_plan(made):
    plan = made.plan
    assert isinstance(plan, Plan)
    assert made.design.n in (plan.n, None)  # None: the design finds its own number
    assert plan.hypothesis == made.design.hypothesis
    assert plan.wants <= {"pfs", "os", "response"}
    assert plan.cut.looks >= 1
    assert made.with_n(plan.n + 8).plan.n == plan.n + 8
    # a response is known when the design says so, and no look comes before those that it counts are
    assert plan.assessment == (made.design.assessment if "response" in plan.wants else 0.0)


def test_refuses_what_cannot_be(made):
    for changes in ({"n": 0}, {"n": -3}, {"n": 2.5}, {"alpha": 0.0}, {"alpha": 1.0}, {"alpha": float("nan")}):
        with pytest.raises(InputError) as error:
            dataclasses.replace(made.design, **changes)
        assert "\n" not in str(error.value)
        assert "design" in str(error.value)
        assert "allowed" in str(error.value)


def test_says_what_it_assumes(made):
    lines = [*made.design.describe(made.setting), *made.describe_assumptions()]
    assert lines
    for line in lines:
        assert isinstance(line, Assumption)
        assert line.what
        assert line.value
        assert line.source


def test_rows(made, rows):
    assert rows.dtype == ROW_DTYPE
    assert set(np.unique(rows["hypothesis"])) == set(range(len(made.plan.hypotheses)))
    for hypothesis in range(len(made.plan.hypotheses)):
        _rows_of_one(made, rows_of(rows, hypothesis))


def _rows_of_one(made, rows):
    assert (np.diff(rows["replicate"]) >= 0).all()
    np.testing.assert_array_equal(np.unique(rows["replicate"]), np.arange(1_000, 1_000 + REPLICATES))
    first = np.append(True, np.diff(rows["replicate"]) > 0)
    # looks are numbered 1, 2, … within a replicate, at rising times, with rising counts
    assert (rows["look"][first] == 1).all()
    assert (rows["look"][~first] == rows["look"][np.flatnonzero(~first) - 1] + 1).all()
    for name in ("month", "enrolled", "events"):
        assert (rows[name][~first] >= rows[name][np.flatnonzero(~first) - 1]).all(), name
    assert rows["look"].max() <= made.plan.cut.looks
    assert (rows["enrolled"] <= made.plan.n).all()
    assert (rows["events"] <= rows["enrolled"]).all()
    assert (rows["events"] >= 0).all()
    assert np.isfinite(rows["z"]).all()
    assert np.isfinite(rows["month"]).all()
    assert (rows["month"] > 0).all()
    assert set(np.unique(rows["decision"])) <= {CONTINUE, REJECT, STOP_FUTILITY, STOP_HARM}
    assert set(np.unique(rows["code"])) <= {int(c) for c in Code}
    # whoever decided has no later row
    last = np.append(first[1:], True)
    assert (rows["decision"][~last] == CONTINUE).all()
    assert not rows["decision"][np.isin(rows["code"], [Code.NO_EVENTS, Code.EMPTY_ARM, Code.FAILED])].any()


def test_any_block_and_any_tile_give_the_same_rows(made, rows, monkeypatch):
    parts = [run_block(made, 17, first, count) for first, count in ((1_000, 1), (1_001, 149), (1_150, 150))]
    assert np.concatenate(parts).tobytes() == rows.tobytes()
    monkeypatch.setattr(sim.trial, "TILE_PATIENTS", 3 * made.plan.n)
    assert run_block(made, 17, 1_000, REPLICATES).tobytes() == rows.tobytes()


def test_can_be_sent_to_another_process(made, rows):
    copy = pickle.loads(pickle.dumps(made))
    assert content_key(copy, 1) == content_key(made, 1)
    assert run_block(copy, 17, 1_000, 20).tobytes() == rows[rows["replicate"] < 1_020].tobytes()


def test_the_key_holds_every_choice(made):
    keys = {content_key(made, 1), content_key(made, 2), content_key(made.under_null, 1), content_key(made.with_n(made.plan.n + 8), 1)}
    assert len(keys) == 4


def test_operating_characteristics_account_for_every_replicate(made):
    replicates = simulate(made, 500, seed=3)
    table = operating_characteristics(Subject("s", "c", made.plan.hypothesis, "power"), replicates, made.plan.cut.looks)
    assert {"power", "expected_n", "expected_duration"} <= {row["metric"] for row in table}
    for row in table:
        assert row["n_requested"] == 500
        assert row["n_failed"] == 0
        assert row["n_analysed"] == 500 or row["look"] > 0
        assert np.isfinite(row["estimate"])
        assert row["ci_low"] <= row["estimate"] <= row["ci_high"]
    rejected, analysed = rejections(replicates)
    assert table[0]["estimate"] == rejected / analysed
    assert rejected == (final_rows(replicates.rows)["decision"] == REJECT).sum()


def test_its_type_i_error_is_near_its_level_and_below_its_power(made):
    null, effect = (proportion(*rejections(simulate(t, 4_000, seed=29))) for t in (made.under_null, made))
    assert null.high < effect.low
    if made.plan.null_is_population:
        # exact tests stay below their level, asymptotic ones pass it by less than 1 % of trials at these sizes
        assert null.low < made.design.alpha + 0.01
