"""After a multirun: one table for all its jobs."""

from __future__ import annotations

from pathlib import Path

from sim.app import paths

NAME = "operating_characteristics"


def combine(jobs: list[Path], folder: Path) -> None:
    """Write the operating characteristics of all jobs as one table, and print it with a row per cell.

    Parameters
    ----------
    jobs : the folders of the jobs, in order
    folder : the sweep's folder
    """
    import pandas as pd

    tables = [pd.read_parquet(job / f"{NAME}.parquet") for job in jobs if (job / f"{NAME}.parquet").is_file()]
    if not tables:
        return
    table = pd.concat(tables, ignore_index=True)
    from sim.app.tasks.outputs import write_table

    write_table(table, folder, NAME)
    from rich.console import Console

    from sim.report.terminal import print_operating_characteristics, print_sizes

    console = Console()
    print_sizes(table, console)
    print_operating_characteristics(table, console)
    console.print(f" {len(jobs)} runs; their table: {paths.shown(folder / f'{NAME}.csv')}", highlight=False, soft_wrap=True)
