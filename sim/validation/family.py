"""What a family of checks is, what it came to, and how families are run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from sim.executor.executor import Executor
from sim.executor.serial import Serial
from sim.trial import Trial
from sim.validation.check import Check, Reference
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
        """Number of rows that were compared."""
        return len({c.id for c in self.checks})

    @property
    def passed(self) -> bool:
        """Whether every row was accounted for and agrees."""
        return bool(self.checks) and not self.failed and not self.error


def run(families: Sequence[Family], conditions: Conditions) -> Iterator[Outcome]:
    """Run the families one after the other; a computation that breaks fails its family and no other."""
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
