"""What the terminal and the report's first screen say of each cell: what must be known first, and the facts of the trial and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from sim.app.study import Cell, Study
from sim.oc import Notice, notices
from sim.report.tables import estimate, number
from sim.trial import Trial
from sim.types import InputError

Facts = Mapping[str, Sequence[tuple[str, str]]]


def refuse_in(study: Study, cell: Cell, check: Callable[[Trial], None]) -> None:
    """Run a check of one cell's trial; what it refuses names the cell where there are several."""
    try:
        check(cell.trial)
    except InputError as error:
        raise InputError(f"cell {cell.name}: {error}") if len(study.cells) > 1 else error from error


def notices_of(study: Study, table: pd.DataFrame) -> list[Notice]:
    """Return what the table gives reason to say, cell by cell."""
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    return [notice for cell in study.cells for notice in notices(cell.name, cell.trial, rows)]


def told(study: Study, said: Sequence[Notice], heads: bool) -> list[str]:
    """Return the sentences that come before the answer, or those after it, with the cell's name where there are several."""
    return [f"[{n.cell}] {n.line}" if len(study.cells) > 1 else n.line for n in said if n.heads == heads]


def in_order(study: Study, said: Sequence[Notice], answer: Sequence[str]) -> list[str]:
    """Return the answer's sentences between what heads it and what is said besides."""
    return [*told(study, said, heads=True), *answer, *told(study, said, heads=False)]


def facts(study: Study, table: pd.DataFrame, target: float | None = None) -> Facts:
    """Return (name, value) of each cell: level, effect, places and enrolled, what rejects, power against its target, and what the null does.

    Parameters
    ----------
    table : operating characteristics of the study; target : the power that was asked for, where one was
    """
    return {cell.name: _of_cell(cell, table, target) for cell in study.cells}


def _of_cell(cell: Cell, table: pd.DataFrame, target: float | None) -> list[tuple[str, str]]:
    rows = table[(table["cell"] == cell.name) & (table["look"] == 0)]
    at: dict[str, Any] = {str(row["metric"]): row for row in rows.to_dict("records")}
    smallest = cell.trial.facts.smallest_rejecting
    found = [
        ("level", cell.trial.design.level_words),
        ("effect", "; ".join(line.value for line in cell.trial.effect.describe())),
        ("patients", patients(at)),
        *([] if smallest is None else [(smallest.what, smallest.value)]),
    ]
    if "power" in at:
        found.append(("power", estimate(at["power"]) + ("" if target is None else f", target {target:g}")))
    return [*found, ("without effect", _without_effect(at))]


def patients(at: Mapping[str, Any]) -> str:
    """Say the places asked for and the patients enrolled, with the range that holds 80 % of the trials."""
    places = f"{number(at['places']['estimate'])} places"
    if "expected_n" not in at or "enrolled_p10" not in at:
        return f"{places}, all taken"
    low, high = (number(at[m]["estimate"]) for m in ("enrolled_p10", "enrolled_p90"))
    return f"{places}, {estimate(at['expected_n'])} enrolled (10 to 90 % of trials: {low} to {high})"


def _without_effect(at: Mapping[str, Any]) -> str:
    words = {
        "type_i_error": "type I error {}",
        "rejection_no_effect": "rejects in {}",
        "early_futility_no_effect": "gives up early in {}",
        "harm_stop_no_effect": "false alarm of harm in {}",
        "expected_n_no_effect": "{} patients expected",
        "expected_duration_no_effect": "{} months expected",
    }
    return ", ".join(line.format(estimate(at[metric])) for metric, line in words.items() if metric in at)
