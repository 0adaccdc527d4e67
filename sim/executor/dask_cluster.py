"""Run blocks on a Dask cluster: one that is there, or one of this machine's processes for the time of the run."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from sim.executor.executor import Executor, WorkerDied, resolve_workers
from sim.types import InputError

AHEAD = 4  # pieces of work handed out per core beyond those that run: hides the way there, and bounds what waits here


@dataclass(frozen=True)
class DaskCluster(Executor):
    """Use the cluster at `address`, or else start `workers` processes here.

    Parameters
    ----------
    address : of a scheduler, for example tcp://10.0.0.1:8786, or None for a cluster of this machine's own
    workers : processes of an own cluster; None takes all cores
    retries : times that a piece of work is run again after its worker was lost
    shared_store : workers see the store's folder at the same path, write blocks there themselves and return no rows
    timeout : seconds to wait for the scheduler and its first worker

    References
    ----------
    Rocklin, Proceedings of the 14th Python in Science Conference (2015), 126.
    """

    address: str | None = None
    workers: int | None = None
    retries: int = 10
    shared_store: bool = True
    timeout: float = 60.0

    def __post_init__(self) -> None:
        resolve_workers(self.workers)
        check_dask(self.retries, self.timeout)

    @property
    def label(self) -> str:
        return f"dask at {self.address}" if self.address else f"dask, {resolve_workers(self.workers)} processes of this machine"

    @property
    def store_is_shared(self) -> bool:
        return self.shared_store

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return on_cluster(fn, items, self._cluster, self.retries, self.timeout)

    def _cluster(self) -> AbstractContextManager[Any]:
        if self.address:
            return _at(self.address)
        from distributed import LocalCluster

        workers = resolve_workers(self.workers)
        return LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50)  # type: ignore[no-untyped-call]


@contextmanager
def _at(address: str) -> Iterator[str]:
    # somebody else's cluster is left as it is
    yield address


def check_dask(retries: int, timeout: float) -> None:
    """Refuse numbers that no cluster can obey."""
    if not 0 <= retries <= 1000:
        raise InputError(f"executor.retries is {retries}; allowed: 0 to 1000")
    if not 0 < timeout < float("inf"):
        raise InputError(f"executor.timeout is {timeout}; allowed: a positive number of seconds")


def on_cluster(
    fn: Callable[[Any], Any], items: Iterable[Any], cluster: Callable[[], AbstractContextManager[Any]], retries: int, timeout: float
) -> Iterator[Any]:
    """Yield fn(item) for each item, in order, from the workers of a cluster that lives as long as this.

    Parameters
    ----------
    cluster : makes the cluster, or its address, as a context
    retries, timeout : as in `DaskCluster`

    Raises
    ------
    WorkerDied : a piece of work lost more than `retries` workers
    InputError : Dask is not installed, or no scheduler or worker answers
    """
    todo = iter(items)
    peeked = list(itertools.islice(todo, 1))
    if not peeked:
        return
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise InputError("executor: Dask is not installed; allowed: pip install 'postcart[dask]', or executor=joblib_threads") from error
    todo = itertools.chain(peeked, todo)
    with cluster() as where, _client(Client, where, timeout) as client:
        # the scheduler's own limit is 3
        client.run_on_scheduler(_allow, retries)
        waiting: deque[Any] = deque()
        while True:
            cores = max(1, sum(client.ncores().values()))
            for item in itertools.islice(todo, max(0, AHEAD * cores - len(waiting))):
                waiting.append(client.submit(fn, item, pure=False))
            if not waiting:
                return
            try:
                result = waiting.popleft().result()
            except KilledWorker as error:
                raise WorkerDied(f"its worker died {retries + 1} times") from error
            yield result


def _allow(retries: int, dask_scheduler: Any = None) -> None:
    dask_scheduler.allowed_failures = retries


@contextmanager
def _client(kind: Any, where: Any, timeout: float) -> Iterator[Any]:
    try:
        client = kind(where, timeout=timeout, set_as_default=False)
        client.wait_for_workers(1, timeout=timeout)
    except (OSError, TimeoutError) as error:
        raise InputError(
            f"executor: no Dask scheduler with a worker answers at {where!r} within {timeout:g} s; allowed: its address"
        ) from error
    try:
        yield client
    finally:
        client.close()
