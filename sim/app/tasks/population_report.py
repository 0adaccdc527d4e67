"""The report of a task that speaks of the patients alone: no design was run, so none is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim import provenance
from sim.app.study import Cell, Study
from sim.app.tasks.against_published import against_published
from sim.app.tasks.outputs import write_calibration, writing
from sim.app.tasks.telling import LIMITATIONS_OF_THE_MODEL, files_of
from sim.calibration.verdicts import calibrate
from sim.population.post_cart_failure import PostCartFailure
from sim.report.html import write_report
from sim.report.story import CellStory, Story


@dataclass(frozen=True, eq=False)
class About:
    """What such a task says: its own title, question and answer, and the tables that it has."""

    title: str
    question: str
    lines: list[str]
    calibration: pd.DataFrame | None = None
    occupancy: pd.DataFrame | None = None
    landmarks: pd.DataFrame | None = None


def tell_population(study: Study, cell: Cell, population: PostCartFailure, about: About, folder: Path) -> None:
    """Write report.html and provenance.json of one cell's patients into `folder`.

    Parameters
    ----------
    study : the command; of its cells only the benchmark and the population of `cell` are told
    population : the patients, of the cell or refitted
    about : the calibration is computed, and written, where it has none
    """
    calibration = about.calibration
    if calibration is None:
        calibration = calibrate(cell.benchmark, population)
        write_calibration(calibration, folder)
    picture = against_published(cell.benchmark, population, study.run.seed)
    record = provenance.collect(study.run.seed, _configuration(study, cell), study.command, files_of(study), [cell.benchmark.citation])
    with writing(folder):
        provenance.write(record, folder / "provenance.json")
    story = Story(
        title=about.title,
        question=about.question,
        answer_lines=about.lines,
        cells=[CellStory("patients", [], population.describe())],
        operating_characteristics=None,
        calibration=calibration,
        cohort=picture.cohort,
        published_medians=picture.medians,
        occupancy=about.occupancy,
        landmarks=about.landmarks,
        limitations=LIMITATIONS_OF_THE_MODEL,
        citations=record["citations"],
        provenance=record,
    )
    with writing(folder):
        write_report(story, folder / "report.html")


def _configuration(study: Study, cell: Cell) -> dict[str, Any]:
    """Return what the numbers depend on: no design, effect or accrual."""
    config = study.resolved_config[cell.name]
    return {"patients": {key: config[key] for key in ("run", "task", "benchmark", "population") if key in config}}
