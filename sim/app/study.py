"""What a command asks for, once composed, checked and built: plain frozen dataclasses, no configuration left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.refusal import InputError

if TYPE_CHECKING:
    from sim.trial import Trial


@dataclass(frozen=True)
class Run:
    """How to run, never what: seed, numbers of replicates, workers and folders.

    Parameters
    ----------
    seed : int in [0, 2**64), the one seed of every draw
    n_sim, n_sim_null : int >= 1, replicates under the stated effect and under the null hypothesis
    precision : replicates are added until the error of every metric of `precision_of` is below it; None: n_sim, n_sim_null
    precision_of : names of metrics of the table of operating characteristics
    n_sim_max : replicates after which a precision target is given up
    workers : int >= 1, or None for all cores
    store : folder in which finished blocks of replicates are kept for later runs, or None to keep none
    reuse : take blocks that the store already holds
    folder : the run's folder, or None for outputs/<date>_<time>_<scenario>
    traceback : show where an error came from
    allow_targets : packages besides `sim` whose classes a configuration may name (command line only)
    quiet : print no table: one job of a sweep, which prints one table for all
    """

    seed: int = 2657
    n_sim: int = 10_000
    n_sim_null: int = 100_000
    precision: float | None = None
    precision_of: tuple[str, ...] = ("power", "type_i_error", "rejection_no_effect")
    n_sim_max: int = 10_000_000
    workers: int | None = None
    store: str | None = "outputs/store"
    reuse: bool = True
    folder: str | None = None
    traceback: bool = False
    allow_targets: tuple[str, ...] = ()
    quiet: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**64:
            raise InputError(f"run.seed is {self.seed}; allowed: 0 or more, below 2**64")
        for name in ("n_sim", "n_sim_null", "n_sim_max"):
            if getattr(self, name) < 1:
                raise InputError(f"run.{name} is {getattr(self, name)}; allowed: 1 or more replicates")
        for name in ("precision_of", "allow_targets"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.precision is not None and not 0 < self.precision < float("inf"):
            raise InputError(f"run.precision is {self.precision}; allowed: a positive error, or null for a fixed number of replicates")
        from sim.oc import DEFINITIONS  # here, so that --help need not load the engine

        unknown = sorted(set(self.precision_of) - set(DEFINITIONS))
        if unknown:
            raise InputError(f"run.precision_of names {', '.join(unknown)}; allowed: {', '.join(sorted(DEFINITIONS))}")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"run.workers is {self.workers}; allowed: 1 or more, or null for all cores")


@dataclass(frozen=True)
class Cell:
    """One trial of a study, under its name in every table."""

    name: str
    trial: Trial
    benchmark: Any = None


@dataclass(frozen=True)
class Study:
    """Everything that one job computes.

    Parameters
    ----------
    scenario : name of the scenario, or of the design when none was named
    title, question : free text for the report; may be empty
    cells : one or more trials, all built
    run, executor, task : how to run, where blocks run, and the verb
    resolved_config : per cell name, its configuration with every interpolation resolved, as plain dicts
    command : the command line that gives this study again
    """

    scenario: str
    title: str
    question: str
    cells: tuple[Cell, ...]
    run: Run
    executor: Any
    task: Any
    resolved_config: dict[str, dict[str, Any]] = field(default_factory=dict)
    command: str = "postcart"

    @property
    def folder_name(self) -> str:
        """What the run's folder is called after its date: the scenario, or what a task that runs no trial calls it."""
        named = getattr(self.task, "folder_name", None)
        return self.scenario if named is None else str(named(self))

    @property
    def benchmark(self) -> Any:
        """The published source of the first cell; each cell carries its own."""
        return self.cells[0].benchmark
