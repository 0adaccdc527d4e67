"""What a run prints: tables that fit 80 columns, and a progress bar where there is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pandas as pd
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sim.calibration.summary import summary_in_words
from sim.report import tables, wide

WIDTH = 80
_HEADS = {
    "n": "patients",
    "expected_n": "patients",
    "expected_events": "events",
    "power": "power",
    "type_i_error": "type I\nerror",
    "rejection_no_effect": "rejects,\nno effect",
    "expected_duration": "months",
    "harm_stop": "stops for\nharm",
    "harm_stop_no_effect": "false\nalarm",
}
_LOOK_HEADS = {
    "power_by_look": "power\nso far",
    "type_i_error_by_look": "type I\nerror\nso far",
    "reach_look": "reached",
    "duration_at_look": "months",
    "enrolled_at_look": "enrolled",
}
_HARM_HEADS = {
    "harm_by_look": "stopped\nfor harm\nso far",
    "harm_by_look_no_effect": "false\nalarms\nso far",
    "deaths_at_look": "deaths",
    "deaths_at_look_no_effect": "deaths,\nno effect",
}
_MOST_CELLS_BY_LOOK = 6
_COLOURS = {"met": "green", "within interval": "green", "outside interval": "red", "known contradiction": "yellow", "not modelled": "dim"}


def print_operating_characteristics(oc: pd.DataFrame, console: Console) -> None:
    """Print one row per cell, each estimate over ± its Monte Carlo standard error, and the looks below.

    Parameters
    ----------
    oc : operating characteristics, the columns of `sim.report.story.OC_COLUMNS`
    console : where to print; no line is wider than 80 columns

    Examples
    --------
    >>> row = dict(scenario="s", cell="rct", hypothesis="alternative", look=0, metric="power", estimate=0.79052, mcse=0.00091, ci_low=0.7887,
    ...            ci_high=0.7923, n_requested=200000, n_analysed=200000, n_failed=0, unit="probability", definition="share rejecting")
    >>> print_operating_characteristics(pd.DataFrame([row]), Console(width=60, color_system=None))  # doctest: +NORMALIZE_WHITESPACE
    <BLANKLINE>
      Design      power
     ───────────────────
      rct        0.7905
               ± 0.0009
    <BLANKLINE>
     Estimate ± Monte Carlo standard error; 200,000 replicates,
     none failed.
    """
    if oc.empty:
        console.print("No operating characteristics.", width=_width(console))
        return
    cells = wide.glance(oc)
    table = _table()
    table.add_column("Design", overflow="fold", min_width=8)
    for metric in cells.columns[1:]:
        table.add_column(_HEADS[metric], justify="right", no_wrap=True)
    for cell, *values in cells.itertuples(index=False):
        table.add_row(Text(str(cell)), *(_stacked(v) for v in values))
    _print(console, table)
    _print_looks(oc, _LOOK_HEADS, console)
    _print_looks(oc, _HARM_HEADS, console)
    _print(console, Text(_replicates_line(oc)), indent=True)


def print_notices(lines: Sequence[str], console: Console) -> None:
    """Print what must be said besides the table, a paragraph each; nothing for none."""
    for line in lines:
        _print(console, Text(line, style="bold"), indent=True)


def print_facts(facts: Mapping[str, Sequence[tuple[str, str]]], console: Console) -> None:
    """Print of each cell its level, effect, patients, what rejects, and what happens without effect; of many cells nothing.

    Parameters
    ----------
    facts : cell -> (name, value) of each fact
    console : where to print; no line is wider than 80 columns
    """
    if len(facts) > _MOST_CELLS_BY_LOOK:
        return
    for cell, lines in facts.items():
        table = Table(box=None, show_header=False, padding=(0, 1), width=_width(console))
        table.add_column(width=22, overflow="fold")
        table.add_column(overflow="fold")
        table.add_row(Text(cell, style="bold"), "")
        for name, value in lines:
            table.add_row(Text(f" {name}"), Text(value))
        _print(console, table)
    console.print()


def print_sizes(oc: pd.DataFrame, console: Console) -> None:
    """Print the patients needed in each cell, with the interval for n and the power simulated there.

    Parameters
    ----------
    oc : operating characteristics that hold the metrics n, n_low, n_high, n_safe
    console : where to print; no line is wider than 80 columns
    """
    rows = wide.sizes(oc)
    if rows.empty:
        return
    table = _table()
    table.add_column("Design", overflow="fold", min_width=8)
    for head in ("patients", "95 % interval", "safe side", "power there"):
        table.add_column(head, justify="right", no_wrap=True)
    for values in rows.itertuples(index=False):
        table.add_row(*(Text(str(v)) for v in values))
    _print(console, table)


def print_calibration(calibration: pd.DataFrame, console: Console, roles: tuple[str, ...] = ("headline",), reasons: bool = False) -> None:
    """Print published against achieved, a table for each role, with all that is outside its interval, and the count of verdicts.

    Parameters
    ----------
    calibration : the columns of `sim.report.story.CALIBRATION_COLUMNS`
    console : where to print; no line is wider than 80 columns
    roles : roles of which every figure is listed; of the others only what is outside its interval
    reasons : give below the tables the reason of each verdict that is more than its interval
    """
    listed = calibration[calibration["role"].isin(roles) | (calibration["verdict"] == "outside interval")]
    for role, rows in listed.groupby("role", sort=False):
        _print_role(str(role), rows, console)
    if reasons:
        for (verdict, reason), rows in listed.groupby(["verdict", listed["reason"].map(_beyond_interval)], sort=False):
            if reason:
                _print(console, Text(f"{verdict}, {reason}: {', '.join(rows['id'])}."), indent=True)
    _print(console, Text(summary_in_words(calibration)), indent=True)


def _print_role(role: str, rows: pd.DataFrame, console: Console) -> None:
    table = _table()
    table.add_column(f"{role[:1].upper()}{role[1:]}", overflow="fold", min_width=8)
    for head in ("published (95 %)", "achieved", "SE off"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=8)
    for row in rows.to_dict("records"):
        span = tables.interval(row["ci_low"], row["ci_high"])
        table.add_row(
            Text(str(row["id"])),
            tables.number(row["published"]) + (f" ({span})" if span != tables.ABSENT else ""),
            tables.number(row["achieved"], 3),
            tables.signed(row["difference_se"]),
            Text(str(row["verdict"]), style=_COLOURS.get(str(row["verdict"]), "")),
        )
    _print(console, table)


def _beyond_interval(reason: str) -> str:
    """What a reason says besides the interval, which has a column of its own."""
    return reason.partition("; ")[2] if reason.startswith("published interval") else reason


@contextmanager
def progress(total: int, description: str, console: Console | None = None) -> Iterator[Callable[[int], None]]:
    """Show how far long work is; silent when the output is not a terminal.

    Parameters
    ----------
    total : int, units of work
    description : str, what is going on
    console : where to show it; standard error when None

    Yields
    ------
    advance : call it with the units of work just done

    Examples
    --------
    >>> with progress(2, "simulating") as advance:
    ...     for _ in range(2):
    ...         advance(1)
    """
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda done: bar.advance(task, done)


def _print_looks(oc: pd.DataFrame, heads: dict[str, str], console: Console) -> None:
    rows = wide.by_look(oc, tuple(heads))
    if rows.empty:
        return
    if rows["cell"].nunique() > _MOST_CELLS_BY_LOOK:
        _print(console, Text("What happens at each look stands in operating_characteristics.csv."), indent=True)
        return
    table = _table()
    table.add_column("Design", overflow="fold", min_width=8)
    table.add_column("look", justify="right")
    for metric in rows.columns[2:]:
        table.add_column(heads[metric], justify="right", no_wrap=True)
    before = None
    for cell, look, *values in rows.itertuples(index=False):
        table.add_row(Text(str(cell) if cell != before else ""), str(look), *(_stacked(v) for v in values))
        before = cell
    _print(console, table)


def _replicates_line(oc: pd.DataFrame) -> str:
    simulated = oc[oc["n_analysed"].fillna(0) > 0]
    if simulated.empty:
        return "Exact: nothing was simulated."
    low, high = simulated["n_analysed"].min(), simulated["n_analysed"].max()
    count = tables.number(high) if low == high else f"{tables.number(low)} to {tables.number(high)}"
    failed = simulated["n_failed"].fillna(0).max()
    lost = "none failed" if failed == 0 else f"up to {tables.number(failed)} failed"
    brackets = " (for patients: 95 % interval)" if (simulated["metric"] == "n").any() else ""
    # No or every replicate rejecting has a standard error of 0, which is not certainty: Wilson's interval stands in the file.
    certain = simulated["estimate"].isin([0, 1]) & (simulated["unit"] == "probability")
    agree = " A probability ± 0: all replicates agree; its interval stands in operating_characteristics.csv." if certain.any() else ""
    return f"Estimate ± Monte Carlo standard error{brackets}; {count} replicates, {lost}.{agree}"


def _stacked(words: str) -> Text:
    # The error stands under its estimate: six pairs side by side do not fit 80 columns.
    return Text(words.replace(" ± ", "\n± ").replace(" (", "\n("))


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, header_style="bold", width=None, pad_edge=True)


def _width(console: Console) -> int:
    return min(WIDTH, console.width)


def _print(console: Console, what: Table | Text, indent: bool = False) -> None:
    console.print(Padding(what, (0, 0, 0, 1)) if indent else what, width=_width(console), highlight=False)
