"""Level: developer. A real Dask cluster of two worker processes: the same table, whoever dies."""

import logging
import os
import signal
import time

import pytest

from sim.engine import BLOCK, simulate
from sim.executor import dask_cluster
from sim.executor.dask_cluster import DaskCluster
from sim.executor.executor import WorkerDied
from sim.executor.serial import Serial
from sim.store import Store
from sim.types import InputError
from tests.designs import textbook

pytestmark = pytest.mark.process
TRIAL = textbook()
BLOCKS = 24
N_SIM = BLOCKS * BLOCK


@pytest.fixture(scope="module")
def expected():
    return simulate(TRIAL, N_SIM, seed=11, executor=Serial()).rows


@pytest.fixture
def cluster():
    from distributed import LocalCluster

    # a worker that dies is news to its nanny's log, not to us
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL) as running:
        yield running


def killer(cluster):
    """Kill one worker process when the second block is done."""
    seen = []

    def progress(count):
        seen.append(count)
        if len(seen) == 2:
            seen.append("killed")
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

    return progress, seen


@pytest.mark.verify
@pytest.mark.parametrize("keeps", ["shared store", "own store", "no store"])
def test_a_worker_killed_in_mid_run_changes_nothing(tmp_path, cluster, expected, keeps):
    store = None if keeps == "no store" else Store.of(tmp_path, TRIAL, 11)
    executor = DaskCluster(cluster.scheduler_address, shared_store=keeps == "shared store")
    progress, seen = killer(cluster)
    found = simulate(TRIAL, N_SIM, 11, executor, store, progress)
    assert "killed" in seen
    assert found.rows.tobytes() == expected.tobytes()
    assert (found.requested, found.from_store + found.simulated) == (N_SIM, N_SIM)
    assert len(list(tmp_path.rglob("block-*.parquet"))) == (BLOCKS if store else 0)
    if store:
        again = simulate(TRIAL, N_SIM, 11, executor, store)
        assert (again.from_store, again.simulated) == (N_SIM, 0)
        assert again.rows.tobytes() == expected.tobytes()


def die(path):
    """End the worker that runs this, and leave a mark of it."""
    with open(path, "a") as file:
        file.write("died\n")
    os.kill(os.getpid(), signal.SIGKILL)


def dies_at_zero(item):
    return die(item[1]) if item[0] == 0 else item[0]


@pytest.mark.parametrize("retries", [1, pytest.param(10, marks=pytest.mark.verify)])
def test_a_block_that_kills_every_worker_is_given_up(tmp_path, cluster, retries):
    marks = tmp_path / "deaths"
    work = DaskCluster(cluster.scheduler_address, retries=retries).map(dies_at_zero, [(0, str(marks)), (1, ""), (2, "")])
    with pytest.raises(WorkerDied, match=f"died {retries + 1} times"):
        list(work)
    assert marks.read_text().count("died") == retries + 1


@pytest.mark.verify
def test_the_address_of_the_block_is_said(cluster, monkeypatch):
    def lost(self, fn, items):
        yield from (Serial().map(fn, list(items)[:1]))
        raise WorkerDied("its worker died 11 times")

    monkeypatch.setattr(DaskCluster, "map", lost)
    with pytest.raises(WorkerDied, match=r"replicates 10000 to 19999 \(seed 11\).*died 11 times; no finished block is lost"):
        simulate(TRIAL, N_SIM, 11, DaskCluster(cluster.scheduler_address))


@pytest.mark.verify
def test_workers_that_come_later_are_used(cluster):
    items = list(range(400))
    done = DaskCluster(cluster.scheduler_address).map(slow, items)
    first = next(done)
    cluster.scale(3)
    rest = list(done)
    assert [item for item, _ in (first, *rest)] == items
    assert len({pid for _, pid in rest}) == 3


def slow(item):
    time.sleep(0.02)
    return item, os.getpid()


def test_nobody_answers():
    with pytest.raises(InputError, match=r"no Dask scheduler with a worker answers at 'tcp://127.0.0.1:9'"):
        list(DaskCluster("tcp://127.0.0.1:9", timeout=0.5).map(abs, [1]))


@pytest.mark.verify
def test_a_cluster_whose_workers_all_left_is_given_up(cluster, monkeypatch):
    monkeypatch.setattr(dask_cluster, "LOOK", 0.2)
    done = DaskCluster(cluster.scheduler_address, timeout=1.0).map(slow, range(2000))
    next(done)
    cluster.scale(0)
    with pytest.raises(WorkerDied, match="no worker is left, and none came within 1 s"):
        list(done)


@pytest.mark.parametrize(("option", "value"), [("retries", -1), ("timeout", 0.0), ("workers", 0)])
def test_refuses_what_cannot_be_obeyed(option, value):
    with pytest.raises(InputError, match=f"executor.{option} is"):
        DaskCluster(**{option: value})
