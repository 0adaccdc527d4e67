"""What the tests of the program share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STUBS = Path(__file__).parent / "stubs"


@dataclass(frozen=True)
class Result:
    """What a command gave back."""

    status: int
    out: str
    err: str


def tree(folder: Path) -> list[str]:
    """Every file and folder below `folder`."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


RECORD = ("task=power", "task._target_=recording.Record", "run.allow_targets=[recording]")
"""A task that writes down what it was handed."""
