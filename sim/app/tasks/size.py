"""How many patients each cell needs to reach the target power, and what the trial of that size does."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from sim.app.study import Cell, Study
from sim.app.tasks import draws, effect_told, first_screen, outputs, simulation, telling
from sim.formula import formula_sizes
from sim.oc import COLUMNS
from sim.reach import check_sizeable, check_testable
from sim.report.terminal import print_facts, print_notices, print_operating_characteristics, print_sizes, progress
from sim.sizing import Size as Answer
from sim.sizing import size
from sim.types import InputError, Row

DEFINITIONS = {
    "n": "smallest number of patients whose power reaches the target at the design's alpha",
    "n_exact_stays": "smallest number of patients from which on the exact power stays at the target or above",
    "n_first": "smallest number of patients whose exact power reaches the target; the power is saw-toothed and may fall below it again",
    "n_low": "lower end of all n whose pointwise 95 % Monte Carlo interval for power holds the target",
    "n_high": "upper end of all n whose pointwise 95 % Monte Carlo interval for power holds the target",
    "n_irrelevant": "places with which the trial was simulated; they are never all taken by the analysis, so that any larger number is the same trial",
    "events_needed": "smallest number of events at the last look whose power reaches the target at the design's alpha, places never running out",
    "events_low": "lower end of all numbers of events whose pointwise 95 % Monte Carlo interval for power holds the target",
    "events_high": "upper end of all numbers of events whose pointwise 95 % Monte Carlo interval for power holds the target",
    "events_safe": "smallest number of events whose one-sided 97.5 % lower Monte Carlo limit of power reaches the target",
    "n_safe": "smallest n whose one-sided 97.5 % lower Monte Carlo limit of power reaches the target",
}


@dataclass(frozen=True)
class Size:
    """Size each cell, then simulate the trial of that size under its effect and under the null.

    With `population.draws` the trial of that size (and of both ends of the interval for n) is simulated under every draw of
    the parameters too, and a second n is found, at which the average power over the draws reaches the target.

    Parameters
    ----------
    target_power : power to reach, above the design's alpha and below 1
    n_max : largest number of patients to try
    """

    target_power: float = 0.8
    n_max: int = 5000

    def __post_init__(self) -> None:
        if not 0 < self.target_power < 1:
            raise InputError(f"task.target_power is {self.target_power}; allowed: between 0 and 1, both excluded")
        if self.n_max < 1:
            raise InputError(f"task.n_max is {self.n_max}; allowed: a positive whole number of patients")

    def run(self, study: Study, folder: Path) -> int:
        """Write the tables and the report into `folder`, print the answer; return the exit status 0."""
        telling.check_inputs(study)
        for cell in study.cells:
            first_screen.refuse_in(study, cell, lambda trial: check_sizeable(trial, self.n_max))
        run = study.run
        rows: list[Row] = []
        curves, assured, sized, spreads, uncertain = [], [], [], [], []
        for cell in study.cells:
            with progress(run.n_sim * 30, f"sizing {cell.name}") as advance:
                answer = size(cell.trial, self.target_power, simulation.counter(study, advance), run.n_sim, self.n_max)
            at_n = replace(cell, trial=answer.of(cell.trial))
            check_testable(at_n.trial, run.seed)
            sized.append(at_n)
            rows += _size_rows(study, at_n, answer)
            curves.append(_curve(cell.name, answer))
            if draws.draws_of(cell):
                with progress(draws.draws_of(at_n) * run.n_sim * 4, f"draws of {cell.name}") as advance:
                    found = draws.assurance(study, at_n, answer, self.n_max, advance)
                spread_rows = draws.sizing_rows(found, answer, self.n_max)
                rows += spread_rows
                spreads.append(found.spread)
                assured += [_curve(cell.name, found.sized)] if found.sized else []
                uncertain += draws.sizing_lines(at_n, found, spread_rows, self.target_power)
        planned = simulation.planned(sized, run.n_sim, run.n_sim_null)
        with progress(planned, "simulating at n") as advance, outputs.replicates_file(study, folder) as keep:
            reduced = simulation.reduce_truths(study, sized, keep, advance)
        rows += [row for found in reduced for row in found.rows]
        table, curve = outputs.table_of(rows), pd.concat(curves, ignore_index=True)
        outputs.write_table(table, folder, "operating_characteristics")
        outputs.write_table(curve, folder, "power_curve")
        told = replace(study, cells=tuple(sized))
        if spreads:
            outputs.write_table(pd.concat(spreads, ignore_index=True), folder, "draws")
        if assured:
            outputs.write_table(pd.concat(assured, ignore_index=True), folder, "assurance_curve")
        effects = effect_told.summaries(told, folder)
        stated = effect_told.sentences(told, effects, table)
        said = first_screen.notices_of(told, table)
        lines = [*telling.size_lines(told, table, self.target_power), *stated, *uncertain, *telling.unmet_precision(told, reduced)]
        telling.tell(told, folder, table, first_screen.in_order(told, said, lines), curve)
        if not run.quiet:
            console = Console()
            print_notices(first_screen.told(told, said, heads=True), console)
            print_sizes(table, console)
            print_operating_characteristics(table, console)
            effect_told.show(effects, console)
            for line in stated:
                console.print(f" {line}", width=min(draws.WIDTH, console.width), highlight=False, markup=False)
            print_facts(first_screen.facts(told, table, self.target_power), console)
            print_notices(first_screen.told(told, said, heads=False), console)
            if spreads:
                draws.print_draws(pd.concat(spreads, ignore_index=True), console)
                for line in uncertain:
                    console.print(f" {line}", width=min(draws.WIDTH, console.width), highlight=False, markup=False)
            telling.closing(console, told, folder, reduced)
        return 0


def _size_rows(study: Study, cell: Cell, answer: Answer) -> list[Row]:
    formulas = [_row(study, cell, f.metric, f.value, f.definition, 0, f.unit) for f in formula_sizes(cell.trial, answer.target)]
    if answer.events is not None:
        # a formula's patients come from the design's event fraction, which the search over events has set
        return [*_event_rows(study, cell, answer.events, answer.n), *(row for row in formulas if row["metric"] != "n_schoenfeld")]
    n_sim = 0 if answer.exact else study.run.n_sim
    values: dict[str, float | None] = {"n": answer.n, "n_low": answer.n_low, "n_high": answer.n_high, "n_safe": answer.n_safe}
    if answer.exact and (not answer.meaning or answer.n_first < answer.n):
        values["n_first"] = answer.n_first
    rows = [_row(study, cell, m, v, DEFINITIONS["n_exact_stays" if answer.exact and m == "n" else m], n_sim) for m, v in values.items()]
    rows[0]["definition"] = answer.meaning or rows[0]["definition"]
    if answer.n_safe is None:
        rows[3]["definition"] += ": not reached by any n that was tried; n_high is where the search ended"
    # the error of n is its interval; the other ends are ends
    rows[0] |= {
        "ci_low": float(answer.n_low),
        "ci_high": float(answer.n_high),
        "mcse": 0.0 if answer.exact else (answer.n_high - answer.n_low) / 3.92,
    }
    return rows + formulas


def _event_rows(study: Study, cell: Cell, needed: Answer, places: int) -> list[Row]:
    """Return the rows of a trial that ends before its places are taken: events decide, and n are places that never run out."""
    values = {"events_needed": needed.n, "events_low": needed.n_low, "events_high": needed.n_high, "events_safe": needed.n_safe}
    rows = [_row(study, cell, m, v, DEFINITIONS[m], study.run.n_sim, "events") for m, v in values.items()]
    rows[0] |= {"ci_low": float(needed.n_low), "ci_high": float(needed.n_high), "mcse": (needed.n_high - needed.n_low) / 3.92}
    return [*rows, _row(study, cell, "n", places, DEFINITIONS["n_irrelevant"], study.run.n_sim)]


def _row(study: Study, cell: Cell, metric: str, value: float | None, definition: str, n_sim: int, unit: str = "patients") -> Row:
    row = dict.fromkeys(COLUMNS)
    row |= {
        "scenario": study.scenario,
        "cell": cell.name,
        "hypothesis": cell.trial.plan.hypothesis,
        "look": 0,
        "metric": metric,
        "unit": unit,
    }
    row |= {
        "estimate": math.nan if value is None else float(value),
        "n_requested": n_sim,
        "n_analysed": n_sim,
        "n_failed": 0,
        "definition": definition,
    }
    return row


def _curve(cell: str, answer: Answer) -> pd.DataFrame:
    points = [
        {
            "cell": cell,
            "n": p.n,
            "power": p.power.value,
            "mcse": p.power.mcse,
            "ci_low": p.power.low,
            "ci_high": p.power.high,
            "n_analysed": p.n_analysed,
        }
        for p in answer.curve
    ]
    # where events decide, the curve over places is flat from some n on, and no n is required
    ends = (math.nan,) * 3 if answer.events is not None else (answer.n, answer.n_low, answer.n_high)
    return pd.DataFrame(points).assign(target_power=answer.target, n_required=ends[0], n_low=ends[1], n_high=ends[2])
