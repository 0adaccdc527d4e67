"""`task=fit` from a fresh checkout gives the shipped parameters, in a file that a population reads (definitions.md 16)."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import yaml

from sim.app.main import main
from sim.benchmark import conf_folder
from sim.population.parameters import read, to_mapping
from sim.population.post_cart_failure import PostCartFailure


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_shipped(path: Path, name: str) -> None:
    shipped = conf_folder() / "benchmark" / "parameters" / f"{name}.yaml"
    mine, theirs = to_mapping(read(path)), to_mapping(read(shipped))
    for key in theirs.keys() - {"regimens", "marks", "denominator"}:
        assert mine[key] == pytest.approx(theirs[key], rel=1e-3), key
    for regimen, row in theirs["regimens"].items():
        assert mine["regimens"][regimen] == pytest.approx(row, rel=1e-3), regimen
    mine, theirs = (yaml.safe_load(p.read_text())["fitted_figures"] for p in (path, shipped))
    assert mine.keys() == theirs.keys()
    for key, row in theirs.items():
        assert mine[key]["achieved"] == pytest.approx(row["achieved"], rel=1e-4), key


def test_the_shipped_parameters_are_its_output_and_a_trial_runs_on_them(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["task=fit", "run.folder=out"]) == 0
    printed = capfd.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert "cart_pfs_median" in printed
    path = folder / "out" / "zurko2023_progressed.yaml"
    assert_shipped(path, "zurko2023_progressed")
    notes = yaml.safe_load(path.read_text())
    assert set(notes) >= {"objective", "fitted_figures", "soft_priors", "assumed", "identifiability"}
    known = pd.read_csv(folder / "out" / "identifiability.csv").set_index("parameter")
    assert known["verdict"].to_dict() == {name: row["verdict"] for name, row in notes["identifiability"].items()}
    residuals = pd.read_csv(folder / "out" / "residuals.csv")
    # the objective is the half sum of squares of what is written
    terms = [(w * (math.log(a) - math.log(t))) ** 2 for _, _, t, a, w in residuals.itertuples(index=False)]
    assert sum(terms) / 2 == pytest.approx(notes["objective"], rel=1e-6)
    assert "pin down" in (folder / "out" / "report.html").read_text()

    assert PostCartFailure(parameters=str(path)).curve("pfs").median() == pytest.approx(PostCartFailure().curve("pfs").median(), rel=1e-4)
    small = ["run.n_sim=200", "run.n_sim_null=200", "run.store=null", "run.folder=trial"]
    assert main(["design=single_arm_pfs", "population.parameters=out/zurko2023_progressed.yaml", *small]) == 0


@pytest.mark.verify
def test_another_reading_and_another_assumption(folder: Path) -> None:
    assert main(["task=fit", "benchmark.denominator=failures", "run.folder=out"]) == 0
    assert_shipped(folder / "out" / "zurko2023_failures.yaml", "zurko2023_failures")
    assert main(["task=fit", "task.assume.supportive_shape=0.28", "task.name=mine", "run.folder=early"]) == 0
    assert_shipped(folder / "early" / "mine.yaml", "zurko2023_early_deaths_progressed")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("task.assume.supportive_shape=2", "task: assume.supportive_shape is 2; allowed: 0.28 to 0.75"),
        ("task.name=../x", "task.name is '../x'; allowed: letters"),
        ("benchmark.figures.allo_os_1y.value=45", "fit: no cure share"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(folder: Path, capfd: pytest.CaptureFixture[str], override: str, message: str) -> None:
    assert main(["task=fit", override]) == 2
    error = capfd.readouterr().err
    assert error.startswith(f"postcart: {message}")
    assert error.count("\n") == 1
    assert not (folder / "outputs").exists() or not list((folder / "outputs").iterdir())
