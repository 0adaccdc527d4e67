"""Power and type I error of every cell, with what the trial costs: patients, events, months."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim.app.study import Study


@dataclass(frozen=True)
class Power:
    """Simulate each cell under its effect (`run.n_sim` replicates) and under the null (`run.n_sim_null`).

    With `population.draws` each cell is simulated under every draw of the parameters too, `run.n_sim` replicates per truth.
    """

    def run(self, study: Study, folder: Path) -> int:
        """Write the tables and the report into `folder`, print the table; return the exit status 0."""
        # here: a command whose values are refused needs none of it
        import pandas as pd
        from rich.console import Console

        from sim.app.tasks import draws, effect_told, first_screen, outputs, simulation, telling
        from sim.reach import check_reached, check_testable
        from sim.report.terminal import print_facts, print_notices, print_operating_characteristics, progress

        telling.check_inputs(study)
        run = study.run
        for cell in study.cells:
            first_screen.refuse_in(study, cell, check_reached)
            first_screen.refuse_in(study, cell, lambda trial: check_testable(trial, run.seed))
        total = simulation.planned(list(study.cells), run.n_sim, run.n_sim_null) + draws.planned(study.cells, run.n_sim)
        with progress(total, "simulating") as advance:
            with outputs.replicates_file(study, folder) as keep:
                reduced = simulation.reduce_truths(study, study.cells, keep, advance)
            drawn = [draws.over_draws(study, cell, advance) for cell in study.cells if draws.draws_of(cell)]
        spread = pd.concat(drawn, ignore_index=True) if drawn else None
        rows = [row for found in reduced for row in found.rows]
        table = outputs.table_of([*rows, *(draws.rows_of(spread) if spread is not None else ())])
        outputs.write_table(table, folder, "operating_characteristics")
        lines = telling.power_lines(study, table) + telling.unmet_precision(study, reduced)
        if spread is not None:
            outputs.write_table(spread, folder, "draws")
            lines += draws.lines(spread)
        effects = effect_told.summaries(study, folder)
        stated = effect_told.sentences(study, effects)
        lines += stated
        said = first_screen.notices_of(study, table)
        telling.tell(study, folder, table, first_screen.in_order(study, said, lines))
        if not run.quiet:
            console = Console()
            print_notices(first_screen.told(study, said, heads=True), console)
            print_operating_characteristics(table, console)
            effect_told.show(effects, console)
            for line in stated:
                console.print(f" {line}", width=min(draws.WIDTH, console.width), highlight=False, markup=False)
            print_facts(first_screen.facts(study, table), console)
            print_notices(first_screen.told(study, said, heads=False), console)
            if spread is not None:
                draws.print_draws(spread, console)
            telling.closing(console, study, folder, reduced)
        return 0
