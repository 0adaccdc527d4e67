"""Level: developer. `task=replay` gives back the very trial that a run holds, and says so when it does not."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from sim.app.main import main
from sim.statistic.statistic import Code
from tests import naive
from tests.designs import textbook_gs

FEW = ("run.n_sim=300", "run.n_sim_null=300", "run.store=null", "executor=serial")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def replay(folder, capfd, *arguments):
    capfd.readouterr()
    status = main(["task=replay", f"run.folder={folder}", *arguments])
    captured = capfd.readouterr()
    return status, " ".join(captured.out.split()), captured.err


@pytest.mark.parametrize("truth", ["alternative", "null"])
def test_a_group_sequential_replicate_comes_back(here, capfd, truth):
    assert main(["scenarios=textbook_rct_gs", "run.folder=run", *FEW]) == 0
    status, out, err = replay("again", capfd, "task.run=run", "task.replicate=137", f'task.truth="{truth}"')
    assert (status, err) == (0, "")
    assert "every look is the stored one, bit for bit" in out
    looks = pd.read_csv("again/looks.csv")
    expected = naive.run(textbook_gs(0.6 if truth == "alternative" else 1), 2657, 137)
    assert list(looks["look"]) == [row["look"] for row in expected]
    assert list(looks["code"]) == [Code[row["code"]].name.lower() for row in expected]
    assert list(looks["events_cumulative"]) == [row["events"] for row in expected]
    # 1e-9: definitions.md 36; the plain twin sums in another order
    np.testing.assert_allclose(looks["z"], [row["z"] for row in expected], rtol=1e-9, atol=1e-9)
    patients = pd.read_csv("again/patients.csv")
    last = looks.iloc[-1]
    assert patients["in_analysis"].sum() == last["enrolled_cumulative"]
    assert patients["observed_event"].sum() == last["events_cumulative"]
    assert (patients["arm"] == "experimental").sum() == 80


def test_bounds_of_a_design_with_futility_are_shown(here, capfd):
    assert replay("again", capfd, "design=group_sequential_futility", "task.replicate=11")[0] == 0
    looks = pd.read_csv("again/looks.csv")
    stops = looks["decision"].map({"reject": 1, "futility": -1, "none": 0})
    expected = (looks["z"] >= looks["critical_z"]).astype(int) - (looks["z"] <= looks["futility_z"]).astype(int)
    assert looks["critical_z"].notna().all()
    assert looks["futility_z"].notna().any()
    # the last look decides by the upper bound alone
    assert list(stops)[:-1] == list(expected)[:-1]
    assert (stops.iloc[-1] == 1) == (expected.iloc[-1] == 1)


@pytest.mark.verify
def test_a_sized_trial_comes_back_with_the_n_that_was_found(here, capfd):
    assert main(["scenarios=quickstart", "run.folder=run", *FEW]) == 0
    status, out, err = replay("again", capfd, "task.run=run", "task.replicate=299")
    assert (status, err) == (0, "")
    assert out.count("every look is the stored one, bit for bit") == 3
    sizes = pd.read_parquet("run/operating_characteristics.parquet").query("metric == 'n'").set_index("cell")["estimate"]
    patients = pd.read_csv("again/patients.csv").groupby("cell").size()
    assert patients.to_dict() == sizes.astype(int).to_dict()


def test_one_cell_only(here, capfd):
    assert main(["scenarios=quickstart", "task=power", "run.folder=run", *FEW]) == 0
    assert replay("again", capfd, "task.run=run", "task.replicate=5", "task.cell=single_arm_orr")[0] == 0
    with open("again/looks.csv") as file:
        assert {row["cell"] for row in csv.DictReader(file)} == {"single_arm_orr"}
    responses = pd.read_csv("again/patients.csv")["response"].sum()
    assert responses == pd.read_csv("again/looks.csv")["events_cumulative"].iloc[-1]


def test_a_row_that_differs_is_said_and_fails(here, capfd):
    assert main(["scenarios=textbook_rct_pfs", "run.folder=run", *FEW]) == 0
    table = pd.read_parquet("run/replicates.parquet")
    z = table["z"].to_numpy().copy()
    z[(table["replicate"] == 7) & (table["truth"] == "alternative")] *= 1 + 2.0**-52
    table.assign(z=z).to_parquet("run/replicates.parquet")
    status, out, _ = replay("again", capfd, "task.run=run", "task.replicate=7")
    assert status == 1
    assert "DIFFERS" in out
    assert replay("again", capfd, "task.run=run", "task.replicate=8")[0] == 0


def test_a_changed_program_and_a_replicate_beyond_the_run_are_said(here, capfd):
    assert main(["scenarios=textbook_rct_pfs", "run.folder=run", *FEW]) == 0
    record = json.loads((here / "run/provenance.json").read_text())
    record["source"]["trial.py"] = "0" * 64
    (here / "run/provenance.json").write_text(json.dumps(record))
    status, out, _ = replay("again", capfd, "task.run=run", "task.replicate=300")
    assert status == 0
    assert "The program has changed since that run" in out
    assert "trial.py" in out
    assert "the run holds no replicate 300" in out


def test_without_a_run_the_trial_of_the_command_is_replayed(here, capfd):
    status, out, _ = replay("again", capfd, "scenarios=textbook_rct_pfs", "task.replicate=41322")
    assert status == 0
    assert "no stored replicates" in out
    assert len(pd.read_csv("again/patients.csv")) == 160


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["task.run=nowhere"], "task.run is 'nowhere'"),
        (["task.run=run", "task.cell=other"], "task.cell is 'other'; allowed: randomised_pfs"),
        (["task.replicate=-1"], "task.replicate is -1"),
        (["task.truth=neither"], "task.truth"),
    ],
)
def test_bad_input_is_one_line(here, capfd, arguments, words):
    if "task.run=run" in arguments:
        assert main(["scenarios=textbook_rct_pfs", "run.folder=run", *FEW]) == 0
    status, _, err = replay("again", capfd, *arguments)
    assert status == 2
    assert words in err
    assert err.count("\n") == 1
    assert not (here / "again").exists()


def test_a_strangers_run_cannot_name_a_class(here, capfd):
    assert main(["scenarios=textbook_rct_pfs", "run.folder=run", *FEW]) == 0
    path = here / "run/provenance.json"
    record = json.loads(path.read_text())
    record["config"]["randomised_pfs"]["accrual"] = {"_target_": "os.system", "command": "touch pwned"}
    path.write_text(json.dumps(record))
    status, _, err = replay("again", capfd, "task.run=run")
    assert status == 2
    assert "os.system" in err
    assert not (here / "pwned").exists()


def test_the_page_stands_alone(here, capfd):
    assert replay("again", capfd, "scenarios=textbook_rct_gs", "task.replicate=3")[0] == 0
    page = (here / "again/replay.html").read_text()
    assert page.count("<svg") == 3
    assert not re.search(r"https?://|<script|<link|src=", page)
    checker = HTMLParser()
    checker.feed(page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for words in ("Calendar months", "critical value", "control, n = ", "enrolled: "):
        assert words in page
