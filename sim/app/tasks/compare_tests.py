"""Every two-arm test on the same virtual patients: what each finds, what it costs, and which gain where hazards are not proportional."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.app.study import Cell, Study
from sim.app.tasks import effect_told, outputs, simulation, telling
from sim.report.tables import with_error
from sim.report.terminal import progress
from sim.sizing import Unreachable, size_by_bisection
from sim.statistic.statistic import Statistic
from sim.types import InputError, Row

WIDTH = 80
PROPORTIONAL = 1.1  # hazards whose ratio varies by less than this are called proportional
CLEAR = 3.0  # standard errors of a difference in power that is called a gain


@dataclass(frozen=True)
class CompareTests:
    """Simulate each cell's trial with each test: power, type I error, months, and the patients it needs for the target power.

    Parameters
    ----------
    tests : name -> test; strata are the design's own, as is the level
    target_power : power to size each test for, above alpha and below 1; None: no sizing
    n_max : largest number of patients to try

    Notes
    -----
    All tests see the same patients (common random numbers), so a difference between two tests has less error than either.
    """

    tests: Mapping[str, Statistic] = field(default_factory=dict)
    target_power: float | None = 0.8
    n_max: int = 5000

    def __post_init__(self) -> None:
        if not self.tests:
            raise InputError("task.tests is empty; allowed: one or more tests by name")
        if self.target_power is not None and not 0 < self.target_power < 1:
            raise InputError(f"task.target_power is {self.target_power}; allowed: between 0 and 1, both excluded, or null")
        if self.n_max < 1:
            raise InputError(f"task.n_max is {self.n_max}; allowed: a positive whole number of patients")

    def run(self, study: Study, folder: Path) -> int:
        """Write tests.csv, effect.csv and the report into `folder`, print the comparison; return the exit status 0."""
        telling.check_inputs(study)
        cells = [(cell, {name: with_test(cell, test) for name, test in self.tests.items()}) for cell in study.cells]
        rows: list[Row] = []
        replicates = sum(simulation.planned(list(of.values()), study.run.n_sim, study.run.n_sim_null) for _, of in cells)
        with progress(replicates, "comparing tests") as advance:
            for cell, of in cells:
                for name, tested in of.items():
                    rows.append({"cell": cell.name, "test": name, **self._compare(study, tested, advance)})
        table = pd.DataFrame(rows)
        outputs.write_table(table, folder, "tests")
        effects = effect_told.summaries(study, folder)
        lines = [line for cell, _ in cells for line in gains(table, effects, cell.name)]
        telling.tell(study, folder, None, lines)
        if not study.run.quiet:
            console = Console()
            for cell, _ in cells:
                _print(table[table["cell"] == cell.name], cell.name, self.target_power, console)
            for line in lines:
                console.print(f" {line}", width=min(WIDTH, console.width), highlight=False, markup=False)
        return 0

    def _compare(self, study: Study, cell: Cell, advance: simulation.Progress) -> Row:
        row: Row = {"n": cell.trial.plan.n}
        for truth in simulation.both_truths(study, cell, advance):
            found = {r["metric"]: r for r in simulation.characteristics(study, truth) if r["look"] == 0}
            wanted = ("power", "expected_duration") if truth.truth == "alternative" else ("type_i_error", "rejection_no_effect")
            for metric in (m for m in wanted if m in found):
                row |= {metric: found[metric]["estimate"], f"{metric}_mcse": found[metric]["mcse"]}
        if self.target_power is not None and not cell.trial.effect.is_null:
            row |= self._size(study, cell)
        return row

    def _size(self, study: Study, cell: Cell) -> Row:
        assert self.target_power is not None
        count = simulation.counter(study, None)
        try:
            answer = size_by_bisection(cell.trial, self.target_power, count, study.run.n_sim, self.n_max)
        except Unreachable:
            return {"n_required": float("nan"), "n_low": float("nan"), "n_high": float("nan")}
        return {"n_required": answer.n, "n_low": answer.n_low, "n_high": answer.n_high}


def with_test(cell: Cell, test: Statistic) -> Cell:
    """Return the cell with another test, stratified as the cell's own and at its level; InputError where the design has one test only."""
    design: Any = cell.trial.design
    if "statistic" not in {f.name for f in fields(design)} or not 0 < cell.trial.plan.allocation.experimental_share < 1:
        raise InputError("task=compare_tests: the design has no choice of test; allowed: a design of two arms with design.statistic")
    own = {f.name for f in fields(test)}  # type: ignore[arg-type]
    same = {"stratified": getattr(design.statistic, "stratified", False)}
    fitted: Any = replace(test, **{k: v for k, v in same.items() if k in own})  # type: ignore[type-var]
    return replace(cell, trial=replace(cell.trial, design=replace(design, statistic=fitted)))


def gains(table: pd.DataFrame, effects: pd.DataFrame, cell: str) -> list[str]:
    """Say which tests find clearly more than the first of the table, the log-rank test by default, where hazards are not proportional."""
    rows, effect = table[table["cell"] == cell], effects[effects["cell"] == cell]
    if "power" not in rows or effect.empty:
        return []
    endpoint = effect.loc[effect["look"] > 0, "endpoint"]
    over_time = effect[
        (effect["quantity"] == "hazard ratio at a time") & (effect["endpoint"] == (endpoint.iloc[0] if len(endpoint) else "pfs"))
    ]
    low, high = float(over_time["ratio"].min()), float(over_time["ratio"].max())
    first = rows.iloc[0]
    if high / low < PROPORTIONAL:
        return [f"Hazards are proportional [{cell}]: the {first['test']} test is the one that such a trial needs."]
    better = rows[rows["power"] - first["power"] > CLEAR * (rows["power_mcse"] ** 2 + first["power_mcse"] ** 2) ** 0.5]
    names = ", ".join(f"{r['test']} {r['power']:.2f}" for r in better.sort_values("power", ascending=False).to_dict("records"))
    gain = (
        f"these find more than the {first['test']} test ({first['power']:.2f}): {names}"
        if names
        else f"no test finds more than the {first['test']} test"
    )
    return [f"Hazards are not proportional [{cell}]: the ratio runs from {low:.2f} to {high:.2f}; {gain}."]


def _print(rows: pd.DataFrame, cell: str, target: float | None, console: Console) -> None:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, header_style="bold")
    shown.add_column(Text(f"Test [{cell}]" if len(cell) <= 16 else "Test"), overflow="fold", min_width=18)
    names = {"power": "power", "type_i_error": "type I error", "rejection_no_effect": "rejection, no effect", "expected_duration": "months"}
    there = [name for name in names if name in rows]
    for name in there:
        shown.add_column(names[name].replace(" ", "\n", 1), justify="right", no_wrap=True)
    sized = "n_required" in rows
    if sized:
        shown.add_column(f"n for\n{target:.0%}", justify="right", no_wrap=True)
    for row in rows.to_dict("records"):
        values = [with_error(row[name], row[f"{name}_mcse"]).replace(" ± ", "\n± ") for name in there]
        needs = (
            [f"{row['n_required']:.0f}\n{row['n_low']:.0f}-{row['n_high']:.0f}" if row["n_required"] == row["n_required"] else "none"]
            if sized
            else []
        )
        shown.add_row(Text(str(row["test"])), *values, *needs)
    console.print(shown, width=min(WIDTH, console.width), highlight=False)
