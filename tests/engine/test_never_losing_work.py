"""Level: developer. Kills, full disks, forbidden folders and dying workers, done to the real program in a process of its own."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time

import pytest

from tests.engine.running import TOTAL, TRIAL, blocks, finish, obey_permissions, run, start, table, unfinished
from tests.thinning import one_in

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The table of the run that nothing happens to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    status, out, err = run(folder, *TRIAL)
    assert (status, err) == (0, "")
    assert f"{TOTAL:,} replicates simulated, 0 taken from the store" in out
    return table(folder)


def taken(out):
    """Return (simulated, taken from the store) as the terminal says."""
    words = out.split(" replicates simulated, ")
    return int(words[0].split()[-1].replace(",", "")), int(words[1].split()[0].replace(",", ""))


def kill_and_resume(folder, moment, undisturbed):
    process = start(folder, *TRIAL)
    # the moment: so many blocks on disk, and then any part of the time that two blocks or the report take
    while len(blocks(folder)) < moment.randrange(13) and process.poll() is None:
        time.sleep(0.005)
    time.sleep(moment.random() * 0.4)
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    before = len(blocks(folder))
    status, out, err = run(folder, *TRIAL)
    assert (status, err) == (0, "")
    assert table(folder) == undisturbed
    assert len(blocks(folder)) == 12
    assert taken(out) == (TOTAL - 10_000 * before, 10_000 * before)


@pytest.mark.parametrize("seed", one_in(2, [1, 2]))
def test_a_killed_run_resumes_by_the_same_command(tmp_path, undisturbed, seed):
    kill_and_resume(tmp_path, random.Random(seed), undisturbed)


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(3, 13))
def test_a_run_killed_at_ten_moments_resumes(tmp_path, undisturbed, seed):
    kill_and_resume(tmp_path, random.Random(seed), undisturbed)


@pytest.mark.verify
def test_more_replicates_simulate_only_what_is_new(tmp_path):
    few = ("scenarios=textbook_rct_pfs", "run.n_sim=10000", "run.n_sim_null=1", "run.store=store", "run.folder=run")
    assert run(tmp_path, *few)[0] == 0
    status, out, err = run(tmp_path, *few, "run.n_sim=100000")
    assert (status, err) == (0, "")
    assert taken(out) == (90_000, 10_001)


@pytest.mark.verify
def test_two_runs_with_one_store(tmp_path, undisturbed):
    both = [start(tmp_path, *TRIAL, f"run.folder={name}") for name in ("run", "other")]
    ended = [finish(process) for process in both]
    assert [(status, err) for status, _, err in ended] == [(0, ""), (0, "")]
    assert table(tmp_path) == undisturbed
    assert (tmp_path / "run/replicates.parquet").read_bytes() == (tmp_path / "other/replicates.parquet").read_bytes()
    assert len(blocks(tmp_path)) == 12
    assert not unfinished(tmp_path)


@pytest.mark.parametrize("which", one_in(2, ["store", "run"]))
def test_a_folder_that_cannot_be_written_to(tmp_path, undisturbed, which):
    (tmp_path / which).mkdir(mode=0o555)
    status, _, err = run(tmp_path, *TRIAL, prepare=obey_permissions)
    assert status == 2
    assert f"run.{'store' if which == 'store' else 'folder'} is " in err
    assert "Permission denied" in err
    assert "Traceback" not in err
    (tmp_path / which).chmod(0o755)
    assert run(tmp_path, *TRIAL)[0] == 0
    assert table(tmp_path) == undisturbed


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 1.2 MB, and what makes the disk larger; where mounting is not allowed, files of at most 200 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", str(disk)], capture_output=True, check=False).returncode == 0:
        yield disk, None, lambda: subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        subprocess.run(["umount", "-l", str(disk)], check=True)
    else:
        yield disk, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])), lambda: None


@pytest.mark.verify
def test_a_full_disk(tmp_path, small_disk, undisturbed):
    disk, limit, enlarge = small_disk
    status, _, err = run(disk, *TRIAL, prepare=limit)
    assert status == 2
    assert "run.store is 'store'" in err
    assert "No space left on device" in err or "File too large" in err
    assert "Traceback" not in err
    assert not unfinished(disk)
    kept = len(blocks(disk))
    enlarge()
    status, out, err = run(disk, *TRIAL)
    assert (status, err) == (0, "")
    assert table(disk) == undisturbed
    assert taken(out)[1] == 10_000 * kept


@pytest.mark.verify
def test_a_disk_that_is_full_when_the_results_are_written(tmp_path, small_disk, undisturbed):
    disk, limit, enlarge = small_disk
    elsewhere = f"run.store={tmp_path / 'store'}"
    status, _, err = run(disk, *TRIAL, elsewhere, prepare=limit)
    assert status == 2
    assert "run.folder is " in err
    assert "No space left on device" in err or "File too large" in err
    assert not unfinished(disk)
    assert not (disk / "run/replicates.parquet").exists()
    enlarge()
    status, out, err = run(disk, *TRIAL, elsewhere)
    assert (status, err) == (0, "")
    assert table(disk) == undisturbed
    # the first of two truths was simulated before its rows found no room; where only the size of a file was limited, its blocks were refused too
    assert taken(out)[1] == (TOTAL // 2 if limit is None else 0)
    shutil.rmtree(disk / "run")


def children(pid):
    """Return the processes that descend from `pid`."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    below, found = {pid}, []
    for child, parent, command in ((int(a), int(b), c) for a, b, c in rows):
        if parent in below:
            below.add(child)
            found.append((child, command))
    return found


@pytest.mark.verify
def test_a_worker_that_dies(tmp_path):
    # many blocks, so that the one who dies has one in hand
    long = (*TRIAL, "run.n_sim=300000", "run.n_sim_null=1")
    process = start(tmp_path, *long, "executor=joblib_processes", "run.workers=2")
    while not blocks(tmp_path) and process.poll() is None:
        time.sleep(0.005)
    workers = [pid for pid, command in children(process.pid) if "loky" in command and "resource_tracker" not in command]
    os.kill(workers[0], signal.SIGKILL)
    status, out, err = finish(process)
    assert status == 3
    assert "a worker process died" in err
    assert "the same command goes on from the store" in err
    assert "Traceback" not in err
    kept = len(blocks(tmp_path))
    assert 1 <= kept < 30
    status, out, err = run(tmp_path, *long, "executor=joblib_processes", "run.workers=2")
    assert (status, err) == (0, "")
    assert taken(out) == (300_001 - 10_000 * kept, 10_000 * kept)
    resumed = table(tmp_path)
    assert run(tmp_path, *long, "executor=serial", "run.reuse=false")[0] == 0
    assert table(tmp_path) == resumed
