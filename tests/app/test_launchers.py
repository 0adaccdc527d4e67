"""Level: developer. Hydra's launchers run the jobs of a sweep side by side: the same folders, table, statuses and store."""

import os
import sys

import pandas as pd
import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from joblib.externals.loky import get_reusable_executor

from tests.app.running import RECORD, tree
from tests.thinning import one_in

pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs the extra: pip install 'postcart[launchers]'")
pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="needs the extra: pip install 'postcart[launchers]'")

REFUSE, BREAK, DIE = ((RECORD[0], RECORD[1].replace("Record", name), RECORD[2]) for name in ("Refuse", "Break", "Die"))
JOBLIB = ("hydra/launcher=joblib", "executor=serial")
SWEEP = ("-m", "scenarios=textbook_rct_pfs", "effect.hr=0.5,0.6", "run.n_sim=2000", "run.n_sim_null=500", "run.store=store")
NOTE = "runs jobs side by side, so the replicates of each run on one core (executor=serial)"


@pytest.fixture(scope="module", autouse=True)
def own_pool():
    """Let joblib start its processes here, so that they can import the stubs."""
    get_reusable_executor().shutdown()
    yield
    get_reusable_executor().shutdown()


@pytest.fixture
def program(cli, monkeypatch):
    """Run one command whose children can import what this process can."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    return cli


@pytest.mark.process
@pytest.mark.parametrize("launcher", one_in(2, ["joblib", "submitit_local"]))
def test_the_sweep_is_the_one_that_runs_in_turn(program, folder, launcher):
    in_turn = program(*SWEEP, "run.folder=turn", "run.store=null", "executor=serial")
    side = program(*SWEEP, "run.folder=side", f"hydra/launcher={launcher}")
    assert (in_turn.status, side.status) == (0, 0), side.err
    assert side.err == f"postcart: hydra/launcher={launcher} {NOTE}\n"
    assert side.out == in_turn.out.replace("turn/", "side/")
    assert not list(folder.rglob(".outcome.json"))
    for file in (
        "operating_characteristics.csv",
        *(f"{job}/{name}" for job in (0, 1) for name in ("operating_characteristics.csv", "replicates.parquet")),
    ):
        assert (folder / "turn" / file).read_bytes() == (folder / "side" / file).read_bytes(), file
    # one block under each hazard ratio, and the one under none that they share
    assert len(list(folder.glob("store/*/block-*.parquet"))) == 3


@pytest.mark.process
def test_the_worst_status_is_the_sweeps(program, folder):
    result = program("-m", "effect.hr=0.99,0.6", *JOBLIB, "run.folder=sweep", *RECORD)
    assert (result.status, result.err) == (1, "")
    assert list(pd.read_csv(folder / "sweep/operating_characteristics.csv")["cell"]) == ["effect.hr=0.99", "effect.hr=0.6"]


@pytest.mark.process
def test_a_task_that_refuses_leaves_no_folder(program, folder):
    result = program("-m", "effect.hr=0.5,0.6", *JOBLIB, *REFUSE)
    lines = [f"postcart: job {i} (effect.hr={hr}): task.target_power is 2; allowed: between 0 and 1\n" for i, hr in enumerate((0.5, 0.6))]
    assert (result.status, result.err) == (2, "".join(lines))
    assert tree(folder) == []


@pytest.mark.process
def test_a_failure_is_one_line_and_the_traceback_is_for_those_who_ask(program):
    lines = [f"postcart: job {i} (effect.hr={hr}): internal error: RuntimeError: out of luck" for i, hr in enumerate((0.5, 0.6))]
    plain = program("-m", "effect.hr=0.5,0.6", *JOBLIB, *BREAK)
    assert (plain.status, plain.err) == (3, "".join(f"{line}; run.traceback=true shows where\n" for line in lines))
    shown = program("-m", "effect.hr=0.5,0.6", *JOBLIB, *BREAK, "run.traceback=true")
    assert shown.err.count("Traceback") == 2
    assert shown.err.endswith(f"{lines[1]}\n")


@pytest.mark.verify
@pytest.mark.process
def test_a_job_that_is_killed_is_named_and_the_others_are_kept(program, folder):
    result = program("-m", "effect.hr=0.6,0.99", *JOBLIB, "hydra.launcher.n_jobs=2", "run.folder=sweep", *DIE)
    assert result.status == 3
    [line] = result.err.splitlines()
    assert line.startswith("postcart: job 1 (effect.hr=0.99) was lost (")
    assert line.endswith("; no finished block is lost: the same command goes on from the store")
    assert list(pd.read_csv(folder / "sweep/operating_characteristics.csv")["cell"]) == ["effect.hr=0.6"]


LAUNCH = ("-m", "design.n=60,80")
BAD = [
    (["design.n=60", "hydra/launcher=joblib"], "hydra/launcher=joblib launches the jobs of a sweep; allowed: with -m"),
    ([*LAUNCH, "hydra/launcher=jobllib"], "hydra/launcher: 'jobllib' is unknown; nearest: joblib; allowed: basic, joblib, submitit_local"),
    ([*LAUNCH, "hydra/launcher=joblib,basic"], "'hydra/launcher=joblib,basic' is refused; allowed: one launcher"),
    ([*LAUNCH, "hydra/launcher=joblib", "hydra.launcher.n_jobs=1,2"], "'hydra.launcher.n_jobs=1,2' is refused; allowed: one launcher, with"),
    ([*LAUNCH, "hydra/launcher=joblib", "hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs is 0; allowed: "),
    ([*LAUNCH, "hydra/launcher=joblib", "hydra.launcher.jobs=2"], "hydra.launcher.jobs=2"),
    ([*LAUNCH, "hydra/launcher=joblib", "hydra.launcher._target_=os.system"], "'hydra.launcher._target_=os.system' is refused"),
    ([*LAUNCH, "hydra/launcher=joblib", "run.workers=2"], "two levels of parallelism; allowed: the launcher with executor=serial, or -m without"),
    ([*LAUNCH, "hydra/launcher=joblib", "executor=dask"], "two levels of parallelism"),
    ([*LAUNCH, "hydra/launcher=joblib", "design.n=60,0"], "design.n is 0; allowed: "),
    ([*LAUNCH, "hydra/launcher=submitit_slurm"], "hydra/launcher=submitit_slurm: there is no sbatch here"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "line"), one_in(2, BAD), ids=[" ".join(argv) for argv, _ in BAD])
def test_bad_input_is_refused_in_one_line(cli, folder, monkeypatch, argv, line):
    monkeypatch.setattr("shutil.which", lambda name: None)
    result = cli(*argv)
    assert line in result.err
    assert result.err.count("\n") == 1
    assert (result.status, result.out, tree(folder)) == (2, "", [])


def test_without_the_extra_it_says_how_to_get_it(cli, folder, monkeypatch):
    Plugins.instance()
    monkeypatch.delitem(ConfigStore.instance().repo["hydra"]["launcher"], "joblib.yaml")
    result = cli(*LAUNCH, "hydra/launcher=joblib")
    assert "hydra/launcher=joblib is not installed; allowed: pip install 'postcart[launchers]'" in result.err
    assert (result.status, tree(folder)) == (2, [])


@pytest.mark.parametrize("executor", [["executor=serial"], ["run.workers=1"]])
def test_one_core_that_was_asked_for_needs_no_word(executor):
    from sim.app.build import build
    from sim.app.compose import complete, composer
    from sim.app.launchers import one_level
    from sim.app.overlays import private_store, register

    with private_store():
        overlays = register()
        with composer():
            studies = [build(complete(["design=single_arm_pfs", *executor]), overlays, "postcart")]
    assert one_level(studies, "joblib") == (studies, "")
