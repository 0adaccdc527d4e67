"""Run blocks on threads through joblib: the kernels release the interpreter's lock, so threads scale and start at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from joblib import Parallel, delayed

from sim.executor.executor import Executor, resolve_workers


@dataclass(frozen=True)
class JoblibThreads(Executor):
    """Use `workers` threads; None takes all cores."""

    workers: int | None = None

    def __post_init__(self) -> None:
        resolve_workers(self.workers)

    @property
    def label(self) -> str:
        return f"joblib threads, {resolve_workers(self.workers)} workers"

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        pool = Parallel(n_jobs=resolve_workers(self.workers), backend="threading", return_as="generator", batch_size=1)
        return pool(delayed(fn)(item) for item in items)
