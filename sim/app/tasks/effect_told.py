"""Say what the effect of each cell is: its summary as a table, and how the stated ratio, the reported one and the formula's fit together."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from sim.app.study import Cell, Study
from sim.app.tasks.outputs import write_table
from sim.effect_summary import COLUMNS, effect_summary
from sim.report.effect import print_effect

NEAR = 0.01  # log ratios closer than this are called the same


def summaries(study: Study, folder: Path) -> pd.DataFrame:
    """Compute the summary of every cell's effect and write effect.csv; no rows where no cell has an effect."""
    parts = [effect_summary(cell.trial).assign(cell=cell.name) for cell in study.cells if not cell.trial.effect.is_null]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*COLUMNS, "cell"])
    table = table[["cell", *COLUMNS]]
    if parts:
        write_table(table, folder, "effect")
    return table


def show(table: pd.DataFrame, console: Console) -> None:
    """Print the summary of each cell's effect, once where cells differ in their design alone."""
    alike: dict[str, list[pd.DataFrame]] = {}
    for _, rows in table.groupby("cell", sort=False):
        everybody = rows[rows["look"] == 0].drop(columns="cell")
        alike.setdefault(str(everybody.to_dict("list")), []).append(rows)
    for group in alike.values():
        names = ", ".join(str(rows["cell"].iloc[0]) for rows in group)
        print_effect(group[0].assign(cell=names), console)


def sentences(study: Study, effects: pd.DataFrame, results: pd.DataFrame | None = None) -> list[str]:
    """Say of each cell what was asked for, what the trial will report, and, where it was sized, what the formula takes instead.

    results : table of operating characteristics, with the sizes where there are any
    """
    lines = (_sentence(cell, effects[effects["cell"] == cell.name], results, len(study.cells) > 1) for cell in study.cells)
    return [line for line in lines if line]


def _sentence(cell: Cell, effect: pd.DataFrame, results: pd.DataFrame | None, many: bool) -> str:
    asked, looks = cell.trial.effect.stated(cell.trial.population), effect[effect["look"] > 0]
    if asked is None or looks.empty:
        return ""
    stated, of = asked
    last = looks[looks["look"] == looks["look"].max()].set_index("quantity")["ratio"]
    reported = float(last.get("estimand limit", last["limit at the look, Cox"]))
    label = cell.trial.plan.statistic.estimate_label
    name = cell.trial.plan.hypothesis
    parts = [f"You asked for {cell.trial.effect.describe()[0].value}" + (f" [{cell.name}]" if many else "")]
    parts.append(f"this trial will report {reported:.3f} in the long run ({label} of {name} at its last look)")
    formula, own = ({} if results is None else _sizes(results, cell.name, kind) for kind in ("schoenfeld", ""))
    if "events" in formula and "events" in own:
        # places never run out: patients are as many as come until the events have, and say nothing
        parts.append(f"by formula (Schoenfeld) that takes {formula['events']:.0f} events")
        parts.append(f"simulated {own['events']:.0f} events")
        parts.append(f"the difference is {own['events'] - formula['events']:+.0f}: {_reason(effect, name.lower(), stated, reported)}")
    elif {"events", "n"} <= formula.keys() and "n" in own:
        parts.append(f"by formula (Schoenfeld) that takes {formula['events']:.0f} events and {formula['n']:.0f} patients")
        parts.append(f"simulated {own['n']:.0f} patients")
        parts.append(f"the difference is {own['n'] - formula['n']:+.0f}: {_reason(effect, name.lower(), stated, reported)}")
    elif of != name.lower():
        parts.append(f"{stated:g} was stated of {of.upper()}")
    elif abs(log(reported / stated)) > NEAR:
        parts.append(_reason(effect, name.lower(), stated, reported))
    return "; ".join(parts) + "."


def _sizes(results: pd.DataFrame, cell: str, kind: str) -> dict[str, float]:
    """The sizes of one cell: by the formula named, or simulated."""
    rows = results[(results["cell"] == cell) & (results["look"] == 0)].set_index("metric")["estimate"]
    names = {"events": f"events_{kind}", "n": f"n_{kind}"} if kind else {"n": "n", "events": "events_needed"}
    return {name: float(rows[metric]) for name, metric in names.items() if metric in rows}


def _reason(effect: pd.DataFrame, endpoint: str, stated: float, reported: float) -> str:
    """Why a trial takes other numbers than the formula: the reported ratio, and whether hazards are proportional."""
    over_time: Any = effect[(effect["quantity"] == "hazard ratio at a time") & (effect["endpoint"] == endpoint)]
    low, high = float(over_time["ratio"].min()), float(over_time["ratio"].max())
    parts = []
    if abs(log(reported / stated)) > NEAR:
        parts.append(f"the ratio reported at this trial's own cut is {reported:.3f} where {stated:g} was stated")
    if high / low > 1 + 2 * NEAR:
        first, last = over_time.iloc[0], over_time.iloc[-1]
        crosses = over_time[(over_time["ratio"] >= 1) if stated < 1 else (over_time["ratio"] <= 1)]
        past = f", past 1 by month {crosses['at'].iloc[0]:g}" if len(crosses) else ""
        parts.append(
            f"hazards are not proportional (hazard ratio {first['ratio']:.2f} at {first['at']:g} months, {last['ratio']:.2f} at {last['at']:g}{past})"
        )
    return ", and ".join(parts) or "hazards are proportional, so it is the formula's approximation, strata and rounding up to whole events"
