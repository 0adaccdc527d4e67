"""The frame that every configuration shares, as a structured config: Hydra refuses another key or type in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

TRIAL_GROUPS = ("population", "accrual", "dropout", "effect", "design")
"""The groups that say which trial."""

GROUPS = ("benchmark", *TRIAL_GROUPS, "executor", "task")
"""Every group of conf/, in the order of the defaults list."""

PLACES = {
    "design.statistic": "statistic",
    "design.spending": "spending",
    "design.futility_spending": "spending",
    "design.futility.spending": "spending",
    "design.harm.spending": "spending",
    "design.shape": "shape",
    "design.futility": "futility",
    "design.harm": "harm",
}
"""Places inside a group where a choice stands, and the group of conf/ that holds its options; the name of an option stands for it there."""

NESTED_GROUPS = {group: place for place, group in reversed(PLACES.items())}
"""Groups whose choice lies inside another group's, and the first of their places: `statistic=x` stands for `design.statistic=x`."""

OPEN_MAPPINGS = ("cells", "grid", "benchmark.figures")
"""Mappings whose keys are the user's: an override of one needs no plus sign."""


@dataclass
class RunConfig:
    """The composed form of `sim.app.study.Run`, which validates it."""

    seed: int = 2657
    n_sim: int = 10_000
    n_sim_null: int = 100_000
    precision: float | None = None
    precision_of: list[str] = field(default_factory=lambda: ["power", "type_i_error", "rejection_no_effect"])
    n_sim_max: int = 10_000_000
    workers: int | None = None
    store: str | None = "outputs/store"
    reuse: bool = True
    folder: str | None = None
    traceback: bool = False
    allow_targets: list[str] = field(default_factory=list)


@dataclass
class Frame:
    """Everything at the top of a configuration; the groups fill their own places.

    `title` and `question` may name facts of the trial in braces, see `sim.app.sentences`.
    """

    title: str = ""
    question: str = ""
    run: RunConfig = field(default_factory=RunConfig)
    cells: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, Any] = field(default_factory=dict)
    benchmark: Any = MISSING
    population: Any = MISSING
    accrual: Any = MISSING
    dropout: Any = MISSING
    effect: Any = MISSING
    design: Any = MISSING
    executor: Any = MISSING
    task: Any = MISSING


FRAME_KEYS = tuple(key for key in Frame.__dataclass_fields__ if key not in GROUPS)

# Hydra's own logs would be a second, unread report in every folder and a line per job on the terminal.
_QUIET = {"version": 1, "root": {"level": "ERROR"}, "disable_existing_loggers": False}


def register(store: ConfigStore) -> None:
    """Add the frame to Hydra's store."""
    store.store(name="frame", node=Frame, provider="sim/app/schema.py")
    for log in ("job_logging", "hydra_logging"):
        store.store(group=f"hydra/{log}", name="quiet", node=_QUIET, provider="sim/app/schema.py")
