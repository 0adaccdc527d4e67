"""Hydra's launchers run the jobs of a sweep side by side; the replicates of each job then run one block after another."""

from __future__ import annotations

import shutil
from dataclasses import replace

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser

from sim.app.errors import one_line, unknown
from sim.app.study import Study
from sim.executor.joblib_threads import JoblibThreads
from sim.executor.serial import Serial
from sim.refusal import InputError

IN_TURN = "basic"
SIDE_BY_SIDE = ("joblib", "submitit_local", "submitit_slurm")
_UNSAID = JoblibThreads()  # conf/config.yaml's executor with conf's run.workers: nobody asked for it


def chosen(overrides: list[str], multirun: bool) -> str:
    """Return the launcher that the command line asks for; `basic` runs the jobs in turn.

    Parameters
    ----------
    overrides : as `compose.complete` returns them
    multirun : the command has several jobs

    Raises
    ------
    InputError : there is no such launcher, its package is missing, or there is nothing for it to launch
    """
    try:
        parsed = [o for o in OverridesParser.create().parse_overrides(overrides) if _is_launcher(o.key_or_group)]
    except Exception as error:
        raise InputError(one_line(error)) from error
    name = IN_TURN
    for override in parsed:
        said = override.input_line
        if override.is_sweep_override() or override.is_delete():
            raise InputError(f"'{said}' is refused; allowed: one launcher, with one value for each of its keys, for all jobs")
        if override.key_or_group == "hydra/launcher":
            name = str(override.value())
        elif override.key_or_group == "hydra.launcher._target_":
            raise InputError(f"'{said}' is refused; allowed: hydra/launcher={'|'.join(SIDE_BY_SIDE)}")
        elif override.key_or_group == "hydra.launcher.n_jobs" and override.value() == 0:
            raise InputError("hydra.launcher.n_jobs is 0; allowed: a number of jobs at a time, or -1 for one a core")
    if name not in (IN_TURN, *SIDE_BY_SIDE):
        raise unknown("hydra/launcher", name, (IN_TURN, *SIDE_BY_SIDE))
    if name == IN_TURN:
        return name
    if not multirun:
        raise InputError(f"hydra/launcher={name} launches the jobs of a sweep; allowed: with -m and lists of values")
    if f"{name}.yaml" not in ConfigStore.instance().repo["hydra"]["launcher"]:
        raise InputError(f"hydra/launcher={name} is not installed; allowed: pip install 'postcart[launchers]', or -m without it")
    if name == "submitit_slurm" and shutil.which("sbatch") is None:
        raise InputError("hydra/launcher=submitit_slurm: there is no sbatch here; allowed: on a machine that submits to SLURM")
    return name


def one_level(studies: list[Study], launcher: str) -> tuple[list[Study], str]:
    """Give every job one core for its replicates when jobs run side by side, and say so.

    Parameters
    ----------
    studies : the jobs
    launcher : as `chosen` returns it

    Returns
    -------
    the jobs, and the line to say; it is empty when nothing had to change

    Raises
    ------
    InputError : the command asks for workers within a job as well
    """
    if launcher == IN_TURN or not any(study.executor.side_by_side for study in studies):
        return studies, ""
    asked = next((s.executor for s in studies if s.executor.side_by_side and s.executor != _UNSAID), None)
    if asked is not None:
        raise InputError(
            f"hydra/launcher={launcher} and workers within each job ({asked.label}) are two levels of parallelism;"
            " allowed: the launcher with executor=serial, or -m without a launcher"
        )
    line = f"hydra/launcher={launcher} runs jobs side by side, so the replicates of each run on one core (executor=serial)"
    return [replace(study, executor=Serial()) for study in studies], line


def _is_launcher(key: str) -> bool:
    return key.startswith(("hydra/launcher", "hydra.launcher"))
