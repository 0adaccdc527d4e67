"""Run blocks one after another in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sim.executor.executor import Executor


@dataclass(frozen=True)
class Serial(Executor):
    """Use one core and no pool: the executor to debug with."""

    @property
    def label(self) -> str:
        return "serial"

    @property
    def side_by_side(self) -> bool:
        return False

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return map(fn, items)
