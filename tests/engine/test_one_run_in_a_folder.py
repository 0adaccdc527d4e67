"""Level: developer. A run's files belong together: one writer at a time, a mark while they may not, words when it is told to stop."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from sim.files import Claim, InUseError, is_incomplete, remove_orphans, replacing
from tests.engine.running import environment, finish, run, start, unfinished

SMALL = ("scenarios=textbook_rct_pfs", "run.n_sim=4000", "run.n_sim_null=4000", "run.store=store", "run.folder=run", "executor=serial")
LONG = (*SMALL, "run.n_sim=3000000")


def patients(folder):
    """The numbers of patients that the files of a run speak of: table, provenance and report."""
    table = pd.read_csv(folder / "run/operating_characteristics.csv")
    record = json.loads((folder / "run/provenance.json").read_text())
    asked = {config["design"]["n"] for config in record["config"].values()}
    enrolled = {round(x) for x in table[table["metric"] == "expected_n"]["estimate"]}
    report = (folder / "run/report.html").read_text()
    return asked, enrolled, {n for n in (120, 160) if f"design.n={n}" in report}


def kill_and_look(folder, moment):
    """Run 160 patients, then kill a run of 120 in the same folder at a random moment."""
    assert run(folder, *SMALL, "design.n=160")[0] == 0
    assert not (folder / "run" / Claim.NAME).exists()
    process = start(folder, *SMALL, "design.n=120", "run.reuse=false")
    until = time.monotonic() + 120
    while not (folder / "run" / Claim.NAME).exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(moment.random() * 1.5)
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    one_run = patients(folder) in [({n}, {n}, {n}) for n in (120, 160)]
    assert one_run or is_incomplete(folder / "run")
    status, _, err = run(folder, *SMALL, "design.n=120")
    assert (status, err) == (0, "")
    assert patients(folder) == ({120}, {120}, {120})
    assert not is_incomplete(folder / "run")
    assert not unfinished(folder)


@pytest.mark.process
def test_files_of_a_killed_run_are_marked(tmp_path):
    kill_and_look(tmp_path, random.Random(1))


@pytest.mark.verify
@pytest.mark.process
@pytest.mark.parametrize("seed", range(2, 22))
def test_files_of_twenty_killed_runs_are_marked(tmp_path, seed):
    kill_and_look(tmp_path, random.Random(seed))


def wait_for(path, process):
    while not list(path.parent.glob(path.name)) and process.poll() is None:
        time.sleep(0.01)


@pytest.mark.process
def test_a_second_run_in_the_folder_is_refused_and_sigterm_ends_the_first_in_words(tmp_path):
    first = start(tmp_path, *LONG)
    wait_for(tmp_path / "run" / Claim.NAME, first)
    status, out, err = run(tmp_path, *SMALL)
    assert (status, out) == (2, "")
    assert f"another run is writing there (process {first.pid} on " in err
    assert "allowed: another folder, or this one when that has ended" in err
    wait_for(tmp_path / "store" / "*", first)
    os.kill(first.pid, signal.SIGTERM)
    status, out, err = finish(first)
    assert status == 143, err
    assert err.startswith("postcart: terminated; no result was complete, the run's folder is removed")
    assert not (tmp_path / "run").exists()
    assert not unfinished(tmp_path)
    assert run(tmp_path, *SMALL)[0] == 0


@pytest.mark.process
def test_a_killed_run_cannot_be_replayed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / Claim.NAME).write_text("process 1 on nowhere\n")
    status, _, err = run(tmp_path, "task=replay", "task.run=run", "run.folder=again")
    assert status == 2
    assert "has not ended, or was killed; allowed: the folder of a finished run" in err


def test_the_mark_goes_with_the_claim(tmp_path):
    claim = Claim(tmp_path)
    assert (tmp_path / Claim.NAME).read_text().startswith(f"process {os.getpid()} on ")
    with pytest.raises(InUseError, match=f"process {os.getpid()}"):
        Claim(tmp_path)
    claim.end(whole=True)
    assert not list(tmp_path.iterdir())
    Claim(tmp_path).end(whole=False)
    assert [p.name for p in tmp_path.iterdir()] == [Claim.NAME]
    # what a killed run left keeps nobody out
    again = Claim(tmp_path)
    assert again.was_there
    again.end(whole=True)
    assert not list(tmp_path.iterdir())


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(FileNotFoundError), replacing(path) as temporary:
        temporary.with_name("b").rename(temporary)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with replacing(path) as temporary:
        temporary.write_text("after")
    assert path.read_text() == "after"


def test_every_file_reaches_the_disk_before_its_name(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr("sim.files.os.fsync", lambda handle: done.append(os.readlink(f"/proc/self/fd/{handle}")))
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("x")
    assert done == [str(temporary), str(tmp_path)]


WRITER = """
import sys, time
from pathlib import Path
from sim.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("there", flush=True)
    time.sleep(600)
"""


@pytest.mark.process
def test_what_a_killed_writer_leaves_is_removed_once_it_is_dead(tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "a.txt")], stdout=subprocess.PIPE, text=True, env=environment())
    assert writer.stdout.readline() == "there\n"
    remove_orphans(tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 1
    writer.kill()
    writer.wait()
    remove_orphans(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
