"""Target against achieved for every published figure: does the population still reproduce its paper?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sim.app.study import Cell, Study
from sim.app.tasks.outputs import write_table
from sim.app.tasks.telling import tell
from sim.calibration.verdicts import calibrate, exit_status
from sim.population.post_cart_failure import PostCartFailure
from sim.report.terminal import print_calibration
from sim.types import InputError


@dataclass(frozen=True)
class Calibrate:
    """Evaluate every figure as its authors measured it; write calibration.csv and the report."""

    def run(self, study: Study, folder: Path) -> int:
        """Print target against achieved; return 1, with a list, when a figure is out of tolerance."""
        console, status = Console(), 0
        different = _different(study)
        tables = []
        for cell, population in different:
            table = calibrate(cell.benchmark, population, study.run.seed)
            tables.append(table)
            write_table(table, folder, "calibration" if len(different) == 1 else f"calibration_{cell.name}")
            if not study.run.quiet:
                print_calibration(table, console)
            out, figures = exit_status(table)
            status = max(status, out)
            if figures:
                console.print(f" Out of tolerance: {', '.join(figures)}", highlight=False)
        tell(
            study,
            folder,
            None,
            ["Every figure that is judged is within its tolerance." if status == 0 else "Some figures are out of tolerance."],
            calibration=tables[0],
        )
        return status


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
