"""Every command of the README runs, under `make verify` all of them; one that repeats a shipped scenario at full length is checked for composing only."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from lifelines import KaplanMeierFitter

from sim.app.main import main
from tests.thinning import one_in

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
FEW = ["run.n_sim=200", "run.n_sim_null=200", "run.store=null"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def commands() -> list[str]:
    lines = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    in_text = [c for c in re.findall(r"`(postcart [^`]+)`", TEXT) if "…" not in c]
    return [line for line in lines + in_text if line]


POSTCART = [c for c in commands() if c.startswith("postcart")]


def test_every_command_is_known() -> None:
    others = [c for c in commands() if not c.startswith("postcart")]
    assert len(POSTCART) >= 10
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert all(c.split()[0] == "make" and c.split()[1] in targets for c in others)


@pytest.mark.parametrize("command", one_in(4, POSTCART))
def test_command_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)[1:]
    if "--help" in words:
        extra: list[str] = []
    elif "task=size" in words:
        extra = [*FEW, "task.target_power=0.5"]  # the search is the same, the trials are smaller
    elif "task=validate" in words:
        extra = ["task.families=[single_stage_exact]"]
    elif any(w.startswith("run.precision") for w in words):
        extra = ["scenarios=phase2_single_arm_orr", "run.store=null", "run.n_sim_max=20000"]
    else:
        extra = [] if words == ["task=calibrate"] else FEW
    extra = [e for e in extra if e.split("=")[0] not in {w.split("=")[0] for w in words} or e.startswith("run.n_sim=")]
    if "-m" in words:  # two values of each key: the others repeat
        words = [",".join(w.split(",")[:2]) for w in words]
    words = [w for w in words if not any(e.split("=")[0] == w.split("=")[0] for e in extra)]
    assert main([*words, *extra]) == 0
    if "--help" not in words:
        reports = [path for name in ("report.html", "cohort.csv", "qualification.html") for path in tmp_path.rglob(name)]
        assert reports
    capsys.readouterr()


def test_users_own_scenario_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("yaml")
    assert yaml.safe_load(block)["title"] == "Our trial"
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text(block, encoding="utf-8")
    assert main(["scenarios=mine", *FEW, "run.folder=out"]) == 0
    config = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))["config"]
    assert "120" in json.dumps(config)
    capsys.readouterr()


def test_python_snippet_reads_the_cohort(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task=cohort", "task.n=300", f"run.folder={tmp_path}"]) == 0
    (snippet,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=True)
    table = pd.read_csv(tmp_path / "cohort.csv")
    assert float(done.stdout) == KaplanMeierFitter().fit(table["os_time"], table["os_event"]).median_survival_time_
    (snippet,) = blocks("r")  # R is not at hand: what it names is there, and the merge finds each patient once
    assert re.findall(r'read\.csv\("(\w+\.csv)"\)', snippet) == ["adtte.csv", "adsl.csv"]
    adsl, adtte = (pd.read_csv(tmp_path / name) for name in ("adsl.csv", "adtte.csv"))
    assert sorted(set(adsl) & set(adtte)) == ["STUDYID", "USUBJID"]  # what R's merge joins by
    merged = adtte.query("PARAMCD == 'OS'").merge(adsl)
    assert len(merged) == 300
    assert {"AVAL", "CNSR", "STRATUM"} <= set(merged) & set(re.findall(r"\w+", snippet))
    capsys.readouterr()


def test_generated_parts_are_filled() -> None:
    for name in ("quickstart", "calibration"):
        part = re.search(rf"<!-- generated: {name} .*?-->\n(.*?)<!-- end -->", TEXT, flags=re.DOTALL)
        assert part, name
        assert part[1].count("|") > 20, name
