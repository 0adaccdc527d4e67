"""Power as a distribution: every cell again with each draw of the calibrated parameters in the place of the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from scipy.stats import binom

from sim.app.study import Cell, Study
from sim.app.tasks.simulation import Progress, Truth, characteristics, is_null, run_trial
from sim.oc import DEFINITIONS
from sim.population.drawn import Drawn
from sim.population.post_cart_failure import PostCartFailure
from sim.types import Row

METRICS = ("power", "type_i_error", "rejection_no_effect", "expected_duration")
QUANTILES = {"median": 0.5, "p05": 0.05, "p95": 0.95}
COLUMNS = ("scenario", "cell", "hypothesis", "draw", "metric", "estimate", "mcse", "n_requested", "n_analysed", "n_failed", "unit")
WIDTH = 80


def draws_of(cell: Cell) -> int:
    """Return how many draws a cell asks for; 0 for none."""
    population = cell.trial.population
    return (population.draws or 0) if isinstance(population, PostCartFailure) else 0


def planned(cells: Iterable[Cell], n_sim: int) -> int:
    """Return the replicates that `over_draws` will simulate for these cells."""
    return sum(draws_of(cell) * n_sim * (1 if is_null(cell) else 2) for cell in cells)


def over_draws(study: Study, cell: Cell, progress: Progress | None = None) -> pd.DataFrame:
    """Return one row per draw and metric: the cell simulated under each draw with the same words, `run.n_sim` replicates per truth.

    Notes
    -----
    The design is planned on the fitted population and keeps its null curve, as a sponsor would; so the type I error is a
    distribution too. Words are those of the fitted population (common random numbers): draws differ by parameters alone.
    """
    rows: list[Row] = []
    for draw in range(draws_of(cell)):
        trial = replace(cell.trial, population=Drawn(cell.trial.population, draw))  # type: ignore[arg-type]
        for truth, of in (("alternative", trial), ("null", trial.under_null))[is_null(cell) :]:
            replicates = run_trial(study, of, study.run.n_sim, progress)
            found = characteristics(study, Truth(cell, truth, replicates))
            rows += [{**row, "draw": draw} for row in found if row["metric"] in METRICS and row["look"] == 0]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of(draws: pd.DataFrame) -> list[Row]:
    """Return median, 5th and 95th percentile over the draws of each metric, as rows of the table of operating characteristics.

    Notes
    -----
    mcse is the Monte Carlo error of one draw (root mean square); the interval is that of the quantile given so many
    draws, by order statistics (David & Nagaraja, Order Statistics, 2003, section 7.1), at most their range.
    """
    out: list[Row] = []
    for (cell, metric), rows in draws.groupby(["cell", "metric"], sort=False):
        first: dict[str, Any] = {str(k): v for k, v in rows.iloc[0].to_dict().items()}
        x, k = np.sort(rows["estimate"].to_numpy(dtype=float)), len(rows)
        mcse = float(np.sqrt(np.mean(rows["mcse"].to_numpy(dtype=float) ** 2)))
        for name, q in QUANTILES.items():
            low, high = (int(np.clip(binom.ppf(p, k, q) + shift, 1, k)) for p, shift in ((0.025, 0), (0.975, 1)))
            out.append({
                "scenario": first["scenario"], "cell": cell, "hypothesis": first["hypothesis"], "look": 0, "metric": f"{metric}_{name}",
                "estimate": float(np.quantile(x, q)), "mcse": mcse, "ci_low": float(x[low - 1]), "ci_high": float(x[high - 1]),
                "n_requested": int(rows["n_requested"].min()), "n_analysed": int(rows["n_analysed"].min()), "n_failed": int(rows["n_failed"].max()),
                "unit": first["unit"], "definition": _definition(str(metric), name, k),
            })  # fmt: skip
    return out


def _definition(metric: str, quantile: str, draws: int) -> str:
    which = {"median": "median", "p05": "5th percentile", "p95": "95th percentile"}[quantile]
    return (
        f"{which} over {draws} draws of the calibrated parameters (bootstrap of the study) of the {DEFINITIONS[metric]};"
        " the design keeps the null of the fitted population; mcse: of one draw; interval: of the quantile given so many draws"
    )


def lines(draws: pd.DataFrame) -> list[str]:
    """Say in a sentence per cell how far the benchmark's uncertainty moves the answer."""
    words = {"power": "power", "type_i_error": "type I error", "rejection_no_effect": "rejection without effect"}
    out = []
    for cell, rows in draws.groupby("cell", sort=False):
        parts = []
        for metric, label in words.items():
            x = rows.loc[rows["metric"] == metric, "estimate"]
            if len(x):
                low, mid, high = (float(x.quantile(q)) for q in (0.05, 0.5, 0.95))
                parts.append(f"{label} {mid:.3f} (90 % of draws: {low:.3f} to {high:.3f})")
        out.append(f"Benchmark uncertain [{cell}], {rows['draw'].nunique()} draws of the parameters: {', '.join(parts)}.")
    return out


def print_draws(draws: pd.DataFrame, console: Console) -> None:
    """Print the spread over draws of each cell, within 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, header_style="bold")
    table.add_column("Design", overflow="fold", min_width=8)
    for name in ("over draws of the benchmark", "median", "5 %", "95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for (cell, metric), rows in draws.groupby(["cell", "metric"], sort=False):
        digits = 1 if metric == "expected_duration" else 3
        values = (f"{rows['estimate'].quantile(q):.{digits}f}" for q in QUANTILES.values())
        table.add_row(Text(str(cell)), Text(str(metric)), *values)
    console.print(table, width=min(WIDTH, console.width), highlight=False)
