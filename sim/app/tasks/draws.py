"""Power as a distribution: every cell again with each draw of the calibrated parameters in the place of the truth."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.app.study import Cell, Study
from sim.app.tasks.simulation import Progress, Truth, characteristics, counter, is_null, run_trial
from sim.later import later
from sim.oc import DEFINITIONS, Z95, proportion
from sim.population.drawn import Drawn, EveryDraw
from sim.population.post_cart_failure import PostCartFailure
from sim.report.tables import with_error
from sim.sizing import Size, Unreachable, size_by_bisection
from sim.types import Row

binom = later("scipy.stats", "binom")

METRICS = ("power", "type_i_error", "rejection_no_effect", "expected_duration")
QUANTILES = {"median": 0.5, "p05": 0.05, "p95": 0.95}
COLUMNS = ("scenario", "cell", "hypothesis", "n", "draw", "metric", "estimate", "mcse", "n_requested", "n_analysed", "n_failed", "unit")
WIDTH = 80


def draws_of(cell: Cell) -> int:
    """Return how many draws a cell asks for; 0 for none."""
    population = cell.trial.population
    return (population.draws or 0) if isinstance(population, PostCartFailure) else 0


def planned(cells: Iterable[Cell], n_sim: int) -> int:
    """Return the replicates that `over_draws` will simulate for these cells."""
    return sum(draws_of(cell) * n_sim * (1 if is_null(cell) else 2) for cell in cells)


def over_draws(study: Study, cell: Cell, progress: Progress | None = None, with_null: bool = True) -> pd.DataFrame:
    """Return one row per draw and metric: the cell simulated under each draw with the same words, `run.n_sim` replicates per truth.

    with_null : also without effect

    Notes
    -----
    The design is planned on the fitted population and keeps its null curve, as a sponsor would; so the type I error is a
    distribution too. Words are those of the fitted population (common random numbers): draws differ by parameters alone.
    """
    rows: list[Row] = []
    for draw in range(draws_of(cell)):
        trial = replace(cell.trial, population=Drawn(cell.trial.population, draw))  # type: ignore[arg-type]
        for truth, of in (("alternative", trial), ("null", trial.under_null))[is_null(cell) : 1 + (with_null or is_null(cell))]:
            replicates = run_trial(study, of, study.run.n_sim, progress)
            found = characteristics(study, Truth(cell, truth, replicates))
            rows += [{**row, "n": cell.trial.plan.n, "draw": draw} for row in found if row["metric"] in METRICS and row["look"] == 0]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of(draws: pd.DataFrame) -> list[Row]:
    """Return average, median, 5th and 95th percentile over the draws of each metric, as rows of the table of operating characteristics.

    Notes
    -----
    mcse is the Monte Carlo error of one draw (root mean square); draws share their words, so that of the average may be as
    large. The interval says what so few draws leave open: of a quantile by order statistics (David & Nagaraja, Order
    Statistics, 2003, section 7.1), at most their range; of the average normal, both errors together.
    """
    out: list[Row] = []
    for (_, metric), rows in draws.groupby(["cell", "metric"], sort=False):
        x, k = np.sort(rows["estimate"].to_numpy(dtype=float)), len(rows)
        mcse = float(np.sqrt(np.mean(rows["mcse"].to_numpy(dtype=float) ** 2)))
        error = Z95 * math.sqrt(float(np.var(x)) / max(k - 1, 1) + mcse**2)
        out.append(
            _row(rows, f"{metric}_mean", float(x.mean()), mcse, (x.mean() - error, x.mean() + error), _definition(str(metric), "mean", k))
        )
        for name, q in QUANTILES.items():
            low, high = (int(np.clip(binom.ppf(p, k, q) + shift, 1, k)) for p, shift in ((0.025, 0), (0.975, 1)))
            ends = (float(x[low - 1]), float(x[high - 1]))
            out.append(_row(rows, f"{metric}_{name}", float(np.quantile(x, q)), mcse, ends, _definition(str(metric), name, k)))
    return out


def reaching(draws: pd.DataFrame, target: float) -> Row:
    """Return the share of draws under which the power of one cell reaches the target, with its Wilson interval over draws."""
    rows = draws[draws["metric"] == "power"]
    share = proportion(int((rows["estimate"] >= target).sum()), len(rows))
    definition = (
        f"share of {len(rows)} draws of the calibrated parameters under which the power is {target:g} or more;"
        " error and interval: of so few draws (the Monte Carlo error of each draw's power is not in them)"
    )
    return _row(rows, "power_reaches_target", share.value, share.mcse, (share.low, share.high), definition)


def _row(rows: pd.DataFrame, metric: str, value: float, mcse: float, ends: tuple[float, float], definition: str) -> Row:
    first: dict[str, Any] = {str(k): v for k, v in rows.iloc[0].to_dict().items()}
    return {
        "scenario": first["scenario"], "cell": first["cell"], "hypothesis": first["hypothesis"], "look": 0, "metric": metric,
        "estimate": value, "mcse": mcse, "ci_low": float(ends[0]), "ci_high": float(ends[1]),
        "n_requested": int(rows["n_requested"].min()), "n_analysed": int(rows["n_analysed"].min()), "n_failed": int(rows["n_failed"].max()),
        "unit": first["unit"], "definition": definition,
    }  # fmt: skip


@dataclass(frozen=True)
class Assurance:
    """What the uncertainty of the benchmark does to a sizing.

    spread : rows of `over_draws` at n_low, n and n_high of the answer
    sized : n for which the average power over the draws reaches the target; None where no n up to n_max does
    """

    spread: pd.DataFrame
    sized: Size | None


def assurance(study: Study, cell: Cell, answer: Size, n_max: int, progress: Progress | None = None) -> Assurance:
    """Put the answer of a sizing under every draw, and size the trial anew by its average power over the draws.

    Parameters
    ----------
    cell : the cell at the answer's n
    answer : of `sim.sizing.size` on the fitted population
    n_max : largest number of patients to try

    Notes
    -----
    The second search: at each n `run.n_sim` replicates in all, as many from each draw, the
    same words at every n (`EveryDraw`), about thirty n. Its interval for n is of Monte Carlo, given the draws.
    """
    trial = cell.trial
    ends = [n for n in dict.fromkeys((answer.n_low, answer.n_high)) if n != answer.n]
    parts = [over_draws(study, cell, progress)]
    parts += [over_draws(study, replace(cell, trial=trial.with_n(n)), progress, with_null=False) for n in ends]
    spread = pd.concat(parts, ignore_index=True)
    if answer.exact:  # the power hangs on response rates, which are the published ones in every draw
        return Assurance(spread, answer)
    try:
        each = max(1, study.run.n_sim // draws_of(cell))
        mixed = replace(trial, population=EveryDraw(trial.population, each))  # type: ignore[arg-type]
        sized = size_by_bisection(mixed, answer.target, counter(study, progress), study.run.n_sim, n_max)
    except Unreachable:
        sized = None
    return Assurance(spread, sized)


def sizing_rows(found: Assurance, answer: Size, n_max: int) -> list[Row]:
    """Return what `assurance` found at the answer's n, and the n of the average power, as rows of the table of operating characteristics."""
    at_n = found.spread[found.spread["n"] == answer.n]
    k, sized = at_n["draw"].nunique(), found.sized
    what = f"the average power over {k} draws of the calibrated parameters (assurance) reaches {answer.target:g}"
    if sized is None:
        row = _row(at_n, "n_assurance", math.nan, math.nan, (math.nan, math.nan), f"{what}: with no n up to task.n_max = {n_max}")
    else:
        mcse = 0.0 if sized.exact else (sized.n_high - sized.n_low) / (2 * Z95)
        definition = f"smallest number of patients with which {what}; error and interval: of Monte Carlo, given the draws"
        row = _row(at_n, "n_assurance", float(sized.n), mcse, (sized.n_low, sized.n_high), definition)
        row |= {"n_requested": 0, "n_analysed": 0} if sized.exact else {}
    return [*rows_of(at_n), reaching(at_n, answer.target), {**row, "unit": "patients"}]


def sizing_lines(cell: Cell, found: Assurance, rows: list[Row], target: float) -> list[str]:
    """Say in sentences what the benchmark's uncertainty does to the power at the answer's n, and to the n."""
    by = {row["metric"]: row for row in rows}
    mean, reached, n = by["power_mean"], by["power_reaches_target"], by["n_assurance"]
    first = (
        f"{lines(found.spread[found.spread['n'] == cell.trial.plan.n])[0][:-1]}; average power {with_error(mean['estimate'], (mean['ci_high'] - mean['ci_low']) / (2 * Z95))},"
        f" and {target:.0%} or more in {with_error(reached['estimate'], reached['mcse'])} of the draws."
    )
    if found.sized is None:
        return [first, f"No number of patients that was tried brings the average power over the draws [{cell.name}] to {target:.0%}."]
    interval = "exact" if found.sized.exact else f"Monte Carlo interval {n['ci_low']:.0f} to {n['ci_high']:.0f}"
    return [first, f"An average power of {target:.0%} over the draws [{cell.name}] takes {n['estimate']:.0f} patients ({interval})."]


def _definition(metric: str, quantile: str, draws: int) -> str:
    which = {"mean": "average", "median": "median", "p05": "5th percentile", "p95": "95th percentile"}[quantile]
    return (
        f"{which} over {draws} draws of the calibrated parameters (bootstrap of the study) of the {DEFINITIONS[metric]};"
        " the design keeps the null of the fitted population; mcse: of one draw; interval: given so many draws"
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
    table.add_column("patients", justify="right", no_wrap=True)
    for name in ("over draws of the benchmark", "median", "5 %", "95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for (cell, n, metric), rows in draws.groupby(["cell", "n", "metric"], sort=False):
        digits = 1 if metric == "expected_duration" else 3
        values = (f"{rows['estimate'].quantile(q):.{digits}f}" for q in QUANTILES.values())
        table.add_row(Text(str(cell)), str(n), Text(str(metric)), *values)
    console.print(table, width=min(WIDTH, console.width), highlight=False)
