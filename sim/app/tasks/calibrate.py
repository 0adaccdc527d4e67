"""Target against achieved for every published figure: does the population still reproduce its paper?"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from sim.app.study import Cell, Study
from sim.app.tasks.outputs import write_calibration, write_table
from sim.app.tasks.population_report import About, tell_population
from sim.benchmark import ROLES
from sim.calibration.course_tables import landmark_table, occupancy_table
from sim.calibration.implied_table import with_ranges
from sim.calibration.summary import summary_in_words
from sim.calibration.verdicts import allowed_outside, calibrate, checked, exit_status
from sim.population.post_cart_failure import PostCartFailure
from sim.report.terminal import print_calibration
from sim.types import InputError


@dataclass(frozen=True)
class Calibrate:
    """Evaluate every figure as its authors measured it; write calibration.csv, the model's own course (occupancy.csv, landmarks.csv) and the report."""

    def run(self, study: Study, folder: Path) -> int:
        """Print target against achieved; return 1, with a list, when the figures do not pass (`sim.calibration.verdicts.exit_status`)."""
        console, status = Console(), 0
        different = _different(study)
        tables: list[pd.DataFrame] = []
        courses: list[dict[str, pd.DataFrame]] = []
        lines: list[str] = []
        for cell, population in different:
            table = calibrate(cell.benchmark, population, study.run.seed)
            tables.append(table)
            write_calibration(table, folder, "" if len(different) == 1 else cell.name)
            unpublished = with_ranges(cell.benchmark, population)
            courses.append({"occupancy": occupancy_table(population), "landmarks": landmark_table(population)})
            for name, rows in {"implied": unpublished, **courses[-1]}.items():
                write_table(rows, folder, name if len(different) == 1 else f"{name}_{cell.name}")
            if not study.run.quiet:
                print_calibration(table, console, ROLES, reasons=True)
                _print_implied(unpublished, console)
            out, figures = exit_status(table)
            said = [_ruling(table), summary_in_words(table), *_implied_lines(unpublished)]
            lines += said if len(different) == 1 else [f"[{cell.name}] {line}" for line in said]
            status = max(status, out)
            if figures:
                console.print(f" Out of tolerance: {', '.join(figures)}", highlight=False)
        first, population = different[0]
        tell_population(study, first, population, _about(study, first, lines, len(different), tables[0], courses[0]), folder)
        return status

    def folder_name(self, study: Study) -> str:
        """Return the name of the run's folder."""
        return f"calibrate_{study.benchmark.name}"


def _about(study: Study, cell: Cell, lines: list[str], populations: int, table: pd.DataFrame, courses: dict[str, pd.DataFrame]) -> About:
    if populations > 1:
        lines = [f"{populations} populations; tables and figures below are those of {cell.name}, the others stand in files.", *lines]
    return About(
        title=f"Calibration of the virtual patients to {cell.benchmark.name}",
        question=f"Does the model reproduce the figures of {cell.benchmark.citation}: those it was fitted to, and those it was not?",
        lines=lines,
        calibration=table,
        **courses,
    )


def _ruling(table: pd.DataFrame) -> str:
    """Say what the exit status is, and by which rule."""
    status, figures = exit_status(table)
    outside, judged = checked(table)
    names = f" ({', '.join(outside)})" if outside else ""
    chance = f"{len(outside)} of {judged} check figures lie outside their 95 % intervals{names}"
    chance += f", where chance alone gives up to {allowed_outside(judged)} (99 % quantile)"
    if status == 0:
        return f"Passed (exit status 0): every headline figure is met or within its interval, no calibrate figure is outside; {chance}."
    return f"Not passed (exit status 1), because of {', '.join(figures)}; {chance}."


def _implied_lines(table: pd.DataFrame) -> list[str]:
    """Say each figure that nobody published, with its range over what the figures do not identify."""
    return [f"Implied, not published: {r['figure']} {_number(r, 'value')}{_range(r)}." for r in table.to_dict("records")]


def _number(row: dict[Hashable, Any], name: str) -> str:
    return f"{row[name]:.1%}" if row["unit"] == "share" else f"{row[name]:.2f}" + (" months" if name == "value" else "")


def _range(row: dict[Hashable, Any]) -> str:
    return f" ({_number(row, 'low')} to {_number(row, 'high')} over what is not identified)" if pd.notna(row["low"]) else ""


def _print_implied(table: pd.DataFrame, console: Console) -> None:
    """Print the implied figures within 80 columns."""
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, header_style="bold")
    shown.add_column("Implied, not published", overflow="fold", min_width=8)
    for name in ("value", "range over what is not identified"):
        shown.add_column(name, justify="right", no_wrap=True)
    for r in table.to_dict("records"):
        span = f"{_number(r, 'low')} to {_number(r, 'high')}" if pd.notna(r["low"]) else ""
        shown.add_row(str(r["figure"]), _number(r, "value"), span)
    console.print(shown, width=min(80, console.width), highlight=False)


def _different(study: Study) -> list[tuple[Cell, PostCartFailure]]:
    """Return one cell for each calibrated population and benchmark."""
    cells: dict[str, tuple[Cell, PostCartFailure]] = {}
    for cell in study.cells:
        population = cell.trial.population
        if isinstance(population, PostCartFailure):
            config = study.resolved_config[cell.name]
            cells.setdefault(repr((config["population"], config["benchmark"])), (cell, population))
    if not cells:
        raise InputError("task=calibrate has nothing to calibrate; allowed: population=post_cart_failure")
    return list(cells.values())
