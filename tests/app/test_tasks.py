"""The verbs, end to end, on small numbers: what they write, print and return."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from lifelines import KaplanMeierFitter

from tests.app.running import tree
from tests.report.page import Page


def test_calibrate_prints_target_against_achieved_and_passes(cli, folder):
    result = cli("task=calibrate", "run.folder=out")
    assert result.status == 0, result.err
    assert "failure_os_median" in result.out
    assert "Out of tolerance" not in result.out
    assert result.out.count("254 figures:") == 1  # three cells, one population
    table = pd.read_csv(folder / "out/calibration.csv")
    columns = "id role population quantity published ci_low ci_high achieved difference_se verdict reason fit"
    assert list(table.columns) == columns.split()
    assert len(table) == 254
    occupancy, landmarks = (pd.read_csv(folder / f"out/{name}.csv") for name in ("occupancy", "landmarks"))
    states = occupancy[occupancy["kind"] == "state"].groupby(["time_zero", "group", "month"])["probability"].sum()
    assert len(states) == 3 * 3 * 79
    assert (states - 1).abs().max() < 1e-12
    first = landmarks[(landmarks["month"] == 0) & (landmarks["group"] == "all")].set_index(["time_zero", "endpoint"])["further_median"]
    assert abs(first["progression", "os"] / 5.5 - 1) < 0.15  # untruncated mix, so not the published 5.5 itself
    assert 'id="course"' in (folder / "out/report.html").read_text()
    # every figure is printed, with each reason that its interval does not say
    words = " ".join(result.out.split())
    assert "not modelled, fixed by design: the number infused: n_all." in words
    assert all(len(line) <= 80 for line in result.out.splitlines())
    # a long name goes on in the next line
    assert all(name[:12] in result.out for name in table["id"])
    copy = pd.read_csv(folder / "out/simulated_study.csv").set_index("id")
    assert copy["simulated"].notna().sum() > 30


def test_calibrate_names_the_figure_that_does_not_fit(cli):
    result = cli("task=calibrate", "benchmark.figures.failure_os_median.value=7.0")
    assert result.status == 1
    assert "Out of tolerance: failure_os_median\n" in result.out


def test_calibrate_needs_a_calibrated_population(cli, folder):
    result = cli("task=calibrate", "population=piecewise_exponential")
    assert (result.status, result.err) == (2, "postcart: task=calibrate has nothing to calibrate; allowed: population=post_cart_failure\n")
    assert tree(folder) == []


def test_cohort_is_read_by_lifelines_as_it_is(cli, folder):
    assert cli("task=cohort", "task.n=4000", "run.folder=out").status == 0
    table = pd.read_csv(folder / "out/cohort.csv")
    pd.testing.assert_frame_equal(table, pd.read_parquet(folder / "out/cohort.parquet"), check_dtype=False)
    assert len(table) == 4000
    median = KaplanMeierFitter().fit(table["os_time"], table["os_event"]).median_survival_time_
    # 9.0 months from first line; the error of a median of 4,000 is about 0.2
    assert abs(median - 9.0) < 0.8
    schema = pq.read_schema(folder / "out/cohort.parquet")
    assert schema.field("os_time").metadata[b"unit"] == b"months"


def test_cohort_writes_only_what_is_asked(cli, folder):
    assert cli("task=cohort", "task.n=10", "task.format=csv", "run.folder=out").status == 0
    assert (folder / "out/cohort.csv").is_file()
    assert not (folder / "out/cohort.parquet").exists()
    assert cli("task=cohort", "task.format=sas").err.startswith(
        "postcart: task.format is 'sas'; allowed: a list of csv or parquet or dataset-json"
    )
    assert cli("task=cohort", "task.n=0").err.startswith("postcart: task.n is 0; allowed: 1 to 10000000 patients")


def test_cohort_extends_without_changing_who_was_there(cli, folder):
    for n in (50, 80):
        assert cli("task=cohort", f"task.n={n}", "task.format=csv", f"run.folder=out{n}").status == 0
    small, large = (pd.read_csv(folder / f"out{n}/cohort.csv") for n in (50, 80))
    pd.testing.assert_frame_equal(small, large.head(50))


@pytest.mark.verify
def test_a_sweep_and_a_grid_give_the_same_table(cli, folder):
    small = ("run.n_sim=300", "run.n_sim_null=300", "run.store=null")
    assert cli("-m", "effect.hr=0.5,0.7", "design.n=40,60", "run.folder=sweep", *small).status == 0
    assert cli("grid={effect.hr:[0.5,0.7],design.n:[40,60]}", "run.folder=grid", *small).status == 0
    sweep, grid = (pd.read_parquet(folder / name / "operating_characteristics.parquet") for name in ("sweep", "grid"))
    pd.testing.assert_frame_equal(sweep, grid, check_exact=True)
    assert sweep["cell"].nunique() == 4


def words_of(report):
    page = Page(report.read_text(encoding="utf-8"))
    assert page.errors == []
    return page


@pytest.mark.parametrize(
    ("argv", "folder_name", "title"),
    [
        (["task=calibrate"], "calibrate_zurko2023", "Calibration of the virtual patients to zurko2023"),
        (["task=cohort", "task.n=200", "task.format=[csv]"], "cohort", "Synthetic cohort of 200 patients"),
    ],
)
def test_a_task_about_patients_tells_of_no_trial(cli, folder, argv, folder_name, title):
    assert cli(*argv).status == 0
    (run,) = (folder / "outputs").iterdir()
    assert run.name.endswith(f"_{folder_name}")
    page = words_of(run / "report.html")
    assert title in page.text
    assert "Design" not in page.headings
    for word in ("quickstart", "phase 2", "single_arm_pfs", "randomised_pfs", "within its tolerance"):
        assert word not in page.text, word
    assert list(json.loads((run / "provenance.json").read_text())["config"]["patients"]) == ["run", "task", "benchmark", "population"]


def test_calibrate_says_its_rule_and_what_was_predicted(cli, folder):
    assert cli("task=calibrate", "run.folder=out").status == 0
    text = words_of(folder / "out/report.html").text
    assert "254 figures: fitted 10 met, 135 within interval; predicted 26 within interval, 1 outside interval" in text
    assert "Passed (exit status 0)" in text
    assert "check figures lie outside their 95 % intervals (tisa_orr), where chance alone gives up to" in text
    assert cli("task=calibrate", "benchmark.figures.failure_os_median.value=7.0", "run.folder=seven").status == 1
    text = words_of(folder / "seven/report.html").text
    assert "Not passed (exit status 1), because of failure_os_median" in text
    assert "OS, all 7 (5.85 to 8.4), altered by the configuration" in text
