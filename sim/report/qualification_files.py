"""The installation qualification as files: a page to sign, its rows as CSV, everything as JSON."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from sim import provenance
from sim.report.qualification import Qualification, deviations, environment, grouped, nearest, reference_packages, small, totals
from sim.validation.check import Check, Numbers

COLUMNS = ("family", "id", "package", "function", "quantity", "expected", "got", "difference", "tolerance", "result", "note")
_TEMPLATES = Path(__file__).parent / "templates"


def write(qualification: Qualification, folder: Path) -> None:
    """Write qualification.html, qualification.json and qualification.csv into `folder`, each whole or not at all.

    Raises
    ------
    OSError : when the folder cannot be written
    """
    rows = as_csv(qualification)
    digest = hashlib.sha256(rows.encode()).hexdigest()
    provenance.write_atomically(folder / "qualification.csv", rows)
    provenance.write_atomically(folder / "qualification.json", as_json(qualification))
    provenance.write_atomically(folder / "qualification.html", render(qualification, digest))


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
            "not_compared": [{"id": id, "reason": reason} for id, reason in o.not_compared],
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


def render(qualification: Qualification, digest: str) -> str:
    """Return the report as one self-contained page; `digest` is the SHA-256 of qualification.csv, which the signatures stand for."""
    return _template().render(
        q=qualification,
        digest=digest,
        css=Markup(
            (_TEMPLATES / "report.css").read_text(encoding="utf-8") + (_TEMPLATES / "qualification.css").read_text(encoding="utf-8")
        ),
        outcomes=[(f"IQ-{k:02d}", outcome) for k, outcome in enumerate(qualification.outcomes, 1)],
        environment=environment(qualification),
        packages=reference_packages(qualification.outcomes),
        deviations=deviations(qualification),
        totals=totals(qualification.outcomes),
        nearest=nearest,
        numbers=numbers,
        small=small,
        grouped=grouped,
    )


def numbers(values: Numbers) -> str:
    """Write numbers to ten significant digits."""
    return "; ".join(f"{value:.10g}" for value in values)


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
