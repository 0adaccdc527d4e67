"""Run the program as a user does, in a process of its own that can be killed."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from tests.engine.studies import table_digest

TRIAL = ("scenarios=textbook_rct_pfs", "run.n_sim=60000", "run.n_sim_null=60000", "run.store=store", "run.folder=run")
TOTAL = 120_000


def environment() -> dict[str, str]:
    """Return this process's environment, in which the program can be imported from anywhere."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def start(folder: Path, *arguments: str, prepare: Callable[[], object] | None = None) -> subprocess.Popen:
    """Start one command with `folder` as working directory, as the leader of a process group."""
    command = [sys.executable, "-m", "sim", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=prepare
    )  # fmt: skip


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    """Wait for a command; return its status and what it printed, each as one line of words."""
    out, err = process.communicate(timeout=300)
    return process.returncode, " ".join(out.split()), " ".join(err.split())


def run(folder: Path, *arguments: str, prepare: Callable[[], object] | None = None) -> tuple[int, str, str]:
    """Run one command to its end."""
    return finish(start(folder, *arguments, prepare=prepare))


def table(folder: Path) -> str:
    """Return a hash of the columns of replicates.parquet."""
    return table_digest(pq.read_table(folder / "run" / "replicates.parquet"))


def blocks(folder: Path) -> list[Path]:
    """Return the finished blocks of the store."""
    return sorted((folder / "store").rglob("block-*.parquet"))


def unfinished(folder: Path) -> list[Path]:
    """Return every file that is neither a block nor a result: what a failed write must not leave."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name.startswith("."))


def obey_permissions() -> None:
    """Let permissions bind the process that is about to start, even when its user is root."""
    cap_bset_drop, cap_dac_override = 24, 1
    ctypes.CDLL(None).prctl(cap_bset_drop, cap_dac_override, 0, 0, 0)
