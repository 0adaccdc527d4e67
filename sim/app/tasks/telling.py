"""Turn a finished study into a report: the answer in sentences, assumptions, limitations, what to cite, provenance."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from rich.console import Console

from sim import provenance
from sim.app import paths
from sim.app.study import Cell, Study
from sim.app.tasks import first_screen
from sim.app.tasks.against_published import against_published
from sim.app.tasks.outputs import write_calibration, writing
from sim.app.tasks.simulation import Reduced, error_of
from sim.calibration.verdicts import calibrate
from sim.effect_summary import describe
from sim.population.post_cart_failure import PostCartFailure
from sim.report.html import write_report
from sim.report.story import CellStory, Story
from sim.report.tables import estimate
from sim.rng import Draws

LIMITATIONS_OF_THE_MODEL = [
    "Virtual patients are calibrated to published summary figures, not to patient data: agreement with those figures is calibration, not validation.",
    "What the paper does not identify (shape of supportive-care survival, hazard while waiting for treatment, the long tail, the denominator of the treated share) is assumed; the assumptions table names each.",
    "Progression is taken as observed when it happens; the dates of scans are not simulated.",
]
LIMITATIONS = [
    *LIMITATIONS_OF_THE_MODEL,
    "Monte Carlo errors measure the simulation's precision only; they say nothing about the benchmark's own uncertainty or about the model.",
    "Asymptotic tests keep their small-sample type I error, which is reported and not corrected.",
]


def tell(
    study: Study,
    folder: Path,
    table: pd.DataFrame | None,
    lines: list[str],
    curve: pd.DataFrame | None = None,
) -> None:
    """Write report.html and provenance.json of a study into `folder`, with the calibration of its first calibrated population."""
    cohort = medians = calibration = None
    first = next((c for c in study.cells if isinstance(c.trial.population, PostCartFailure)), None)
    if first is not None:
        population = cast(PostCartFailure, first.trial.population)
        calibration = calibrate(first.benchmark, population)
        write_calibration(calibration, folder)
        picture = against_published(first.benchmark, population, study.run.seed)
        cohort, medians = picture.cohort, picture.medians
    cited = sorted({c.benchmark.citation for c in study.cells if c.benchmark is not None})
    record = provenance.collect(study.run.seed, study.resolved_config, study.command, files_of(study), cited)
    with writing(folder):
        provenance.write(record, folder / "provenance.json")
    story = Story(
        title=study.title,
        question=study.question,
        answer_lines=lines,
        cells=[_cell_story(c) for c in study.cells],
        operating_characteristics=table,
        power_curve=curve,
        calibration=calibration,
        cohort=cohort,
        published_medians=medians,
        limitations=LIMITATIONS,
        citations=record["citations"],
        provenance=record,
    )
    with writing(folder):
        write_report(story, folder / "report.html")


def check_inputs(study: Study) -> None:
    """Read what the report will need of each benchmark and sample a patient of each cell, so that bad input is refused before anything runs."""
    nobody = np.zeros((1, 1), dtype=np.uint8)
    for cell in study.cells:
        trial = cell.trial
        trial.population.sample(Draws(0, 0, 1, 1), nobody, nobody, trial.effect, trial.plan.wants)
        if isinstance(cell.trial.population, PostCartFailure):
            cell.benchmark.read()


def files_of(study: Study) -> dict[str, Path]:
    """Return the data files that the study's numbers depend on, by name."""
    conf = paths.conf_dir()
    return {str(p.relative_to(conf)): p for p in sorted((conf / "benchmark").rglob("*")) if p.is_file()}


def _cell_story(cell: Cell) -> CellStory:
    trial = cell.trial
    return CellStory(
        name=cell.name,
        design=trial.describe_design(),
        assumptions=[
            *trial.describe_assumptions(),
            *describe(trial),
        ],
        facts=trial.facts,
    )


def power_lines(study: Study, table: pd.DataFrame) -> list[str]:
    """Say the power, the type I error and the duration of each cell in a sentence."""
    return [
        f"{_what(cell)}{_in_cell(study, cell)}: {_patients(table, cell)}; {_operating(table, cell.name)}.{_rejects(cell)}"
        for cell in study.cells
    ]


def size_lines(study: Study, table: pd.DataFrame, target: float) -> list[str]:
    """Say the patients needed in each cell in a sentence."""
    lines = []
    for cell in study.cells:
        lines.append(
            f"{_what(cell)}{_in_cell(study, cell)}: {_needed(table, cell)} for a power of {target:.0%}. {_patients(table, cell)};"
            f" that trial has {_operating(table, cell.name)}.{_rejects(cell)}{_beside(table, cell)}"
        )
    return lines


def _needed(table: pd.DataFrame, cell: Cell) -> str:
    """Say the patients that are needed, or the events where places decide nothing."""
    by_events = _value(table, cell.name, "events_needed") is not None
    metrics, unit = (("events_needed", "events_low", "events_high"), "events") if by_events else (("n", "n_low", "n_high"), "patients")
    rows = [_value(table, cell.name, m) for m in metrics]
    n, low, high = (int(row["estimate"]) for row in rows)
    interval = "exact" if rows[0]["n_analysed"] == 0 else f"Monte Carlo interval {low} to {high}"
    irrelevant = "; accrual is still open at the analysis, so that the number of places is irrelevant" if by_events else ""
    return f"{n} {unit} ({interval}{irrelevant})"


def _patients(table: pd.DataFrame, cell: Cell) -> str:
    rows = table[(table["cell"] == cell.name) & (table["look"] == 0)]
    return first_screen.patients({str(row["metric"]): row for row in rows.to_dict("records")})


def _rejects(cell: Cell) -> str:
    smallest = cell.trial.facts.smallest_rejecting
    return "" if smallest is None else f" {smallest.what[0].upper()}{smallest.what[1:]}: {smallest.value}."


def unmet_precision(study: Study, reduced: list[Reduced]) -> list[str]:
    """Say which metrics the cap on replicates left less precise than `run.precision` asks."""
    run = study.run
    if run.precision is None:
        return []
    named = [row for found in reduced for row in found.rows if row["metric"] in run.precision_of]
    missed = [f"{row['metric']} of {row['cell']} ± {error_of(row):.3g}" for row in named if error_of(row) >= run.precision]
    if not missed:
        return []
    return [f"run.precision={run.precision:g} is not reached with run.n_sim_max={run.n_sim_max:,} replicates: {', '.join(missed)}."]


WORDS = {
    "power": "power",
    "type_i_error": "type I error",
    "rejection_no_effect": "rejection without effect",
    "harm_stop": "a stop for harm in",
    "harm_stop_no_effect": "a false alarm of harm in",
}


def _what(cell: Cell) -> str:
    facts = cell.trial.facts
    endpoint = f"{facts.endpoint_in_words} ({facts.endpoint})"
    level, effect = cell.trial.design.level_words, cell.trial.effect.describe()[0].value
    return f"{facts.kind[0].upper()}{facts.kind[1:]}, {endpoint}, {level}, {effect}"


def _in_cell(study: Study, cell: Cell) -> str:
    return f" [{cell.name}]" if len(study.cells) > 1 else ""


def _operating(table: pd.DataFrame, cell: str) -> str:
    parts = []
    for metric, words in WORDS.items():
        row = _value(table, cell, metric)
        if row is not None:
            parts.append(f"{words} {estimate(row)} ({int(row['n_analysed']):,} replicates)")
    duration = _value(table, cell, "expected_duration")
    if duration is not None:
        parts.append(f"an expected duration of {estimate(duration)} months")
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)


def _beside(table: pd.DataFrame, cell: Cell) -> str:
    """Set the formula's n beside the simulated one."""
    formula = _value(table, cell.name, "n_schoenfeld")
    if formula is None:
        return ""
    return f" Schoenfeld's formula asks for {formula['estimate']:.0f}."


def _value(table: pd.DataFrame, cell: str, metric: str) -> Any:
    rows = table[(table["cell"] == cell) & (table["metric"] == metric) & (table["look"] == 0)]
    return None if rows.empty else rows.iloc[0]


def closing(console: Console, study: Study, folder: Path, reduced: list[Reduced]) -> None:
    """Say how many replicates were simulated, how many came from the store, and where the report is."""
    simulated = sum(found.simulated for found in reduced)
    stored = sum(found.from_store for found in reduced)
    console.print(
        f" {simulated:,} replicates simulated, {stored:,} taken from the store;\n {study.executor.label}.", highlight=False, soft_wrap=True
    )
    for line in unmet_precision(study, reduced):
        console.print(f" {line}", highlight=False, soft_wrap=True, markup=False)
    console.print(f" Report: {paths.shown(folder / 'report.html')}", highlight=False, soft_wrap=True)
