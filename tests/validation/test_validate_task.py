"""Level: end to end. `task=validate` on quick families: what it writes, prints and returns."""

import csv
import hashlib
import json
import re

import pytest

from sim.app.main import main
from tests.report.page import Page

QUICK = "task.families=[random_numbers,gs_bounds,nph]"


@pytest.fixture
def validate(tmp_path, monkeypatch, capfd):
    """Run the task in an empty folder and return (status, printed, folder)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*overrides):
        capfd.readouterr()
        status = main(["task=validate", "run.folder=out", *overrides])
        seen = capfd.readouterr()
        return status, seen.out + seen.err, tmp_path / "out"

    return run


def test_an_installation_that_computes_right_passes(validate):
    status, printed, folder = validate(QUICK)
    assert status == 0, printed
    assert "Passed. Report: out/qualification.html" in printed
    assert max(len(line) for line in printed.splitlines()) <= 80
    found = json.loads((folder / "qualification.json").read_text())
    assert (found["result"], found["failed"], found["document"]) == ("passed", [], "installation qualification report")
    assert [f["name"] for f in found["families"]] == ["random_numbers", "gs_bounds", "nph"]
    assert "Sizing of the log-rank test" in found["families_left_out"]
    assert found["environment"]["versions"]["numpy"]
    assert re.fullmatch(r"[0-9a-f]{64}", found["environment"]["files"]["reference/gs_bounds.csv"])
    with (folder / "qualification.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    checks = sum(len(f["checks"]) for f in found["families"])
    assert sum(line["result"] == "pass" for line in lines) == checks > 600
    assert {line["result"] for line in lines} == {"pass"}
    bounds = next(line for line in lines if line["id"] == "gs_bounds-008" and line["quantity"].startswith("efficacy"))
    assert bounds["expected"] == "2.6686301429089703;1.980965027876664"
    page = (folder / "qualification.html").read_text()
    for part in ("Purpose", "Scope", "Environment", "Methods and acceptance criteria", "Deviations", "Conclusion", "Approval", "Signature"):
        assert part in page
    assert "Partial run" in page
    assert hashlib.sha256((folder / "qualification.csv").read_bytes()).hexdigest() in page
    assert page.count('<td class="pass">Pass</td>') == checks + 3
    read = Page(page)
    assert (read.errors, read.loads) == ([], [])  # well formed, and nothing is loaded from elsewhere
    assert {link.removeprefix("#") for link in read.links} <= set(read.ids)
    assert not re.search(r"<script|url\(|@import", page)


def test_an_altered_row_fails_and_is_named(validate, altered):
    altered("gs_bounds", "gs_bounds-008", "upper_z", "2.66864;1.980965")
    status, printed, folder = validate("task.families=[gs_bounds]")
    assert status == 1
    assert "Failed: gs_bounds-008\n" in printed
    assert "FAILED. Report:" in printed
    assert json.loads((folder / "qualification.json").read_text())["failed"] == ["gs_bounds-008"]
    page = (folder / "qualification.html").read_text()
    assert "The installation is not qualified." in page
    assert '<span class="result failed">FAILED</span>' in page


@pytest.mark.verify
def test_an_altered_figure_fails_and_is_named(validate):
    status, printed, _ = validate("task.families=[calibration]", "benchmark.figures.failure_os_median.value=7.0")
    assert status == 1
    assert "Failed: failure_os_median\n" in printed


def test_the_calibration_is_the_shipped_one_where_the_trial_has_none(validate):
    status, printed, folder = validate("task.families=[calibration]", "scenarios=textbook_rct_600")
    assert status == 0, printed
    (family,) = json.loads((folder / "qualification.json").read_text())["families"]
    assert len(family["checks"]) > 100
    assert len(family["not_compared"]) > 50


def test_the_textbook_scenarios_are_those_that_ship(validate):
    # 20,000 replicates: the stated tolerance and three Monte Carlo errors
    status, printed, folder = validate("task.families=[textbook]", "task.n_sim=20000", "run.workers=2")
    assert status == 0, printed
    (family,) = json.loads((folder / "qualification.json").read_text())["families"]
    assert [c["expected"][0] for c in family["checks"]][:5] == [0.7905, 0.786, 0.699, 0.867, 0.998]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("task.families=[nhp]", "task.families is ['nhp']; allowed: null for all, or some of random_numbers"),
        ("task.families=[]", "task.families is []; allowed"),
        ("task.n_sim=10", "task.n_sim is 10; allowed: 1000 replicates or more"),
    ],
)
def test_bad_options_are_refused_in_one_line(validate, override, line):
    status, printed, folder = validate(override)
    assert status == 2
    assert line in printed
    assert not folder.exists()
