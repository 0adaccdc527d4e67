"""`task=compare_tests`: every two-arm test on the same patients, at the design's level, and who gains where hazards are not proportional."""

import pandas as pd
import pytest
import yaml

from sim.app import paths
from sim.app.build import build
from sim.app.compose import composer
from sim.app.overlays import private_store, register
from sim.app.tasks.compare_tests import gains, with_test
from sim.design.checks import SINGLE_ARM_TESTS
from tests.contract.building import options, trial

FEW = ("run.n_sim=400", "run.n_sim_null=400", "run.store=null", "run.folder=out", "executor=serial")


def test_the_list_holds_every_test_of_two_arms_of_a_time():
    listed = yaml.safe_load((paths.conf_dir() / "task" / "compare_tests.yaml").read_text())["tests"]
    shipped = set()
    for name in options("statistic"):
        target = yaml.safe_load((paths.conf_dir() / "statistic" / f"{name}.yaml").read_text())["_target_"]
        if name != "response_difference" and target.rpartition(".")[2] not in {c.__name__ for c in SINGLE_ARM_TESTS}:
            shipped.add(target)
    assert {x["_target_"] for x in listed.values()} == shipped


def test_runs_and_says_who_gains(cli, folder):
    result = cli(
        "scenarios=phase2_randomised_pfs",
        "effect=patient_hazard_ratio",
        "effect.hr=0.5",
        "design.n=200",
        "task=compare_tests",
        "task.target_power=null",
        *FEW,
    )
    assert result.status == 0, result.err
    table = pd.read_csv(folder / "out" / "tests.csv").set_index("test")
    assert {"power", "type_i_error", "expected_duration", "power_mcse"} <= set(table.columns)
    # early effects that fade: early weights gain, late ones lose, on the very same trials
    assert table.loc["FH(1,0)", "power"] > table.loc["log-rank", "power"] > table.loc["FH(0,1)", "power"]
    assert table["expected_duration"].nunique() == 1
    assert "Hazards are not proportional" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    assert (folder / "out" / "effect.csv").exists()


def test_sizes_each_test(cli, folder):
    few = ("task.tests={log-rank:{_target_:sim.statistic.logrank.LogRank,stratified:true,rho:0.0,gamma:0.0}}",)
    result = cli("scenarios=textbook_rct_pfs", "design.events=null", "design.event_fraction=0.75", "task=compare_tests", *FEW, *few)
    assert result.status == 0, result.err
    row = pd.read_csv(folder / "out" / "tests.csv").iloc[0]
    assert row["n_low"] <= row["n_required"] <= row["n_high"]
    assert "Hazards are proportional" in result.out


@pytest.mark.parametrize("design", ["single_arm_pfs", "single_arm_orr"])
def test_a_design_of_one_arm_is_refused(cli, design):
    effect = ["effect=response_rate"] if design.endswith("orr") else []
    result = cli(f"design={design}", *effect, "task=compare_tests", *FEW)
    assert result.status == 2
    assert "task=compare_tests: the design has no choice of test" in result.err


def test_level_and_strata_are_the_designs_own():
    with private_store(), composer():
        study = build(["task=compare_tests", "design=randomised_pfs", "design.alpha=0.1"], register(), "postcart")
    (cell,) = study.cells
    for test in study.task.tests.values():
        fitted = with_test(cell, test).trial.design.statistic
        assert getattr(fitted, "stratified", True) is True
    assert trial("design=randomised_pfs").design.alpha == 0.025


def test_gains_are_silent_without_an_effect():
    assert gains(pd.DataFrame({"cell": ["x"], "test": ["log-rank"]}), pd.DataFrame(columns=["cell", "look"]), "x") == []
