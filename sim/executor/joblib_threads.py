"""Run blocks on threads through joblib: the kernels release the interpreter's lock, so threads scale and start at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sim.executor.executor import Executor, resolve_workers
from sim.later import later

Parallel = later("joblib", "Parallel")
delayed = later("joblib", "delayed")


@dataclass(frozen=True)
class JoblibThreads(Executor):
    """Use `workers` threads; None takes all cores."""

    workers: int | None = None

    def __post_init__(self) -> None:
        resolve_workers(self.workers)

    @property
    def label(self) -> str:
        return f"joblib threads, {resolve_workers(self.workers)} workers"

    @property
    def side_by_side(self) -> bool:
        return resolve_workers(self.workers) > 1

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        pool = Parallel(n_jobs=resolve_workers(self.workers), backend="threading", return_as="generator", batch_size=1)
        work = _Stoppable(fn)
        try:
            yield from pool(delayed(work)(item) for item in items)
        finally:
            work.stop()


class _Stoppable:
    """Let what runs end before an error goes on: joblib abandons its threads, and a program that ends would cut one short in mid-file."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self._fn = fn
        self._change = threading.Condition()
        self._running = 0
        self._stopped = False

    def __call__(self, item: Any) -> Any:
        with self._change:
            if self._stopped:
                return None
            self._running += 1
        try:
            return self._fn(item)
        finally:
            with self._change:
                self._running -= 1
                self._change.notify_all()

    def stop(self) -> None:
        """Start nothing more, and wait for what runs."""
        with self._change:
            self._stopped = True
            self._change.wait_for(lambda: self._running == 0)
