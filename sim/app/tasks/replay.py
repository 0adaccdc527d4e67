"""One replicate again: its patients, looks and decisions as tables and a picture, checked against the run it comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from rich.console import Console

from sim import provenance
from sim.app import paths
from sim.app.build import rebuild
from sim.app.study import Cell, Study
from sim.app.tasks.outputs import DECISIONS, code_names, whole
from sim.design.allocation import SingleArm
from sim.engine import check_run
from sim.files import is_incomplete
from sim.reading import read_text
from sim.report.csv_table import write_csv
from sim.report.replay import Replayed, write_replay
from sim.rng import Draws
from sim.trial import Rows, Trial, critical_values, enrol, run_block
from sim.types import InputError

PACKAGE = Path(provenance.__file__).parent
_STORED = {"enrolled": "enrolled_cumulative", "events": "events_cumulative", "month": "month", "z": "z", "estimate": "estimate"}


@dataclass(frozen=True)
class Replay:
    """Run one replicate of a finished run again and show it.

    Parameters
    ----------
    replicate : number of the replicate, from 0
    run : folder of the run it belongs to; None: the trial that this command itself describes
    cell : name of the cell; None: every cell
    truth : "alternative" (the stated effect) or "null"
    """

    replicate: int = 0
    run: str | None = None
    cell: str | None = None
    truth: Literal["alternative", "null"] | None = "alternative"

    def __post_init__(self) -> None:
        if self.truth is None:  # what YAML and Hydra read where a person writes null
            object.__setattr__(self, "truth", "null")
        if not 0 <= self.replicate < 10**12:
            raise InputError(f"task.replicate is {self.replicate}; allowed: 0 or more, the number in replicates.parquet")

    def replay(self, study: Study, folder: Path) -> int:
        """Write patients.csv, looks.csv and replay.html; return 1 when a row differs from the run's."""
        seed, cells, notes = self._source(study)
        check_run(1, seed)
        chosen = [c for c in cells if self.cell in (None, c.name)]
        if not chosen:
            raise InputError(f"task.cell is {self.cell!r}; allowed: {', '.join(c.name for c in cells)}")
        shown, verdicts = [], []
        for cell in chosen:
            trial = cell.trial.under_null if self.truth == "null" else cell.trial
            rows = run_block(trial, seed, self.replicate, 1)
            verdicts.append(_compare(rows, self, cell.name))
            shown.append(_tables(trial, seed, self.replicate, cell.name, rows, verdicts[-1][1]))
        patients = pd.concat([x.patients for x in shown], ignore_index=True)
        looks = pd.concat([x.looks for x in shown], ignore_index=True)
        whole(folder / "patients.csv", lambda path: write_csv(patients, path))
        whole(folder / "looks.csv", lambda path: write_csv(looks, path))
        title = f"Replicate {self.replicate:,} of {self.run or study.scenario}, {self.truth}, seed {seed}"
        whole(folder / "replay.html", lambda path: write_replay(title, shown, notes, path))
        console = Console()
        for line in (*notes, *(words for _, words in verdicts), f"Picture: {paths.shown(folder / 'replay.html')}"):
            console.print(f" {line}", highlight=False, soft_wrap=True, markup=False)
        return int(any(differs for differs, _ in verdicts))

    def folder_name(self, study: Study) -> str:
        """Return the name of the run's folder."""
        return f"replay_{self.replicate}"

    def _source(self, study: Study) -> tuple[int, list[Cell], list[str]]:
        """Return the seed, the cells and what the reader should know."""
        if self.run is None:
            return study.run.seed, list(study.cells), []
        record = read_record(Path(self.run))
        cells = [Cell(name, rebuild(config, study.run.allow_targets)) for name, config in record["config"].items()]
        found = _sizes(Path(self.run))
        cells = [replace(c, trial=_sized(c.trial, found[c.name])) if c.name in found else c for c in cells]
        changed = [name for name, digest in record.get("source", {}).items() if provenance.sha256(PACKAGE / name) != digest]
        note = f"The program has changed since that run ({len(changed)} files, for example {changed[0]})." if changed else ""
        return int(record["seed"]), cells, [note] if note else []


def read_record(run: Path) -> dict[str, Any]:
    """Return the provenance of a finished run, or refuse in one line."""
    if is_incomplete(run):
        raise InputError(f"task.run is {str(run)!r}: the run there has not ended, or was killed; allowed: the folder of a finished run")
    path = run / "provenance.json"
    try:
        record = json.loads(read_text(path))
        if not isinstance(record["config"], dict) or not isinstance(record["seed"], int):
            raise ValueError("config or seed is missing")
    except (InputError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"task.run is {str(run)!r}: {path.name} cannot be read ({error}); allowed: the folder of a finished run"
        ) from error
    return record


def _sizes(run: Path) -> dict[str, dict[str, int]]:
    """Return the patients, and the events where those decide, that task=size found for each cell: its replicates are of those trials."""
    path = run / "operating_characteristics.parquet"
    if not path.is_file():
        return {}
    table = pd.read_parquet(path)
    found = table[table["metric"].isin(("n", "events_needed")) & (table["look"] == 0)]
    return {str(cell): dict(zip(rows["metric"], rows["estimate"].astype(int), strict=True)) for cell, rows in found.groupby("cell")}


def _sized(trial: Trial, found: dict[str, int]) -> Trial:
    by_events = trial.at_events(found["events_needed"], found["n"]) if "events_needed" in found else None
    return trial.with_n(found["n"]) if by_events is None else by_events


def _compare(rows: Rows, replay: Replay, cell: str) -> tuple[bool, str]:
    """Return whether the rows differ from the run's, and that in words."""
    path = Path(replay.run or "") / "replicates.parquet"
    if replay.run is None or not path.is_file():
        return False, f"{cell}: there are no stored replicates to compare with."
    stored = pq.read_table(path, filters=[("replicate", "=", replay.replicate)]).to_pandas()
    stored = stored[(stored["cell"] == cell) & (stored["truth"] == replay.truth)]
    if stored.empty:
        return False, f"{cell}: the run holds no replicate {replay.replicate:,} under {replay.truth}; nothing to compare with."
    same = len(stored) == len(rows) and list(stored["decision"]) == [DECISIONS[d] for d in rows["decision"]]
    for mine, theirs in _STORED.items():
        same = same and np.array_equal(np.asarray(rows[mine], dtype=float), stored[theirs].to_numpy(dtype=float), equal_nan=True)
    return not same, f"{cell}: {'every look is the stored one, bit for bit' if same else 'DIFFERS from the stored rows'}."


def _tables(trial: Trial, seed: int, replicate: int, cell: str, rows: Rows, verdict: str) -> Replayed:
    """Return the replicate's patients and looks as tables."""
    plan, o = trial.plan, enrol(trial, Draws(seed, replicate, 1, trial.plan.n))
    end, about = float(rows["month"][-1]), rows["hypothesis"]
    single = isinstance(plan.allocation, SingleArm)
    patients = pd.DataFrame(
        {
            "cell": cell,
            "patient": np.arange(1, plan.n + 1),
            "arm": np.where(o.arm[0] == 1, "experimental" if not single else "all patients", "control"),
            "stratum": np.array(trial.population.strata)[o.stratum[0]],
            "entry_month": o.entry[0],
            "in_analysis": o.entry[0] <= end,
        }
    )
    if o.time is not None and o.event is not None:
        happens = (o.event[0] == 1) & (o.entry[0] + o.time[0] <= end)
        patients["months_to_event_or_dropout"] = np.where(o.time[0] < 1e200, o.time[0], np.inf)
        patients["ends_in_event"] = o.event[0] == 1
        patients["observed_months"] = np.clip(np.where(happens, o.time[0], np.minimum(o.time[0], end - o.entry[0])), 0, None)
        patients["observed_event"] = happens
    if o.response is not None:
        patients["response"] = o.response[0] == 1
        patients["evaluable"] = True if o.evaluable is None else o.evaluable[0] == 1
    upper, lower = critical_values(trial, seed, replicate)
    lower = np.where(np.isfinite(lower), lower, np.nan)
    own = about == 0
    looks = pd.DataFrame(
        {
            "cell": cell,
            "look": rows["look"],
            "hypothesis": [plan.hypotheses[h] for h in about],
            "month": rows["month"],
            "enrolled_cumulative": rows["enrolled"],
            "events_cumulative": rows["events"],
            "z": rows["z"],
            "critical_z": np.where(own, upper[rows["look"] - 1], np.nan),
            "futility_z": np.where(own, lower[rows["look"] - 1], np.nan),
            "estimate": rows["estimate"],
            "decision": [DECISIONS[d] for d in rows["decision"]],
            "code": [code_names()[c] for c in rows["code"]],
        }
    )
    bounds = () if np.isnan(upper).all() else tuple(upper.tolist())
    return Replayed(cell, patients, looks, bounds, plan.hypothesis, plan.statistic.estimate_label, verdict)
