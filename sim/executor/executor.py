"""Anything with map(fn, items): where blocks of replicates run. Results come back in the order of the items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import cpu_count
from typing import Any

from sim.types import InputError


class WorkerDied(RuntimeError):
    """A worker is gone and its block with it; finished blocks are safe where the store keeps them."""

    def __str__(self) -> str:
        return f"{super().__str__()}; no finished block is lost: the same command goes on from the store"


class Executor(ABC):
    """A place to run independent pieces of work. It never changes a result, only how soon it is there."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The executor's name in a report."""

    @property
    def store_is_shared(self) -> bool | None:
        """Whether workers reach the store's folder; None where they run on this machine."""
        return None

    @property
    def side_by_side(self) -> bool:
        """Whether it runs more than one piece of work at a time."""
        return True

    @contextmanager
    def kept(self) -> Iterator[Executor]:
        """Give an executor that keeps what it starts from one map to the next, and ends it with the block."""
        yield self

    @abstractmethod
    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield fn(item) for each item, in order."""


def resolve_workers(workers: int | None) -> int:
    """Return the number of workers: all cores when it is None.

    Examples
    --------
    >>> resolve_workers(2)
    2
    """
    if workers is None:
        return cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InputError(f"executor.workers is {workers}; allowed: a positive whole number, or null for all cores")
    return workers
