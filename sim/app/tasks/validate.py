"""The installation's own validation: every reference row, the textbook scenarios, the calibration; a report to file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra.core.global_hydra import GlobalHydra
from rich.console import Console

from sim import provenance
from sim.app import paths
from sim.app.build import build
from sim.app.compose import composer
from sim.app.overlays import Overlays
from sim.app.study import Cell, Study
from sim.app.tasks.outputs import writing
from sim.app.tasks.telling import files_of
from sim.calibration.verdicts import calibrate
from sim.population.post_cart_failure import PostCartFailure
from sim.report.qualification import Qualification
from sim.report.qualification_files import write
from sim.report.qualification_terminal import print_qualification
from sim.report.terminal import progress
from sim.trial import Trial
from sim.types import InputError
from sim.validation import published_figures, reading, textbook
from sim.validation.families import chosen
from sim.validation.family import Conditions, Family, Outcome, run


@dataclass(frozen=True)
class Validate:
    """Compare this installation with everything published that ships with it; write the installation qualification report.

    Parameters
    ----------
    families : names of `sim.validation.families.NAMES`; None takes all
    n_sim : replicates of each simulated trial, 1,000 or more
    """

    families: tuple[str, ...] | None = None
    n_sim: int = 200_000

    def __post_init__(self) -> None:
        if self.families is not None:
            object.__setattr__(self, "families", tuple(self.families))
        chosen(self.families)
        if self.n_sim < 1000:
            raise InputError(f"task.n_sim is {self.n_sim}; allowed: 1000 replicates or more")

    def run(self, study: Study, folder: Path) -> int:
        """Write qualification.html, .json and .csv into `folder`, print a line for each family; return 1 when a row failed."""
        families = chosen(self.families)
        conditions = self._conditions(study, families)
        outcomes: list[Outcome] = []
        with progress(len(families), "validating") as advance:
            for outcome in run(families, conditions):
                outcomes.append(outcome)
                advance(1)
        citations = sorted({c.benchmark.citation for c in study.cells if c.benchmark is not None})
        record = provenance.collect(study.run.seed, study.resolved_config, study.command, _files(study), citations)
        qualification = Qualification(outcomes, record, self.n_sim, study.executor.label)
        with writing(folder):
            write(qualification, folder)
            provenance.write(record, folder / "provenance.json")
        console = Console()
        if not study.run.quiet:
            print_qualification(qualification, console)
        console.print(
            f" {'Passed' if qualification.passed else 'FAILED'}. Report: {paths.shown(folder / 'qualification.html')}", highlight=False
        )
        return 0 if qualification.passed else 1

    def folder_name(self, study: Study) -> str:
        """Return the name of the run's folder."""
        return "validate"

    def _conditions(self, study: Study, families: tuple[Family, ...]) -> Conditions:
        names = {family.name for family in families}
        scenarios = shipped_scenarios() if textbook.FAMILY in names else {}
        table, source = None, ""
        if published_figures.FAMILY in names:
            cell = _calibrated(study)
            table = calibrate(cell.benchmark, cast(PostCartFailure, cell.trial.population), study.run.seed)
            source = str(cell.benchmark.citation).split(". ")[0]
        return Conditions(self.n_sim, study.run.seed, study.executor, scenarios, table, source)


def shipped_scenarios() -> dict[str, Trial]:
    """Return the textbook scenarios as their shipped files compose them, whatever trial the command named."""
    return {name: _one(_composed(*overrides), cell) for name, (overrides, cell) in textbook.SCENARIOS.items()}


def _composed(*overrides: str) -> tuple[Cell, ...]:
    with _own_composer():
        return build(list(overrides), Overlays(), "postcart").cells


def _one(cells: tuple[Cell, ...], name: str) -> Trial:
    return next(cell.trial for cell in cells if not name or cell.name == name)


@contextmanager
def _own_composer() -> Iterator[None]:
    """Compose while Hydra is running the job, and give Hydra back what it had."""
    state: Any = GlobalHydra.instance().hydra
    try:
        with composer():
            yield
    finally:
        GlobalHydra.instance().hydra = state


def _calibrated(study: Study) -> Cell:
    """Return the command's first cell with a calibrated population, else the shipped one."""
    for cell in (*study.cells, *_composed("population=post_cart_failure")):
        if isinstance(cell.trial.population, PostCartFailure):
            return cell
    raise InputError("task=validate finds no calibrated population; allowed: population=post_cart_failure")


def _files(study: Study) -> Mapping[str, Path]:
    """Return the reference files and the benchmark's, by name."""
    return {**{f"reference/{path.name}": path for path in sorted(reading.reference_dir().glob("*.csv"))}, **files_of(study)}
