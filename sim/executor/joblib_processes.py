"""Run blocks in processes through joblib's loky: a worker's memory and crash are its own, at two seconds to start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sim.executor.executor import Executor, WorkerDied, resolve_workers
from sim.later import later

Parallel = later("joblib", "Parallel")
delayed = later("joblib", "delayed")


@dataclass(frozen=True)
class JoblibProcesses(Executor):
    """Use `workers` processes; None takes all cores."""

    workers: int | None = None

    def __post_init__(self) -> None:
        resolve_workers(self.workers)

    @property
    def label(self) -> str:
        return f"joblib processes, {resolve_workers(self.workers)} workers"

    @property
    def side_by_side(self) -> bool:
        return resolve_workers(self.workers) > 1

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        pool = Parallel(n_jobs=resolve_workers(self.workers), backend="loky", return_as="generator", batch_size=1)
        try:
            yield from pool(delayed(fn)(item) for item in items)
        except TerminatedWorkerError as error:
            raise WorkerDied("a worker process died: killed, or out of memory (run.workers makes them fewer)") from error
