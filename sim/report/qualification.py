"""The installation qualification report: what was run, on what, with which criteria, row by row, and who signs."""

from __future__ import annotations

import csv
import io
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sim import provenance
from sim.validation.check import Check, Numbers
from sim.validation.families import FAMILIES
from sim.validation.family import Outcome

COLUMNS = ("family", "id", "package", "function", "quantity", "expected", "got", "difference", "tolerance", "result", "note")
_TEMPLATES = Path(__file__).parent / "templates"
_NOT_BY_NUMBER = "why it is not comparable"
WIDTH = 80


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


def write(qualification: Qualification, folder: Path) -> None:
    """Write qualification.html, qualification.json and qualification.csv into `folder`, each whole or not at all.

    Raises
    ------
    OSError : when the folder cannot be written
    """
    provenance.write_atomically(folder / "qualification.csv", as_csv(qualification))
    provenance.write_atomically(folder / "qualification.json", as_json(qualification))
    provenance.write_atomically(folder / "qualification.html", render(qualification))


def as_csv(qualification: Qualification) -> str:
    """Return one line for each comparison, and one for each row that is not compared; vectors `;`-joined, numbers to the last bit."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for outcome in qualification.outcomes:
        for c in outcome.checks:
            numbers = (_joined(c.expected), _joined(c.got), repr(c.difference), repr(c.tolerance))
            writer.writerow((c.family, c.id, c.package, c.function, c.quantity, *numbers, "pass" if c.passed else "fail", c.note))
        for id, reason in outcome.excluded:
            writer.writerow((outcome.family.name, id, *[""] * 7, "not compared", reason))
        for id in outcome.unaccounted:
            writer.writerow((outcome.family.name, id, *[""] * 7, "fail", "neither compared nor excluded"))
    return out.getvalue()


def as_json(qualification: Qualification) -> str:
    """Return the whole report as JSON; numbers that JSON has no word for are the strings nan, inf and -inf."""
    families = [
        {
            "name": o.family.name,
            "title": o.family.title,
            "method": o.family.method,
            "acceptance_criterion": o.family.criterion,
            "reference_file": o.family.file,
            "result": _result(o.passed),
            "rows_compared": o.compared,
            "error": o.error,
            "seconds": round(o.seconds, 3),
            "checks": [_plain(c) for c in o.checks],
            "not_compared": [{"id": id, "reason": reason} for id, reason in o.excluded],
            "unaccounted": list(o.unaccounted),
        }
        for o in qualification.outcomes
    ]
    document = {
        "document": "installation qualification report",
        "program": "postcart",
        "version": qualification.version,
        "result": _result(qualification.passed),
        "failed": qualification.failed,
        "replicates": qualification.n_sim,
        "executor": qualification.executor,
        "families_left_out": qualification.left_out,
        "families": families,
        "environment": dict(qualification.record),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def render(qualification: Qualification) -> str:
    """Return the report as one self-contained page."""
    return _template().render(
        q=qualification,
        css=Markup(
            (_TEMPLATES / "report.css").read_text(encoding="utf-8") + (_TEMPLATES / "qualification.css").read_text(encoding="utf-8")
        ),
        outcomes=[(f"IQ-{k:02d}", outcome) for k, outcome in enumerate(qualification.outcomes, 1)],
        environment=environment(qualification),
        packages=reference_packages(qualification.outcomes),
        deviations=deviations(qualification),
        totals=_totals(qualification.outcomes),
        nearest=nearest,
        numbers=numbers,
        small=small,
        grouped=grouped,
    )


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
        for c in outcome.checks:
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
        failed = tuple(dict.fromkeys(c.id for c in o.checks if not c.passed))
        if failed:
            out.append(Deviation("A computed number is outside its tolerance", title, failed, True))
        if o.unaccounted:
            out.append(Deviation("A reference row was neither compared nor excluded with a reason", title, o.unaccounted, True))
    for o in qualification.outcomes:
        for reason, ids in grouped(o.excluded):
            out.append(Deviation(f"Not compared: {reason}", o.family.title, ids, False))
        otherwise = tuple((c.id, c.note) for c in o.checks if c.quantity.endswith(_NOT_BY_NUMBER))
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


def numbers(values: Numbers) -> str:
    """Write numbers to ten significant digits."""
    return "; ".join(f"{value:.10g}" for value in values)


def small(value: float) -> str:
    """Write a difference or a tolerance to two digits; 0 as 0.

    Examples
    --------
    >>> small(0.0), small(3.14e-8), small(0.0025), small(float("inf"))
    ('0', '3.1e-08', '2.5e-03', 'inf')
    """
    return "0" if value == 0 else f"{value:.1e}"


def print_qualification(qualification: Qualification, console: Console) -> None:
    """Print one line for each family, and the rows that failed; no line is wider than 80 columns."""
    width = min(WIDTH, console.width)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, header_style="bold")
    table.add_column("Family", overflow="fold")
    for head in ("rows", "checks", "nearest", "allowed"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("result", no_wrap=True)
    for o in qualification.outcomes:
        near = nearest(o)
        values = ("equal", "") if near is None else (small(near.difference), small(near.tolerance))
        verdict = Text("pass" if o.passed else "FAIL", style="green" if o.passed else "bold red")
        table.add_row(Text(o.family.title), str(o.compared), str(len(o.checks)), *values, verdict)
    console.print(table, width=width, highlight=False)
    rows, checks = _totals(qualification.outcomes)[:2]
    console.print(
        Padding(Text(f"{rows} rows, {checks} checks; nearest: the difference nearest to what is allowed."), (0, 0, 0, 1), expand=False),
        width=width,
    )
    for o in qualification.outcomes:
        if o.error:
            console.print(Padding(Text(f"{o.family.title} broke: {o.error}"), (0, 0, 0, 1), expand=False), width=width)
    if qualification.failed:
        console.print(Padding(Text(f"Failed: {', '.join(qualification.failed)}"), (0, 0, 0, 1), expand=False), width=width)


def _totals(outcomes: Sequence[Outcome]) -> tuple[int, int, int, float]:
    """(rows compared, checks, rows not compared, seconds)."""
    return (
        sum(o.compared for o in outcomes),
        sum(len(o.checks) for o in outcomes),
        sum(len(o.excluded) for o in outcomes),
        sum(o.seconds for o in outcomes),
    )


def _joined(values: Numbers) -> str:
    return ";".join(repr(value) for value in values)


def _result(passed: bool) -> str:
    return "passed" if passed else "failed"


def _plain(c: Check) -> dict[str, Any]:
    return {
        "id": c.id,
        "package": c.package,
        "function": c.function,
        "quantity": c.quantity,
        "expected": [_number(v) for v in c.expected],
        "got": [_number(v) for v in c.got],
        "difference": _number(c.difference),
        "tolerance": _number(c.tolerance),
        "result": "pass" if c.passed else "fail",
        "note": c.note,
    }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("qualification.html.j2")
