"""Level: properties. A cohort written part by part has the rows of one written at once, and takes no more memory when it is larger."""

import json
import subprocess
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest

import sim.app.tasks.cohort as task
from sim.calibration.cohort import cohort
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from tests.contract.building import study
from tests.engine.running import environment
from tests.engine.test_memory import GIGABYTE, SCRIPT

N = 40


def files(folder, monkeypatch, time_zero, part):
    """Every table of a cohort, by the name of its file."""
    monkeypatch.setattr(task, "PART", part)
    run = folder / str(part)
    run.mkdir()
    made = study("design=single_arm_os", "effect=none", f"population.time_zero={time_zero}")
    cell = made.cells[0]
    verb = task.Cohort(N, ("csv", "parquet", "dataset-json"), followup=20.0, missing=True)
    written, drawn = verb._write(made, cell, cell.trial.population, run)
    assert sorted(written) == sorted(run.iterdir())
    assert len(drawn) == N
    out = {path.name: path.read_bytes() for path in run.glob("*.csv")}
    out |= {path.name: pq.read_table(path).replace_schema_metadata().to_pylist() for path in run.glob("*.parquet")}
    for path in run.glob("ad*.json"):
        read = json.loads(path.read_text())
        read.pop("datasetJSONCreationDateTime")
        out[path.name] = list(read.items())
    return out


@pytest.mark.parametrize("time_zero", ["infusion", "progression", "first_line_start"])
def test_parts_of_any_size_give_the_same_files(tmp_path, monkeypatch, time_zero):
    whole = files(tmp_path, monkeypatch, time_zero, N)
    assert set(whole) == {*(f"{name}{end}" for name in ("adsl", "adtte", "adrs") for end in (".csv", ".parquet", ".json")),
                          "cohort.csv", "cohort.parquet"}  # fmt: skip
    assert whole["cohort.csv"].count(b"\n") == N + 1
    for part in (11, N - 1):
        found = files(tmp_path, monkeypatch, time_zero, part)
        for name in whole:
            assert str(found[name]) == str(whole[name]), (name, part)


def test_part_of_a_cohort_is_its_rows():
    population = PostCartFailure(time_zero="infusion")
    whole, later = cohort(population, 3, 50), cohort(population, 3, 20, first=30)
    pd.testing.assert_frame_equal(whole[30:].reset_index(drop=True), later)


def test_units_from_a_later_one_on_are_the_same_words():
    whole, later = Draws(7, 2, 3, 10), Draws(7, 2, 3, 6, first_unit=4)
    assert later.word("event").tolist() == whole.word("event")[:, 4:].tolist()
    assert later.next_unit("event").tolist() == whole.next_unit("event").tolist()


def peak(folder, n):
    command = [sys.executable, "-c", SCRIPT, "task=cohort", f"task.n={n}", "run.folder=run"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    status, own, _ = json.loads(done.stdout.splitlines()[-1])
    assert status == 0
    assert pq.ParquetFile(folder / "run/cohort.parquet").metadata.num_rows == n
    return own * (1 if sys.platform == "linux" else 1 / 1024)


@pytest.mark.verify
@pytest.mark.process
def test_a_million_patients_below_one_gigabyte(tmp_path):
    assert peak(tmp_path, 1_000_000) < GIGABYTE
