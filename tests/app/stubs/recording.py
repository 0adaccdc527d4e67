"""Tasks for tests: one writes down what it was handed, the others end badly."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim.types import InputError


@dataclass(frozen=True)
class Record:
    """Write a study's cells, and a small table of operating characteristics."""

    def run(self, study: Any, folder: Path) -> int:
        cells = {cell.name: {"n": cell.trial.design.n, "effect": repr(cell.trial.effect)} for cell in study.cells}
        (folder / "study.json").write_text(
            json.dumps({"scenario": study.scenario, "command": study.command, "seed": study.run.seed, "cells": cells})
        )
        rows = [
            dict(
                scenario=study.scenario,
                cell=name,
                hypothesis="alternative",
                look=0,
                metric="power",
                estimate=cell["n"] / 1000,
                mcse=0.001,
                ci_low=0.0,
                ci_high=1.0,
                n_requested=study.run.n_sim,
                n_analysed=study.run.n_sim,
                n_failed=0,
                unit="probability",
                definition="share rejecting",
            )
            for name, cell in cells.items()
        ]
        pd.DataFrame(rows).to_parquet(folder / "operating_characteristics.parquet", index=False)
        return int(any("HazardRatio(hr=0.99" in cell["effect"] for cell in cells.values()))


@dataclass(frozen=True)
class Refuse:
    """Find out late that the input is wrong."""

    def run(self, study: Any, folder: Path) -> int:
        (folder / "half.csv").write_text("half")
        raise InputError("task.target_power is 2; allowed: between 0 and 1")


@dataclass(frozen=True)
class Break:
    """Fail as a program fails."""

    def run(self, study: Any, folder: Path) -> int:
        raise RuntimeError("out of luck")


@dataclass(frozen=True)
class Interrupt:
    """Be interrupted after `files` results."""

    files: int = 0

    def run(self, study: Any, folder: Path) -> int:
        for i in range(self.files):
            (folder / f"{i}.csv").write_text("done")
        raise KeyboardInterrupt


@dataclass(frozen=True)
class Die:
    """End the process of the job with a hazard ratio of 0.99 when job 0 is done, as a batch system or a lack of memory would."""

    def run(self, study: Any, folder: Path) -> int:
        if study.cells[0].trial.effect.hr == 0.99:
            while not (folder.parent / "0/.outcome.json").exists():
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGKILL)
        return Record().run(study, folder)
