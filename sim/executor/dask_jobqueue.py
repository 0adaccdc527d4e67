"""Run blocks in the jobs of a batch system (SLURM, PBS, SGE, LSF) through dask-jobqueue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sim.executor.dask_cluster import Kept, check_dask
from sim.executor.executor import Executor, resolve_workers
from sim.types import InputError

SYSTEMS = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster"}


@dataclass(frozen=True)
class DaskJobQueue(Executor):
    """Ask a batch system for `workers` worker processes and run blocks in them.

    Parameters
    ----------
    system : slurm, pbs, sge or lsf
    workers : worker processes in all; None takes as many as one job has
    queue, account : the batch system's own names; None leaves them out
    cores, processes : cores of one job and the worker processes that share them; equal, a process computes on one core
    memory : of one job, for example 8GB
    walltime : of one job, as the batch system writes it; a job that ends is asked for again
    directives : more lines for the job's head, for example --constraint=icelake
    prologue : shell commands before a worker starts, for example module load python
    logs : folder of what the jobs print
    interface : network interface on which scheduler and workers meet, for example ib0
    retries, shared_store, timeout : as in `DaskCluster`; the wait includes the queue's
    """

    system: str = "slurm"
    workers: int | None = None
    queue: str | None = None
    account: str | None = None
    cores: int = 8
    processes: int = 8
    memory: str = "8GB"
    walltime: str = "01:00:00"
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    logs: str = "outputs/jobs"
    interface: str | None = None
    retries: int = 10
    shared_store: bool = True
    timeout: float = 3600.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "directives", tuple(str(x) for x in self.directives))
        object.__setattr__(self, "prologue", tuple(str(x) for x in self.prologue))
        if self.workers is not None:
            resolve_workers(self.workers)
        check_dask(self.retries, self.timeout)
        if self.system not in SYSTEMS:
            raise InputError(f"executor.system is {self.system!r}; allowed: {', '.join(SYSTEMS)}")
        if not 1 <= self.processes <= self.cores:
            raise InputError(f"executor.processes is {self.processes} with {self.cores} cores; allowed: 1 to the number of cores")

    @property
    def label(self) -> str:
        return f"dask on {self.system.upper()}, {self.workers or self.processes} workers"

    @property
    def store_is_shared(self) -> bool:
        return self.shared_store

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        with self.kept() as kept:
            yield from kept.map(fn, items)

    @contextmanager
    def kept(self) -> Iterator[Executor]:
        with Kept(self, self._cluster, self.retries, self.timeout, self._renew).closing() as kept:
            yield kept

    def _cluster(self) -> Any:
        try:
            import dask_jobqueue
        except ImportError as error:
            raise InputError(
                "executor=dask_jobqueue needs dask-jobqueue; allowed: pip install 'postcart[jobqueue]', or executor=dask with an address"
            ) from error
        account = {"account": self.account} if self.system in ("slurm", "pbs") else {"project": self.account}
        chosen = {"queue": self.queue, "interface": self.interface, **account}
        cluster = getattr(dask_jobqueue, SYSTEMS[self.system])(
            cores=self.cores,
            processes=self.processes,
            memory=self.memory,
            walltime=self.walltime,
            log_directory=self.logs,
            job_extra_directives=list(self.directives),
            job_script_prologue=list(self.prologue),
            **{key: value for key, value in chosen.items() if value is not None},
        )
        cluster.scale(self.workers or self.processes)
        return cluster

    def _renew(self, cluster: Any, here: set[str], gone: set[str]) -> None:
        """Ask anew for the jobs that have ended: dask-jobqueue would count them among those that it has."""
        asked = {str(job): job for job in cluster.worker_spec}
        ended = {_job(worker, asked) for worker in gone} - {_job(worker, asked) for worker in here}
        # first out, then in: a new job may bear the name of one that is gone
        cluster.sync(cluster.scale_down, [asked[job] for job in ended & set(asked)])
        cluster.scale(self.workers or self.processes)


def _job(worker: str, jobs: Iterable[str]) -> str:
    # the processes of one job are called after it, with a number each where there are several
    return worker if worker in jobs else worker.rpartition("-")[0]
