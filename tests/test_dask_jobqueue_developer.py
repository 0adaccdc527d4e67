"""Level: developer. The batch-system executor against a stand-in for dask-jobqueue whose jobs are processes of this machine."""

import operator
import sys
import time
import types

import pytest

from sim.executor import dask_cluster
from sim.executor.dask_jobqueue import SYSTEMS, DaskJobQueue
from sim.types import InputError
from tests.thinning import one_in


class Notes(list):
    """What was asked for, and the clusters that were made for it."""

    clusters: list


@pytest.fixture
def batch_system(monkeypatch):
    """Give every system a cluster that writes down what it was asked for; return the notes."""
    from distributed import LocalCluster

    asked, clusters = Notes(), []
    asked.clusters = clusters

    def submitting(name):
        class Cluster(LocalCluster):
            def __init__(self, **options):
                asked.append((name, options))
                clusters.append(self)
                super().__init__(n_workers=0, threads_per_worker=1, dashboard_address=None, silence_logs=50)

            def scale(self, n):
                asked.append(("scale", n))
                super().scale(min(n, 2))

        return Cluster

    stand_in = types.ModuleType("dask_jobqueue")
    for name in SYSTEMS.values():
        setattr(stand_in, name, submitting(name))
    monkeypatch.setitem(sys.modules, "dask_jobqueue", stand_in)
    return asked


@pytest.mark.process
def test_slurm_is_asked_for_what_the_configuration_says(batch_system):
    executor = DaskJobQueue(
        workers=16, queue="short", account="lymphoma", walltime="00:30:00", directives=["--constraint=icelake"], prologue=["module load python"]
    )  # fmt: skip
    assert list(executor.map(operator.neg, range(9))) == [-x for x in range(9)]
    (name, options), (_, n) = batch_system[:2]
    assert name == "SLURMCluster"
    assert n == 16
    assert options == {
        "cores": 8, "processes": 8, "memory": "8GB", "walltime": "00:30:00", "log_directory": "outputs/jobs", "queue": "short", "account": "lymphoma",
        "job_extra_directives": ["--constraint=icelake"], "job_script_prologue": ["module load python"],
    }  # fmt: skip


@pytest.mark.process
@pytest.mark.parametrize(("system", "word"), one_in(3, [("pbs", "account"), ("sge", "project"), ("lsf", "project")]))
def test_other_systems_name_the_account_in_their_own_way(batch_system, system, word):
    assert list(DaskJobQueue(system=system, account="lymphoma").map(operator.neg, [1])) == [-1]
    name, options = batch_system[0]
    assert name == SYSTEMS[system]
    assert options[word] == "lymphoma"


@pytest.mark.verify
@pytest.mark.process
def test_jobs_that_end_at_their_walltime_are_asked_for_again(batch_system, monkeypatch):
    monkeypatch.setattr(dask_cluster, "LOOK", 0.2)
    done = DaskJobQueue(workers=2).map(slow, range(100))
    first = next(done)
    [cluster] = batch_system.clusters
    for _ in range(2):
        ended = next(iter(cluster.workers.values()))
        cluster.sync(ended.close)
    assert [first, *done] == list(range(100))
    assert ("scale", 2) in batch_system[2:]


def slow(item):
    time.sleep(0.02)
    return item


@pytest.mark.verify
@pytest.mark.process
def test_the_queue_is_waited_for_once(batch_system):
    with DaskJobQueue().kept() as kept:
        assert [list(kept.map(operator.neg, [i])) for i in (1, 2)] == [[-1], [-2]]
        assert len(batch_system.clusters) == 1
    assert batch_system.clusters[0].status.name == "closed"


def test_without_the_extra_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(InputError, match=r"needs dask-jobqueue; allowed: pip install 'postcart\[jobqueue\]'"):
        list(DaskJobQueue().map(operator.neg, [1]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"system": "cron"}, "executor.system is 'cron'; allowed: slurm"),
        ({"processes": 9}, "executor.processes is 9 with 8 cores"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_refuses_what_no_system_can_do(options, words):
    with pytest.raises(InputError, match=words):
        DaskJobQueue(**options)
