"""What a family of checks is, what it came to, and how families are run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from sim.executor.executor import Executor
from sim.executor.serial import Serial
from sim.trial import Trial
from sim.validation.check import NUMBER, REASON, Check, Reference, broken
from sim.validation.reading import rows

Exclusions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Conditions:
    """What the families need besides the reference rows.

    Parameters
    ----------
    n_sim : replicates of each simulated trial
    seed : of every simulation
    executor : where simulations run
    scenarios : the shipped textbook scenarios, by the names of `textbook.SCENARIOS`
    calibration : the table of `sim.calibration.verdicts.calibrate`; source : the paper behind it
    """

    n_sim: int = 200_000
    seed: int = 2657
    executor: Executor = field(default_factory=Serial)
    scenarios: Mapping[str, Trial] = field(default_factory=dict)
    calibration: pd.DataFrame | None = None
    source: str = ""


Group = Sequence[Reference]
"""Rows that are computed together."""


def singly(rows: Group) -> list[Group]:
    """Return each row as a group of its own."""
    return [[row] for row in rows]


@dataclass(frozen=True, eq=False)
class Guarded:
    """Compute one group of rows; where that breaks, each of its rows fails and no other. A class, so that processes can receive it."""

    family: str
    check: Callable[[Group, int, int], list[Check]]
    n_sim: int
    seed: int

    def __call__(self, group: Group) -> list[Check]:
        try:
            return self.check(group, self.n_sim, self.seed)
        except Exception as error:
            return [broken(self.family, row, error) for row in group]


@dataclass(frozen=True, eq=False)
class ByRow:
    """The computation of a family of reference rows, group by group.

    Parameters
    ----------
    family : its name
    check : (rows of a group, replicates, seed) -> checks
    rows : the rows; grouped : rows -> groups of rows that are computed together
    spread : whether groups are long enough to be spread over the executor
    """

    family: str
    check: Callable[[Group, int, int], list[Check]]
    rows: Callable[[], Group]
    grouped: Callable[[Group], Sequence[Group]] = singly
    spread: bool = False

    def __call__(self, conditions: Conditions) -> list[Check]:
        guarded = Guarded(self.family, self.check, conditions.n_sim, conditions.seed)
        groups = self.grouped(self.rows())
        found = conditions.executor.map(guarded, groups) if self.spread else map(guarded, groups)
        return [check for checks in found for check in checks]


@dataclass(frozen=True, eq=False)
class Family:
    """One family of checks.

    Parameters
    ----------
    name : short name, as task.families takes it
    title, method, criterion : for the report
    compute : conditions -> checks
    file : the reference file whose rows it covers, or "" where there is none
    belongs : which rows of that file are its own
    excluded : conditions -> (id, why it is not compared), of what is named without being compared
    """

    name: str
    title: str
    method: str
    criterion: str
    compute: Callable[[Conditions], list[Check]]
    file: str = ""
    belongs: Callable[[Reference], bool] = lambda row: True
    excluded: Callable[[Conditions], Exclusions] = lambda conditions: ()

    @property
    def rows(self) -> list[Reference]:
        """The reference rows of the family."""
        return [row for row in rows(self.file) if self.belongs(row)] if self.file else []


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a family came to.

    Parameters
    ----------
    family : which
    checks : all comparisons
    excluded : (id, why it is not compared)
    unaccounted : rows that were neither compared nor excluded
    error : why the computation broke, or ""
    seconds : how long it took
    """

    family: Family
    checks: tuple[Check, ...]
    excluded: Exclusions
    unaccounted: tuple[str, ...]
    error: str
    seconds: float

    @property
    def failed(self) -> tuple[str, ...]:
        """Rows at fault: a check that failed, or no check at all."""
        return tuple(dict.fromkeys([c.id for c in self.checks if not c.passed] + list(self.unaccounted)))

    @property
    def compared(self) -> int:
        """Number of rows of which a number was compared."""
        return len(self._numbers)

    @property
    def not_compared(self) -> Exclusions:
        """(id, why), of the rows of which no number was compared: left out with a reason, or the reason itself was checked."""
        reasoned = {c.id: c.note for c in self.checks if c.kind == REASON and c.id not in self._numbers}
        return (*self.excluded, *reasoned.items())

    @property
    def _numbers(self) -> set[str]:
        return {c.id for c in self.checks if c.kind == NUMBER}

    @property
    def passed(self) -> bool:
        """Whether every row was accounted for and agrees."""
        return bool(self.checks) and not self.failed and not self.error


def run(families: Sequence[Family], conditions: Conditions) -> Iterator[Outcome]:
    """Run the families one after the other; a row that breaks fails alone, and what breaks outside of rows fails its family and no other."""
    for family in families:
        start = time.perf_counter()
        checks: list[Check] = []
        error = ""
        try:
            checks = family.compute(conditions)
        except Exception as broken:
            error = f"{type(broken).__name__}: {broken}"
        excluded = family.excluded(conditions)
        known = {c.id for c in checks} | {id for id, _ in excluded}
        unaccounted = tuple(str(row.id) for row in family.rows if str(row.id) not in known)
        yield Outcome(family, tuple(checks), excluded, unaccounted, error, time.perf_counter() - start)
