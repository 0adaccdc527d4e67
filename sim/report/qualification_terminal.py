"""The installation qualification on the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sim.report.qualification import Qualification, nearest, small, totals

WIDTH = 80


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
    rows, checks = totals(qualification.outcomes)[:2]
    console.print(
        Padding(Text(f"{rows} rows, {checks} checks; nearest: the difference nearest to what is allowed."), (0, 0, 0, 1), expand=False),
        width=width,
    )
    for o in qualification.outcomes:
        if o.error:
            console.print(Padding(Text(f"{o.family.title} broke: {o.error}"), (0, 0, 0, 1), expand=False), width=width)
    if qualification.failed:
        console.print(Padding(Text(f"Failed: {', '.join(qualification.failed)}"), (0, 0, 0, 1), expand=False), width=width)
