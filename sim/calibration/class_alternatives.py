"""The shipped parameter files of the model with classes at failure: `python -m sim.calibration.class_alternatives` makes them anew."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sim.benchmark import Benchmark, conf_folder, zurko2023
from sim.calibration import class_fit
from sim.calibration.class_fit_spec import Specification, shipped
from sim.calibration.class_study import View, solved
from sim.calibration.fitting import fitted
from sim.population.failure_classes.parameters import ClassParameters, Regimen, from_mapping, to_mapping
from sim.population.parameters import DENOMINATORS, write_content
from sim.types import InputError

SPECIFICATION = "zurko2023_classes"


def with_regimens(benchmark: Benchmark, s: Specification, p: ClassParameters, rows: Mapping[str, Mapping[str, Any]]) -> ClassParameters:
    """Return fitted parameters with other first lines, in equal shares unless `patients` says otherwise.

    rows : name -> response, complete_response, and `like`, the regimen of the paper whose exit rate it has; their response at score
    0 is solved so that patients treated as in the study, class by class, would have that rate
    """
    known = {k.name: k for k in p.regimens}
    regimens = []
    for name, row in rows.items():
        if row["like"] not in known:
            raise InputError(f"fit: regimens.{name}.like is {row['like']!r}; allowed: {', '.join(known)}")
        ranges: dict[str, Any] = {key: tuple(row[key]) if key in row else None for key in ("response_range", "complete_range")}
        rates = row["response"], row["complete_response"]
        regimens.append(Regimen(name, row.get("patients", 1.0), *rates, 0.0, known[row["like"]].multiplier, **ranges))
    problem = class_fit.pose(benchmark, s)
    other = replace(p, regimens=tuple(regimens))
    return replace(p, regimens=solved(View(other, problem.counts, problem.t, problem.follow)).parameters.regimens)


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Fit the model with classes at failure, and its alternatives.")
    parser.add_argument("--only", nargs="*", default=None, help="names of alternatives; default: all, and both denominators")
    only = parser.parse_args().only
    s, folder = shipped(SPECIFICATION), conf_folder() / "benchmark" / "parameters"
    for denominator in DENOMINATORS if only is None else ():
        made = fitted(zurko2023(denominator=denominator), SPECIFICATION, {})
        write_content(folder / f"{SPECIFICATION}_{denominator}.yaml", made.notes, made.table)
    for name in s.alternatives if only is None else only:
        row, benchmark = s.alternatives[name], zurko2023()
        if "assume" in row:
            made = fitted(benchmark, SPECIFICATION, row["assume"])
            notes, table = made.notes, made.table
        else:
            base = fitted(benchmark, SPECIFICATION, {})
            p = with_regimens(benchmark, s, from_mapping(base.table, name), row["regimens"])
            notes, table = {**base.notes, "first_lines": {k: row[k] for k in ("source", "doubts")}}, to_mapping(p)
        write_content(folder / f"{SPECIFICATION}_{name}_progressed.yaml", notes, table)


if __name__ == "__main__":
    main()
