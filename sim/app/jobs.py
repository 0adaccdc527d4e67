"""The jobs of a command: run in turn in this process, or by a Hydra launcher in processes of their own."""

from __future__ import annotations

import io
import json
import traceback
from contextlib import ExitStack, redirect_stderr
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sim.app.errors import one_line
from sim.app.folders import RunFolder
from sim.app.study import Study
from sim.refusal import InputError

DONE, REFUSED, BROKEN = 0, 2, 3
"""Exit statuses; a task gives 1 when one of its checks failed. Those of a run that is stopped are in `stopping`."""


@dataclass(frozen=True)
class Outcome:
    """How a job, or the whole command, ended.

    status : its exit status
    line : what to say of an error; empty where there was none
    trace : where the error came from
    """

    status: int
    line: str = ""
    trace: str = ""


def outcome_of(error: BaseException) -> Outcome:
    """Turn an error into a status and one line."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, InputError):
        return Outcome(REFUSED, str(error), trace)
    return Outcome(BROKEN, f"internal error: {type(error).__name__}: {one_line(error)}", trace)


def run_study(study: Study, folder: Path) -> Outcome:
    """Run one job; what it raises becomes its outcome, since Hydra would print it in its own words."""
    # the folder that is replayed is the option `task.run`, so that task's verb has another name
    verb = getattr(study.task, "replay", None) or study.task.run
    try:
        return Outcome(int(verb(study, folder)))
    except Exception as error:
        return outcome_of(error)


@dataclass
class InTurn:
    """What Hydra calls for each job when it runs them one after another in this process; the first error ends it."""

    studies: list[Study]
    folder: RunFolder
    _kept: ExitStack = field(default_factory=ExitStack, init=False)
    _executors: dict[str, Any] = field(default_factory=dict, init=False)
    _outcomes: list[Outcome] = field(default_factory=list, init=False)

    def __call__(self, config: object) -> None:
        number = len(self._outcomes)
        if not any(outcome.line for outcome in self._outcomes):
            self._outcomes.append(run_study(self._with_kept_executor(self.studies[number]), self.folder.of_job(number)))

    def __enter__(self) -> InTurn:
        return self

    def __exit__(self, *error: object) -> None:
        self._kept.close()

    def outcomes(self, launcher_error: Exception | None) -> list[Outcome]:
        """Return the outcomes of the jobs that were begun."""
        if launcher_error is not None:
            raise launcher_error
        return self._outcomes

    def _with_kept_executor(self, study: Study) -> Study:
        # a batch system's queue is waited for once, not for every trial and every job
        name = repr(study.executor)
        if name not in self._executors:
            self._executors[name] = self._kept.enter_context(study.executor.kept())
        return replace(study, executor=self._executors[name])


@dataclass(frozen=True)
class SideBySide:
    """What a Hydra launcher calls for each job, in a process of its own; each leaves word of its outcome in its folder."""

    studies: list[Study]
    names: list[str]
    folder: RunFolder

    def __call__(self, config: object) -> None:
        from hydra.core.hydra_config import HydraConfig

        number = int(HydraConfig.get().job.num)
        # several progress bars on one terminal would be no progress
        with redirect_stderr(io.StringIO()):
            outcome = run_study(self.studies[number], self.folder.of_job(number))
        self._word(number).write_text(json.dumps(asdict(outcome)), encoding="utf-8")

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(self, *error: object) -> None:
        for number in range(len(self.studies)):
            self._word(number).unlink(missing_ok=True)

    def outcomes(self, launcher_error: Exception | None) -> list[Outcome]:
        """Return the outcome of every job; one that left no word was lost."""
        why = "it left no word" if launcher_error is None else f"{type(launcher_error).__name__}: {one_line(launcher_error)}"
        return [self._outcome(number, name, why) for number, name in enumerate(self.names)]

    def _outcome(self, number: int, name: str, why: str) -> Outcome:
        try:
            found = Outcome(**json.loads(self._word(number).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Outcome(
                BROKEN, f"job {number} ({name}) was lost ({why}); no finished block is lost: the same command goes on from the store"
            )
        return replace(found, line=f"job {number} ({name}): {found.line}") if found.line else found

    def _word(self, number: int) -> Path:
        return self.folder.of_job(number) / ".outcome.json"
