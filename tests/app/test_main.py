"""The command line: which trial, where it runs, what it leaves, and what it gives back."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf.basecontainer import BaseContainer

from sim.app import paths, schema
from tests.app.running import RECORD, tree

REFUSE, BREAK, INTERRUPT = ((RECORD[0], RECORD[1].replace("Record", name), RECORD[2]) for name in ("Refuse", "Break", "Interrupt"))


def study(folder: Path) -> dict:
    [file] = folder.rglob("study.json")
    return json.loads(file.read_text())


def test_without_a_word_three_designs_stand_side_by_side(cli, folder):
    assert cli(*RECORD).status == 0
    got = study(folder)
    assert got["scenario"] == "quickstart"
    assert list(got["cells"]) == ["single_arm_orr", "single_arm_pfs", "randomised_pfs"]


@pytest.mark.parametrize(
    "override", ["effect.hr=0.5", "design=single_arm_orr", "population=piecewise_exponential", "grid.design.n=[60]", "++design.n=80"]
)
def test_an_override_that_says_which_trial_takes_the_base(cli, folder, override):
    assert cli(override, *RECORD).status == 0
    assert study(folder)["scenario"] != "quickstart"
    assert len(study(folder)["cells"]) == 1


def test_an_override_of_anything_else_keeps_quickstart(cli, folder):
    assert cli("run.seed=7", "benchmark.figures.failure_os_median.value=7.0", *RECORD).status == 0
    assert study(folder)["scenario"] == "quickstart"
    assert study(folder)["seed"] == 7


def test_the_run_folder_bears_date_time_and_scenario(cli, folder):
    assert cli("scenarios=textbook_rct_pfs", *RECORD).status == 0
    [made] = (folder / "outputs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_textbook_rct_pfs", made.name)
    assert study(folder)["command"] == "postcart scenarios=textbook_rct_pfs " + " ".join(f"'{a}'" if "[" in a else a for a in RECORD)


@pytest.mark.parametrize("override", ["run.folder=here/deep", "hydra.run.dir=here/deep"])
def test_the_run_folder_can_be_chosen(cli, folder, override):
    assert cli(override, *RECORD).status == 0
    assert (folder / "here/deep/study.json").is_file()
    assert not (folder / "outputs").exists()


def test_two_runs_in_one_second_have_two_folders(cli, folder):
    for _ in range(2):
        assert cli(*RECORD).status == 0
    assert len(list((folder / "outputs").iterdir())) == 2


def test_what_the_command_line_says_beats_the_scenario(cli, folder):
    assert cli("scenarios=textbook_rct_pfs", "effect.hr=0.7", *RECORD).status == 0
    assert (
        study(folder)["cells"]["randomised_pfs"]["effect"]
        == "HazardRatio(hr=0.7, endpoint=None, horizon=None, through=None, solve_on='configured', draws_keep='ratio')"
    )


def test_an_option_can_be_replaced_though_the_scenario_sets_its_keys(cli, folder):
    assert cli("scenarios=textbook_rct_pfs", "effect=none", "dropout=none", "design=single_arm_pfs", *RECORD).status == 0
    # what both designs have keeps the scenario's value
    assert study(folder)["cells"] == {"single_arm_pfs": {"n": 160, "effect": "NoEffect()"}}


def test_the_scenarios_own_misspelt_key_is_still_refused(cli, folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios/mine.yaml").write_text("effect: {hrr: 0.5}\n")
    assert "effect: 'hrr' is unknown; nearest: hr" in cli("scenarios=mine").err


def test_a_grid_runs_in_one_job(cli, folder):
    assert cli("grid={effect.hr:[0.5,0.6],design.n:[60,80]}", *RECORD).status == 0
    got = study(folder)["cells"]
    assert list(got) == [f"effect.hr={hr},design.n={n}" for hr in (0.5, 0.6) for n in (60, 80)]
    assert got["effect.hr=0.6,design.n=80"] == {
        "n": 80,
        "effect": "HazardRatio(hr=0.6, endpoint=None, horizon=None, through=None, solve_on='configured', draws_keep='ratio')",
    }


def test_cells_and_grid_are_crossed(cli, folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios/mine.yaml").write_text("cells:\n  a: [design=single_arm_pfs]\n  b: []\ngrid:\n  design.n: [60, 80]\n")
    assert cli("scenarios=mine", *RECORD).status == 0
    assert list(study(folder)["cells"]) == ["a,design.n=60", "a,design.n=80", "b,design.n=60", "b,design.n=80"]


def test_a_cell_comes_after_the_command_line(cli, folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios/mine.yaml").write_text("cells:\n  own: [design=single_arm_pfs, design.n=44]\n  plain: []\n")
    assert cli("scenarios=mine", "design.n=90", *RECORD).status == 0
    assert {name: cell["n"] for name, cell in study(folder)["cells"].items()} == {"own": 44, "plain": 90}


def test_a_sweep_has_a_folder_per_job_and_one_table(cli, folder):
    result = cli("-m", "effect.hr=0.5,0.6", "design.n=60,80", "run.folder=sweep", *RECORD)
    assert result.status == 0, result.err
    assert {p.parent.name for p in folder.rglob("study.json")} == {"0", "1", "2", "3"}
    table = pd.read_csv(folder / "sweep/operating_characteristics.csv")
    assert list(table["cell"]) == [f"effect.hr={hr},design.n={n}" for hr in (0.5, 0.6) for n in (60, 80)]
    assert list(table["estimate"]) == [0.06, 0.08, 0.06, 0.08]
    pd.testing.assert_frame_equal(table, pd.read_parquet(folder / "sweep/operating_characteristics.parquet"))
    assert "effect.hr=0.6" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    assert "4 runs; their table: sweep/operating_characteristics.csv" in result.out


def test_the_status_of_a_sweep_is_the_worst(cli, folder):
    assert cli("-m", "effect.hr=0.99,0.6", *RECORD).status == 1
    assert len(list(folder.rglob("study.json"))) == 2


def test_a_task_that_refuses_leaves_no_folder(cli, folder):
    result = cli(*REFUSE)
    assert (result.status, result.err) == (2, "postcart: task.target_power is 2; allowed: between 0 and 1\n")
    assert tree(folder) == []


def test_a_failure_is_one_line_and_the_traceback_is_for_those_who_ask(cli):
    plain = cli(*BREAK)
    assert (plain.status, plain.err) == (3, "postcart: internal error: RuntimeError: out of luck; run.traceback=true shows where\n")
    assert "Traceback" in cli(*BREAK, "run.traceback=true").err


def test_ctrl_c_says_what_was_kept(cli, folder):
    result = cli(*INTERRUPT, "+task.files=2", "run.folder=kept")
    assert (result.status, result.err) == (130, "postcart: interrupted; kept 2 file(s) in kept\n")
    assert (folder / "kept/1.csv").read_text() == "done"


def test_ctrl_c_counts_the_blocks_that_serve_the_next_run(cli, folder):
    (folder / "blocks/key").mkdir(parents=True)
    (folder / "blocks/key/block-000000000000-10000.parquet").touch()
    result = cli(*INTERRUPT, "+task.files=1", "run.folder=kept", "run.store=blocks")
    assert result.err == "postcart: interrupted; kept 1 file(s) in kept; 1 finished block(s) in blocks serve the next run\n"


def test_ctrl_c_before_any_result_leaves_no_folder(cli, folder):
    result = cli(*INTERRUPT)
    assert (result.status, result.err) == (130, "postcart: interrupted; no result was complete, the run's folder is removed\n")
    assert tree(folder) == []


def test_a_command_leaves_no_state_behind(cli, folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios/mine.yaml").write_text("design: {n: 44}\n")

    def state() -> tuple:
        return (
            sys.argv,
            dict(os.environ),
            os.getcwd(),
            logging.getLogger().handlers[:],
            logging.getLogger().level,
            sorted(BaseContainer._resolvers),
            GlobalHydra.instance().is_initialized(),
            sorted(ConfigStore.instance().repo.get("scenarios", {})),
        )

    cli(*RECORD)  # Hydra registers its resolvers for good when it is first used
    before = state()
    assert cli("scenarios=mine", *RECORD).status == 0
    assert cli("-m", "design.n=60,80", *RECORD).status == 0
    assert cli("design.n=0").status == 2
    assert cli("--help").status == 0
    assert state() == before


def test_help_lists_the_groups_and_the_users_own_files(cli, folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios/mine.yaml").write_text("design: {n: 44}\n")
    result = cli("--help")
    assert result.status == 0
    assert "scenarios: mine, phase2_randomised_pfs" in result.out
    assert "scenario `quickstart`" in result.out
    for group in (*schema.GROUPS, *schema.NESTED_GROUPS):
        names = sorted(path.stem for path in (paths.conf_dir() / group).glob("*.yaml"))
        assert f"{group}: {', '.join(names)}" in result.out
    assert tree(folder) == ["scenarios", "scenarios/mine.yaml"]


def test_the_composed_configuration_can_be_read(cli, folder):
    result = cli("--cfg", "job", "effect.hr=0.51")
    assert result.status == 0
    assert "hr: 0.51" in result.out
    assert tree(folder) == []


@pytest.mark.process
def test_help_imports_nothing_heavy(folder):
    code = (
        "import sys\nfrom sim.app.main import main\nstatus = main(['--help'])\n"
        "print('HEAVY', [m for m in ('numba', 'lifelines', 'matplotlib', 'scipy', 'pandas') if m in sys.modules], status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY [] 0"


@pytest.mark.process
def test_ctrl_c_as_a_process(folder):
    argv = ["scenarios=textbook_rct_pfs", "task=power", "run.n_sim=50000000", "run.store=blocks", "run.workers=2"]
    # a group of its own, or the interrupt would reach the test runner too; a runner in a shell's background hands on that it is ignored
    running = subprocess.Popen(
        [sys.executable, "-m", "sim", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while running.poll() is None and not list(folder.glob("blocks/**/block-*.parquet")):
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130, err
    assert out == ""
    assert re.fullmatch(
        r"postcart: interrupted; no result was complete, the run's folder is removed; \d+ finished block\(s\) in blocks serve the next run\n",
        err,
    )
    assert [path.name for path in folder.iterdir()] == ["blocks"]
