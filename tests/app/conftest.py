"""Run the program inside the test process, in an empty working directory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.app.main import main
from tests.app.running import STUBS, Result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory from which `stubs` can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(STUBS)])
    return tmp_path


@pytest.fixture
def cli(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run one command and return its status and what it printed."""

    def run(*argv: str) -> Result:
        capfd.readouterr()
        status = main(list(argv))
        captured = capfd.readouterr()
        return Result(status, captured.out, captured.err)

    return run
