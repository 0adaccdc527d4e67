"""One replayed replicate as a self-contained page: what was decided when, and every patient behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from sim.report.figures.swimmer import swimmer
from sim.report.figures.timeline import timeline
from sim.report.figures.z_path import z_path

_CSS = Path(__file__).parent / "templates" / "report.css"


@dataclass(frozen=True, eq=False)
class Replayed:
    """One cell's replicate.

    patients, looks : as written to patients.csv and looks.csv; bounds : critical z of every planned look, or empty
    hypothesis, estimate : what is tested and what `estimate` is; verdict : how it compares with the stored run
    """

    cell: str
    patients: pd.DataFrame
    looks: pd.DataFrame
    bounds: tuple[float, ...]
    hypothesis: str
    estimate: str
    verdict: str


def write_replay(title: str, shown: Sequence[Replayed], notes: Sequence[str], path: Path) -> None:
    """Write the page; nothing in it is loaded from elsewhere."""
    parts = [_section(i, x) for i, x in enumerate(shown)]
    warnings = "".join(f'<p class="warning">{escape(note)}</p>' for note in notes)
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_CSS.read_text(encoding='utf-8')}</style></head>\n"
        f"<body><main><h1>{escape(title)}</h1>{warnings}\n{''.join(parts)}</main></body></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _section(number: int, x: Replayed) -> str:
    binary = "response" in x.patients
    end = "the analysis; dots mark responders" if binary else "event (dot), dropout or analysis"
    lines = f"One line per enrolled patient, from entry to {end}."
    own = x.looks[x.looks["hypothesis"] == x.hypothesis]
    figures = [
        (z_path(own, x.bounds, f"z{number}"), "The test statistic at each look; dashed: the critical values."),
        (timeline(x.patients, own, f"t{number}"), "Patients enrolled and events by calendar month; dashed: the looks."),
        (swimmer(x.patients, own, f"s{number}"), lines),
    ]
    drawn = "".join(f'<figure><div class="plot">{svg}</div><figcaption>{escape(words)}</figcaption></figure>\n' for svg, words in figures)
    return f"<section><h2>{escape(x.cell)}: {escape(x.hypothesis)}</h2><p>{escape(x.verdict)}</p>\n{_looks(x)}\n{drawn}</section>\n"


def _looks(x: Replayed) -> str:
    heads = (
        "Look",
        "Endpoint",
        "Month",
        "Enrolled",
        "Events",
        "z",
        "Critical z",
        x.estimate[:1].upper() + x.estimate[1:],
        "Decision",
        "Code",
    )
    rows = []
    for row in x.looks.to_dict("records"):
        critical = "" if pd.isna(row["critical_z"]) else f"{row['critical_z']:.4f}"
        values = (
            row["look"], row["hypothesis"], f"{row['month']:.2f}", row["enrolled_cumulative"], row["events_cumulative"], f"{row['z']:.4f}", critical,
            f"{row['estimate']:.4f}", row["decision"], row["code"],
        )  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in values) + "</tr>")
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
