"""The shipped table of implied figures with their ranges: `python -m sim.calibration.implied_table` makes it anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sim.benchmark import Benchmark, conf_folder, zurko2023
from sim.calibration import class_fit_spec, class_implied
from sim.calibration.implied import implied, implied_ranges, unit_of
from sim.population.failure_classes import parameters as class_parameters
from sim.population.parameters import DENOMINATORS, MODEL
from sim.population.post_cart_failure import PostCartFailure


def path(benchmark: Benchmark) -> Path:
    """Return where the ranges of a benchmark's implied figures lie."""
    return conf_folder() / "benchmark" / "implied" / f"{benchmark.name}.csv"


def make(benchmark: Benchmark) -> pd.DataFrame:
    """Return figure, unit, low, high and under what these occur: over every stated range and over both denominators.

    Notes
    -----
    One refit at each end of each range under each denominator, all else at the default: about two minutes.
    """
    parts = []
    for denominator in DENOMINATORS:
        reading = replace(benchmark, denominator=denominator)
        table = implied_ranges(reading, PostCartFailure(denominator=denominator).values)
        for end in ("low_under", "high_under"):
            table[end] = [f"denominator {denominator}, {x}" for x in table[end]]
        parts.append(table)
    both = pd.concat(parts)
    rows = []
    for (figure, unit), x in both.groupby(["figure", "unit"], sort=False):
        low, high = x.loc[x["low"] == x["low"].min()].iloc[0], x.loc[x["high"] == x["high"].max()].iloc[0]
        rows.append((figure, unit, low["low"], high["high"], low["low_under"], high["high_under"]))
    return pd.DataFrame(rows, columns=["figure", "unit", "low", "high", "low_under", "high_under"])


def with_ranges(benchmark: Benchmark, population: PostCartFailure) -> pd.DataFrame:
    """Return the implied figures of a population beside their ranges over what is not identified."""
    return WITH_RANGES[population.model](benchmark, population)


def _of_day30_groups(benchmark: Benchmark, population: PostCartFailure) -> pd.DataFrame:
    """Beside the shipped ranges (empty where the benchmark ships none)."""
    own = implied(population.values, benchmark)
    table = pd.DataFrame({"figure": list(own), "unit": [unit_of(name) for name in own], "value": list(own.values())})
    shipped = path(benchmark)
    ranges = (
        pd.read_csv(shipped) if shipped.exists() else pd.DataFrame(columns=["figure", "unit", "low", "high", "low_under", "high_under"])
    )
    return table.merge(ranges.drop(columns="unit"), on="figure", how="left")


def _of_classes(benchmark: Benchmark, population: PostCartFailure) -> pd.DataFrame:
    content = population.content
    s = class_fit_spec.named(content)
    return class_implied.implied(benchmark, s, content["specification"], population.classes.parameters)


# model -> its implied figures
WITH_RANGES: dict[str, Callable[[Benchmark, PostCartFailure], pd.DataFrame]] = {
    MODEL: _of_day30_groups,
    class_parameters.MODEL: _of_classes,
}


def main() -> None:
    """Write the shipped table anew."""
    benchmark = zurko2023()
    path(benchmark).parent.mkdir(parents=True, exist_ok=True)
    make(benchmark).to_csv(path(benchmark), index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__":
    main()
