"""Refit the population to the benchmark's figures alone: another paper, or another reading of this one, gives another population."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from sim.app import paths
from sim.app.study import Study
from sim.app.tasks.outputs import whole, write_calibration, write_table
from sim.app.tasks.population_report import About, tell_population
from sim.benchmark import Benchmark
from sim.calibration.fit import FitReport
from sim.calibration.fitting import check, fitted
from sim.calibration.summary import summary_in_words
from sim.calibration.verdicts import calibrate
from sim.population.parameters import write_content
from sim.population.post_cart_failure import PostCartFailure
from sim.report.terminal import print_calibration
from sim.types import InputError

WIDTH = 80


@dataclass(frozen=True)
class Fit:
    """Fit the model to the study's benchmark, overrides applied, and write <name>.yaml for `population.parameters`.

    Parameters
    ----------
    name : of the file; None = <benchmark>_<denominator>, or <specification>_<denominator>
    specification : the model to fit and what it reads, a name of conf/benchmark/fits or the path of such a file; None = day-30 groups
    assume : other values for what no figure pins down, by name; None keeps the default
    """

    name: str | None = None
    specification: str | None = None
    assume: Mapping[str, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name is not None and not re.fullmatch(r"\w[\w-]{0,60}", self.name):
            raise InputError(f"task.name is {self.name!r}; allowed: letters, digits, _ and -, up to 61 of them, or null")
        check(self.specification, self.assumed, "task")

    @property
    def assumed(self) -> dict[str, float]:
        """The assumptions that are set."""
        return {name: value for name, value in self.assume.items() if value is not None}

    def run(self, study: Study, folder: Path) -> int:
        """Write the parameter file, residuals.csv, identifiability.csv and the report; return the exit status 0."""
        benchmark = _only_benchmark(study)
        made = fitted(benchmark, self.specification, self.assumed)
        report, known = made.report, made.known
        source = Path(self.specification).stem if self.specification else benchmark.name
        path = folder / f"{self.name or f'{source}_{benchmark.denominator}'}.yaml"
        whole(path, partial(write_content, notes=made.notes, table=made.table))
        residuals = _residuals(report)
        write_table(residuals, folder, "residuals")
        write_table(known, folder, "identifiability")
        population = _population(study, benchmark, path)
        table = calibrate(benchmark, population, study.run.seed)
        write_calibration(table, folder)
        first = study.cells[0]
        about = About(
            title=f"Parameters of the virtual patients, fitted to {benchmark.name}",
            question=f"Which parameters reproduce the figures of {benchmark.citation}, and which of them do the figures not pin down?",
            lines=[*_lines(benchmark, report, known, path), summary_in_words(table)],
            calibration=table,
        )
        tell_population(study, first, population, about, folder)
        if not study.run.quiet:
            _print(residuals, known, report, Console())
            print_calibration(table, Console())
            Console().print(f" Parameters: {paths.shown(path)}", highlight=False, soft_wrap=True)
        return 0

    def folder_name(self, study: Study) -> str:
        """Return the name of the run's folder."""
        return f"fit_{study.benchmark.name}"


def _only_benchmark(study: Study) -> Benchmark:
    if len({repr(config["benchmark"]) for config in study.resolved_config.values()}) > 1:
        raise InputError("task=fit fits one benchmark; allowed: cells that have it in common")
    return cast(Benchmark, study.benchmark)


def _population(study: Study, benchmark: Benchmark, path: Path) -> PostCartFailure:
    """The first cell's population with the parameters of the new file."""
    current = study.cells[0].trial.population
    if isinstance(current, PostCartFailure) and not (benchmark.denominator == "failures" and current.time_zero == "infusion"):
        return replace(current, parameters=str(path), denominator=benchmark.denominator)
    return PostCartFailure(parameters=str(path), denominator=benchmark.denominator)


def _residuals(report: FitReport) -> pd.DataFrame:
    rows = [("figure", name, *values) for name, values in report.residuals.items()]
    rows += [("prior", name, *values) for name, values in report.priors.items()]
    return pd.DataFrame(rows, columns=["kind", "name", "target", "achieved", "weight"])


def _lines(benchmark: Benchmark, report: FitReport, known: pd.DataFrame, path: Path) -> list[str]:
    by = {verdict: rows["parameter"].tolist() for verdict, rows in known.groupby("verdict")}
    worst = max(report.residuals, key=lambda k: abs(report.residuals[k][1] / report.residuals[k][0] - 1))
    target, achieved, _ = report.residuals[worst]
    return [
        f"{len(report.residuals)} figures of {benchmark.name} (denominator: {benchmark.denominator}) fitted: objective {report.objective:.4f},"
        f" soft priors included; furthest from its target is {worst}, {achieved:.4g} against {target:.4g}.",
        f"The figures pin down {len(by.get('pinned down', []))} parameters; weakly: {', '.join(by.get('weakly', [])) or 'none'};"
        f" not at all: {', '.join(by.get('not identified', [])) or 'none'}.",
        f"To use them: population.parameters={path.name} (with its folder) population.denominator={benchmark.denominator}.",
    ]


def _print(residuals: pd.DataFrame, known: pd.DataFrame, report: FitReport, console: Console) -> None:
    width = min(WIDTH, console.width)
    figures = _table("Figure", "target", "achieved", "off, %", "weight")
    for r in residuals[residuals["kind"] == "figure"].to_dict("records"):
        off = 100 * (float(r["achieved"]) / float(r["target"]) - 1)
        figures.add_row(str(r["name"]), f"{r['target']:.4g}", f"{r['achieved']:.4g}", f"{off:+.2f}", f"{r['weight']:g}")
    parameters = _table("Parameter", "value", "SE (log)", "known from figures")
    for r in known.to_dict("records"):
        parameters.add_row(str(r["parameter"]), f"{r['value']:.4g}", f"{r['se_figures']:.2f}", f"{r['verdict']} ({r['from_figures']:.0%})")
    for table in (figures, parameters):
        console.print(table, width=width, highlight=False)
    console.print(f" Objective {report.objective:.6g}, {report.evaluations} evaluations.", width=width, highlight=False)


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, header_style="bold")
    table.add_column(first, overflow="fold", min_width=8)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
