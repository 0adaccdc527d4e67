"""The installation qualification: what was run, on what, what deviates, and whether it passed."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.validation.check import BROKEN, NUMBER, REASON, Check
from sim.validation.families import FAMILIES
from sim.validation.family import Outcome


@dataclass(frozen=True, eq=False)
class Qualification:
    """Everything that the report shows.

    Parameters
    ----------
    outcomes : of the families that were run
    record : what `sim.provenance.collect` returned
    n_sim : replicates of each simulated trial
    executor : how simulations ran, in words
    """

    outcomes: Sequence[Outcome]
    record: Mapping[str, Any]
    n_sim: int
    executor: str

    @property
    def passed(self) -> bool:
        """Whether every family passed."""
        return bool(self.outcomes) and all(outcome.passed for outcome in self.outcomes)

    @property
    def left_out(self) -> list[str]:
        """Titles of the families that were not run."""
        run = {outcome.family.name for outcome in self.outcomes}
        return [family.title for family in FAMILIES if family.name not in run]

    @property
    def version(self) -> str:
        """Version of the program."""
        return str(self.record["versions"]["postcart"])

    @property
    def failed(self) -> list[str]:
        """Rows at fault, and families whose computation broke."""
        rows = [row for outcome in self.outcomes for row in outcome.failed]
        return rows + [o.family.name for o in self.outcomes if (o.error or not o.checks) and not o.failed]


def environment(qualification: Qualification) -> list[tuple[str, str]]:
    """Return (what, value) of program, machine and libraries."""
    record = qualification.record
    machine, git = record["platform"], record["git"]
    source = "installed package, no version control" if git is None else f"commit {git['commit']}{', modified' if git['modified'] else ''}"
    return [
        ("Program", f"postcart {qualification.version}"),
        ("Source", source),
        ("Computer", platform.node() or "unnamed"),
        ("Operating system", str(machine["system"])),
        ("Processor", f"{machine['processor']}, {machine['machine']}, {machine['cores']} cores"),
        ("Executor", qualification.executor),
        ("Seed", str(record["seed"])),
        ("Command", str(record["command"])),
        *((name, str(version)) for name, version in record["versions"].items() if name != "postcart"),
    ]


def reference_packages(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """Return (package with version, rows compared with it), the most used first."""
    rows: dict[str, set[tuple[str, str]]] = {}
    for outcome in outcomes:
        for c in (c for c in outcome.checks if c.kind == NUMBER):
            rows.setdefault(c.package, set()).add((outcome.family.name, c.id))
    return sorted(((name, len(ids)) for name, ids in rows.items()), key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True)
class Deviation:
    """Something that a reviewer must weigh: what, where, and whether it fails the qualification."""

    what: str
    where: str
    rows: tuple[str, ...]
    fails: bool


def deviations(qualification: Qualification) -> list[Deviation]:
    """Return every deviation, those that fail the qualification first."""
    out = []
    for o in qualification.outcomes:
        title = o.family.title
        if o.error:
            out.append(Deviation(f"The computation broke: {o.error}", title, (), True))
        elif not o.checks:
            out.append(Deviation("Nothing was compared", title, (), True))
        for reason, ids in grouped([(c.id, c.note) for c in o.checks if c.kind == BROKEN]):
            out.append(Deviation(f"The computation of a row broke: {reason}", title, ids, True))
        failed = tuple(dict.fromkeys(c.id for c in o.checks if not c.passed and c.kind != BROKEN))
        if failed:
            out.append(Deviation("A computed number is outside its tolerance", title, failed, True))
        if o.unaccounted:
            out.append(Deviation("A reference row was neither compared nor excluded with a reason", title, o.unaccounted, True))
    for o in qualification.outcomes:
        for reason, ids in grouped(o.excluded):
            out.append(Deviation(f"Not compared: {reason}", o.family.title, ids, False))
        otherwise = tuple((c.id, c.note) for c in o.checks if c.kind == REASON)
        for reason, ids in grouped(otherwise):
            out.append(Deviation(f"Not comparable by number, the reason being checked instead: {reason}", o.family.title, ids, False))
        by_chance = tuple(c.id for c in o.checks if c.passed and c.difference > c.tolerance)
        if by_chance:
            out.append(
                Deviation(
                    "Outside their 95 % interval, no more of them than chance allows by the criterion", o.family.title, by_chance, False
                )
            )
    if qualification.left_out:
        out.append(
            Deviation(
                "Families left out by task.families: this run alone is no full qualification", ", ".join(qualification.left_out), (), False
            )
        )
    git = qualification.record["git"]
    if git is not None and git["modified"]:
        out.append(Deviation("The source files differ from the commit named under Environment", "source code", (), False))
    return out


def grouped(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return (reason, ids) of (id, reason) pairs, reasons in order of first appearance.

    Examples
    --------
    >>> grouped([("a", "x"), ("b", "y"), ("c", "x")])
    [('x', ('a', 'c')), ('y', ('b',))]
    """
    out: dict[str, list[str]] = {}
    for id, reason in pairs:
        out.setdefault(reason, []).append(id)
    return [(reason, tuple(dict.fromkeys(ids))) for reason, ids in out.items()]


def nearest(outcome: Outcome) -> Check | None:
    """Return the check that comes nearest to its tolerance, or exceeds it most; None where every number is equal.

    What chance allows to be outside is left out: it stands under the deviations.
    """
    differing = [c for c in outcome.checks if not c.passed or 0 < c.difference <= c.tolerance]
    return max(differing, key=lambda c: c.difference / c.tolerance if c.tolerance else math.inf, default=None)


def small(value: float) -> str:
    """Write a difference or a tolerance to two digits; 0 as 0.

    Examples
    --------
    >>> small(0.0), small(3.14e-8), small(0.0025), small(float("inf"))
    ('0', '3.1e-08', '2.5e-03', 'inf')
    """
    return "0" if value == 0 else f"{value:.1e}"


def totals(outcomes: Sequence[Outcome]) -> tuple[int, int, int, float]:
    """(rows compared, checks, rows not compared, seconds)."""
    return (
        sum(o.compared for o in outcomes),
        sum(len(o.checks) for o in outcomes),
        sum(len(o.not_compared) for o in outcomes),
        sum(o.seconds for o in outcomes),
    )
