"""Power and type I error of every cell, with what the trial costs: patients, events, months."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sim.app.study import Study
from sim.app.tasks import outputs, simulation, telling
from sim.report.terminal import print_operating_characteristics, progress


@dataclass(frozen=True)
class Power:
    """Simulate each cell under its effect (`run.n_sim` replicates) and under the null (`run.n_sim_null`)."""

    def run(self, study: Study, folder: Path) -> int:
        """Write the tables and the report into `folder`, print the table; return the exit status 0."""
        telling.check_benchmarks(study)
        run = study.run
        with progress(simulation.planned(list(study.cells), run.n_sim, run.n_sim_null), "simulating") as advance:
            truths = [t for cell in study.cells for t in simulation.both_truths(study, cell, advance)]
        table = outputs.table_of(row for t in truths for row in simulation.characteristics(study, t))
        outputs.write_replicates(truths, study, folder)
        outputs.write_table(table, folder, "operating_characteristics")
        telling.tell(study, folder, table, telling.power_lines(study, table))
        if not run.quiet:
            console = Console()
            print_operating_characteristics(table, console)
            telling.closing(console, study, folder, truths)
        return 0
