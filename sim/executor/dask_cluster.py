"""Run blocks on a Dask cluster: one that is there, or one of this machine's processes for the time of the run."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sim.executor.executor import Executor, WorkerDied, resolve_workers
from sim.types import InputError

LOOK = 5.0  # seconds between looks at who is there
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

    @property
    def side_by_side(self) -> bool:
        return self.address is not None or resolve_workers(self.workers) > 1

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        with self.kept() as kept:
            yield from kept.map(fn, items)

    @contextmanager
    def kept(self) -> Iterator[Executor]:
        with Kept(self, self._cluster, self.retries, self.timeout).closing() as kept:
            yield kept

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


class Kept(Executor):
    """A cluster that is made at the first piece of work and serves every map until it is closed.

    Parameters
    ----------
    chosen : the executor that it stands for
    cluster : makes the cluster, or its address, as a context
    retries, timeout : as in `DaskCluster`
    renew : called with the cluster and the names of the workers that are there, and of those that left for good
    """

    def __init__(
        self,
        chosen: Executor,
        cluster: Callable[[], AbstractContextManager[Any]],
        retries: int,
        timeout: float,
        renew: Callable[[Any, set[str], set[str]], None] = lambda cluster, here, gone: None,
    ) -> None:
        self._chosen, self._cluster, self._retries, self._timeout, self._renew = chosen, cluster, retries, timeout, renew
        self._made = ExitStack()
        self._where: Any = None
        self._client: Any = None
        self._seen: set[str] = set()  # names of all workers so far
        self._absent: set[str] = set()  # of them, those that were away at the last look
        self._looked = self._served = 0.0  # moments of the last look, and of the last one with a worker

    @property
    def label(self) -> str:
        return self._chosen.label

    @property
    def store_is_shared(self) -> bool | None:
        return self._chosen.store_is_shared

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield fn(item) for each item, in order.

        Raises
        ------
        WorkerDied : a piece of work lost more than `retries` workers, or no worker is left
        InputError : Dask is not installed, or no scheduler or worker answers
        """
        todo = iter(items)
        peeked = list(itertools.islice(todo, 1))
        if not peeked:
            return
        client, lost = self._connected(), _killed_worker()
        todo = itertools.chain(peeked, todo)
        waiting: deque[Any] = deque()
        try:
            while True:
                cores = max(1, sum(client.ncores().values()))
                for item in itertools.islice(todo, max(0, AHEAD * cores - len(waiting))):
                    waiting.append(client.submit(fn, item, pure=False))
                if not waiting:
                    return
                try:
                    result = self._result(waiting.popleft())
                except lost as error:
                    raise WorkerDied(f"its worker died {self._retries + 1} times") from error
                yield result
        finally:
            # whoever stops listening leaves no work behind for the maps that follow
            if waiting and client.status == "running":
                client.cancel(list(waiting))

    @contextmanager
    def closing(self) -> Iterator[Kept]:
        """End with the block what was made."""
        try:
            yield self
        finally:
            self._client = None
            self._made.close()

    def _connected(self) -> Any:
        if self._client is None:
            try:
                from distributed import Client
            except ImportError as error:
                raise InputError(
                    "executor: Dask is not installed; allowed: pip install 'postcart[dask]', or executor=joblib_threads"
                ) from error
            self._where = self._made.enter_context(self._cluster())
            self._client = self._made.enter_context(_client(Client, self._where, self._timeout))
            # the scheduler's own limit is 3
            self._client.run_on_scheduler(_allow, self._retries)
            self._served = time.monotonic()
        return self._client

    def _result(self, future: Any) -> Any:
        while True:
            self._look()
            try:
                return future.result(timeout=LOOK)
            except TimeoutError:
                if future.status == "error":  # it is the work that ran out of time
                    raise

    def _look(self) -> None:
        """Have workers replaced that left for good, as batch jobs do at their walltime; give up when nobody is left for long."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        here = self._client.run_on_scheduler(_names)
        # a process that died comes back under its name within a look
        absent = self._seen - here
        gone, self._absent = absent & self._absent, absent
        self._seen |= here
        self._looked = now
        if here:
            self._served = now
        elif now - self._served > self._timeout:
            raise WorkerDied(f"no worker is left, and none came within {self._timeout:g} s")
        if gone:
            self._renew(self._where, here, gone)


def _killed_worker() -> type[Exception]:
    from distributed import KilledWorker

    return KilledWorker


def _allow(retries: int, dask_scheduler: Any = None) -> None:
    dask_scheduler.allowed_failures = retries


def _names(dask_scheduler: Any = None) -> set[str]:
    return {str(worker.name) for worker in dask_scheduler.workers.values()}


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
