"""Whatever is typed or written: exit status 0 or 2, in time, nothing outside the run's folder, nothing left after a refusal."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from sim.app.compose import composer
from sim.app.overlays import private_store, register
from tests.app import fuzzing
from tests.app.running import tree


def fuzz(seed: int, n: int) -> list[int]:
    """Run n generated cases in this process; return the exit status of each."""
    statuses, generated = [], list(fuzzing.cases(seed, n, files=0.06))
    with private_store(), composer(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shipped = register()
        for argv, content in generated:
            fuzzing.write(content)
            before = tree(Path()) if content else []
            with fuzzing.in_time((argv, content)):
                statuses.append(checked(argv, None if content else shipped))
            assert tree(Path()) == before, argv
            if content:
                shutil.rmtree("scenarios")
    return statuses


def checked(argv: list[str], overlays: object) -> int:
    try:
        return fuzzing.build_all(argv, overlays)
    except Exception as error:
        raise AssertionError(f"{argv}: {type(error).__name__}: {error}") from error


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_all_that_once_did_harm_and_more():
    statuses = fuzz(1, 500)
    assert len(statuses) == 500
    assert set(statuses) == {0, 2}


def test_files_that_nobody_asked_for_stop_nobody():
    fuzzing.write({f"scenarios/mine{i}.yaml": body for i, body in enumerate((*fuzzing.FILES, *fuzzing.SPECIAL))})
    with private_store(), composer(), fuzzing.in_time("all files"):
        assert checked(["scenarios=textbook_rct_pfs"], None) == 0


def as_processes(seed: int, n: int) -> None:
    """Run cases as a user would, each in a folder of its own, and look at what is left."""
    flags = random.Random(seed)
    for argv, content in fuzzing.cases(seed, n, files=0.5):
        if any("\0" in word for word in argv):
            continue  # no shell can say it
        folder = Path(f"case{seed}")
        folder.mkdir()
        home = os.getcwd()
        os.chdir(folder)
        try:
            fuzzing.write(content)
            before = tree(Path())
            more = flags.choice([["--cfg", "job"], ["--cfg", "job"], ["--help"], ["--hydra-help"]])
            done = subprocess.run([sys.executable, "-m", "sim", *more, *argv], capture_output=True, text=True, timeout=fuzzing.MAX_SECONDS)
            assert done.returncode in (0, 2), (argv, content, done.stderr)
            assert tree(Path()) == before, argv
            if done.returncode == 2:
                assert done.stderr.startswith("postcart: "), (argv, done.stderr)
                assert done.stderr.count("\n") == 1, (argv, done.stderr)
        finally:
            os.chdir(home)
            shutil.rmtree(folder)


@pytest.mark.process
def test_a_few_processes():
    as_processes(2, 10)


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(100, 120))
def test_ten_thousand_cases(seed):
    assert set(fuzz(seed, 500)) == {0, 2}


@pytest.mark.verify
@pytest.mark.process
@pytest.mark.parametrize("seed", range(200, 210))
def test_two_hundred_processes(seed):
    as_processes(seed, 20)
