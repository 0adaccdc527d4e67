"""Every shipped scenario runs, at a small number of replicates, and gives the table that is promised."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from sim.app.paths import scenarios_dir
from tests.thinning import one_in

NAMES = sorted(path.stem for path in scenarios_dir().glob("*.yaml"))
SMALL = ("run.n_sim=200", "run.n_sim_null=200", "run.folder=out")
COLUMNS = [
    "scenario",
    "cell",
    "hypothesis",
    "look",
    "metric",
    "estimate",
    "mcse",
    "ci_low",
    "ci_high",
    "n_requested",
    "n_analysed",
    "n_failed",
    "unit",
    "definition",
]


@pytest.mark.parametrize("name", one_in(4, NAMES))
def test_a_scenario_runs(cli, folder, name):
    result = cli(f"scenarios={name}", *SMALL)
    assert result.status == 0, result.err
    check(folder / "out", name)
    assert max(map(len, result.out.splitlines())) <= 80 or str(folder) in result.out


@pytest.mark.process
@pytest.mark.parametrize("argv", one_in(3, [["scenarios=textbook_rct_pfs"], [], ["scenarios=phase2_single_arm_orr", "executor=serial"]]))
def test_a_scenario_runs_as_a_process(folder, argv):
    done = subprocess.run([sys.executable, "-m", "sim", *argv, *SMALL], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check(folder / "out", argv[0].partition("=")[2] if argv else "quickstart")


def check(folder, name):
    table = pd.read_parquet(folder / "operating_characteristics.parquet")
    assert list(table.columns) == COLUMNS
    assert set(table["scenario"]) == {name}
    assert {"power", "type_i_error", "expected_n", "expected_duration"} <= set(table["metric"])
    assert table["estimate"].notna().all()
    for file in ("operating_characteristics.csv", "replicates.parquet", "report.html", "provenance.json"):
        assert (folder / file).stat().st_size > 0


@pytest.mark.verify
def test_a_statistic_is_chosen_by_its_group(cli, folder):
    result = cli("-m", "statistic=logrank,cox", *SMALL)
    assert result.status == 0, result.err
    tables = [pd.read_csv(path) for path in folder.rglob("operating_characteristics.csv")]
    assert {"statistic=logrank", "statistic=cox"} <= set(pd.concat(tables)["cell"])


def test_a_design_without_a_choice_of_statistic_says_so(cli, folder):
    result = cli("design=single_arm_orr", "statistic=cox", *SMALL)
    assert result.status == 2
    assert "has no choice of statistic" in result.err
    assert list(folder.iterdir()) == []
