"""Level: developer. The record of a run is complete, survives a bare machine, and is written whole or not at all."""

import hashlib
import json
import os
import re
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import sim
from sim import provenance

ROOT = Path(sim.__file__).parent


def record(**changes):
    return provenance.collect(**{"seed": 7, "resolved_config": {"run": {"seed": 7}}, "command": ["postcart", "a b"], "files": {}} | changes)


def test_versions_are_the_installed_ones():
    versions = record()["versions"]
    assert set(versions) == {"python", "postcart", "numpy", "scipy", "numba", "lifelines", "pandas", "pyarrow", "hydra-core"}
    assert versions["numpy"] == np.__version__
    assert versions["hydra-core"] == metadata.version("hydra-core")


def test_a_missing_package_is_said_not_raised(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    assert record()["versions"]["numba"] == "not installed"


def test_every_source_file_is_hashed():
    source = record()["source"]
    assert set(source) == {p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py")}
    assert source["types.py"] == hashlib.sha256((ROOT / "types.py").read_bytes()).hexdigest()


def test_named_files_are_hashed_and_a_missing_one_is_named(tmp_path):
    (tmp_path / "figures.csv").write_bytes(b"abc")
    files = record(files={"b": tmp_path / "none.csv", "a": tmp_path / "figures.csv"})["files"]
    # FIPS 180-4, the example "abc"
    assert files == {"a": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "b": "missing"}
    assert list(files) == ["a", "b"]
    assert str(tmp_path) not in json.dumps(files)


def test_command_is_quoted_for_a_shell():
    assert record()["command"] == "postcart 'a b'"
    assert record(command="postcart task=size")["command"] == "postcart task=size"


def test_config_may_be_text_or_a_mapping_with_paths():
    assert record(resolved_config="run: {seed: 7}\n")["config"] == "run: {seed: 7}\n"
    assert record(resolved_config={"folder": Path("x")})["config"] == {"folder": "x"}


def test_time_is_utc_and_now():
    created = datetime.fromisoformat(record()["created"])
    assert created.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=5)


def test_citations_come_first_then_the_programs_own():
    assert record(citations=["Zurko 2023"])["citations"] == ["Zurko 2023", *provenance.CITATIONS]


@pytest.mark.parametrize("failure", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 10), PermissionError("git")])
def test_never_fails_without_git(monkeypatch, failure):
    def broken(*_, **__):
        raise failure

    monkeypatch.setattr(subprocess, "run", broken)
    assert record()["git"] is None


def git_answers(monkeypatch, answers):
    def run(command, **_):
        code, out = answers[command[3]]
        return subprocess.CompletedProcess(command, code, out, "")

    monkeypatch.setattr(subprocess, "run", run)


def test_commit_of_a_checkout(monkeypatch):
    git_answers(monkeypatch, {"ls-files": (0, "provenance.py\n"), "rev-parse": (0, "abc123\n"), "status": (0, " M sim/oc.py\n")})
    assert record()["git"] == {"commit": "abc123", "modified": True}
    git_answers(monkeypatch, {"ls-files": (0, "provenance.py\n"), "rev-parse": (0, "abc123\n"), "status": (0, "")})
    assert record()["git"] == {"commit": "abc123", "modified": False}


def test_a_package_inside_somebody_elses_repository_is_not_theirs(monkeypatch):
    git_answers(monkeypatch, {"ls-files": (1, ""), "rev-parse": (0, "abc123\n"), "status": (0, "")})
    assert record()["git"] is None


def test_written_record_reads_back(tmp_path):
    path = tmp_path / "provenance.json"
    written = record(citations=["Café"])
    provenance.write(written, path)
    assert json.loads(path.read_text(encoding="utf-8")) == written
    assert re.search("Café", path.read_text(encoding="utf-8"))
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_write_is_whole_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "provenance.json"
    provenance.write({"seed": 1}, path)

    def refuse(*_):
        raise OSError("disk is full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk is full"):
        provenance.write({"seed": 2}, path)
    assert json.loads(path.read_text()) == {"seed": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["provenance.json"]


def test_unwritable_folder_raises(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        provenance.write({}, tmp_path / "nowhere" / "provenance.json")
