"""The command line: compose, check and build everything, then let Hydra run the jobs.

With no override that says which trial (population, accrual, dropout, effect, design, cells, grid) and no `scenarios=`,
the scenario is `quickstart`; otherwise the trial is the one of conf/config.yaml, with the overrides.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from sim.app.folders import RunFolder
from sim.app.jobs import BROKEN, DONE, REFUSED, InTurn, Outcome, SideBySide, outcome_of
from sim.app.overlays import Overlays, private_store, register
from sim.app.stopping import stopped, stopping_on_request
from sim.refusal import InputError

_REFUSED_FLAGS = {
    "config_path": "--config-path",
    "config_name": "--config-name",
    "config_dir": "--config-dir",
    "experimental_rerun": "--experimental-rerun",
}


def main(argv: list[str]) -> int:
    """Run one command and return its exit status; leave no global state behind.

    Parameters
    ----------
    argv : the command line after the program's name

    Returns
    -------
    int : 0 done, 1 a check failed, 2 refused, 3 broken, 130 interrupted, 143 terminated (SIGTERM); of several jobs the worst
    """
    show = any(a.lstrip("+").replace(" ", "").lower() == "run.traceback=true" for a in argv)
    with _restored(argv), stopping_on_request():
        try:
            return _ended(_run(argv), show)
        except KeyboardInterrupt as stop:
            return _ended([stopped(stop, "before anything was kept")], False)
        except SystemExit as stop:  # argparse, and Hydra's --help, --info, --cfg
            return stop.code if isinstance(stop.code, int) else DONE if stop.code is None else REFUSED
        except Exception as error:
            return _ended([outcome_of(error)], show)


def _run(argv: list[str]) -> list[Outcome]:
    if argv == ["--version"]:
        from importlib.metadata import version

        print(f"postcart {version('postcart')}")
        return []
    arguments = _parse(argv)
    overlays = register()

    from sim.app.compose import complete, compose, composer

    overrides = complete(arguments.overrides)
    if arguments.help or arguments.hydra_help or arguments.info or arguments.shell_completion:
        if arguments.overrides and not arguments.shell_completion:
            with composer():
                compose(overrides, overlays)
        _hydra(argv, lambda config: None)
        return []
    if arguments.cfg:
        with composer():
            from sim.app.build import build

            build(overrides, overlays, "postcart")
        _hydra([a for a in argv if a not in arguments.overrides] + overrides, lambda config: None)
        return []
    multirun = arguments.multirun or "hydra.mode=MULTIRUN" in overrides
    return _jobs(argv, overrides, overlays, multirun)


def _jobs(argv: list[str], overrides: list[str], overlays: Overlays, multirun: bool) -> list[Outcome]:
    """Build every job, then run them all; remove the folder again when a job refuses its input."""
    from sim.app import launchers
    from sim.app.build import build
    from sim.app.compiling import compile_kernels
    from sim.app.compose import composer, parse_sweep
    from sim.app.sweep import combine

    launcher = launchers.chosen(overrides, multirun)
    command = shlex.join(["postcart", *argv])
    with composer():
        named = parse_sweep(overrides) if multirun else [("", overrides)]
        studies = [build(job, overlays, command, name, quiet=multirun) for name, job in named]
    studies, note = launchers.one_level(studies, launcher)
    compile_kernels()
    folder = RunFolder.claim(studies[0], _chosen_folder(overrides, multirun), multirun)
    if note:
        print(f"postcart: {note}", file=sys.stderr)
    in_turn = launcher == launchers.IN_TURN
    where = [f"hydra.sweep.dir={folder.quoted}", "hydra.sweep.subdir=${hydra.job.num}"] if multirun else [f"hydra.run.dir={folder.quoted}"]
    launcher_error = None
    done = False
    try:
        with InTurn(studies, folder) if in_turn else SideBySide(studies, [name for name, _ in named], folder) as jobs:
            try:
                _hydra((["-m"] if multirun else []) + overrides + where, jobs)
            except Exception as error:
                launcher_error = error
            outcomes = jobs.outcomes(launcher_error)
        if multirun:
            combine([folder.of_job(i) for i, outcome in enumerate(outcomes) if not outcome.line], folder.path)
        done = not any(outcome.line for outcome in outcomes)
    except KeyboardInterrupt as stop:
        return [stopped(stop, folder.kept(studies[0].run.store))]
    finally:
        folder.end(done)
    if outcomes and all(outcome.status == REFUSED for outcome in outcomes):
        folder.remove()
    return outcomes


def _chosen_folder(overrides: list[str], multirun: bool) -> str | None:
    """Return what the command line says in Hydra's own words, which run.folder otherwise says in ours."""
    key = "hydra.sweep.dir=" if multirun else "hydra.run.dir="
    found = [o.removeprefix(key).strip("'\"") for o in overrides if o.startswith(key)]
    if found and "${" in found[-1]:
        raise InputError(f"{key}{found[-1]} is refused; allowed: a plain path, or run.folder=PATH")
    return found[-1] if found else None


def _parse(argv: list[str]) -> argparse.Namespace:
    from hydra._internal.utils import get_args_parser

    parser = get_args_parser()
    parser.error = _bad_flag  # type: ignore[method-assign]
    arguments = parser.parse_args(argv)
    for name, flag in _REFUSED_FLAGS.items():
        if getattr(arguments, name) is not None:
            raise InputError(f"{flag} is refused; allowed: files in ./scenarios and ./GROUP of the working directory")
    return arguments


def _bad_flag(message: str) -> NoReturn:
    raise InputError(f"{message}; allowed: key=value, -m, --help, --version, --cfg, --info")


def _hydra(argv: list[str], task: Callable[[object], None]) -> None:
    """Hand a checked command line to Hydra."""
    import hydra

    from sim.app import paths
    from sim.app.loader import layered

    sys.argv = ["postcart", *argv]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # or Hydra prints the traceback itself and exits

    def run(config: object) -> None:
        task(config)

    with layered():
        hydra.main(config_path=str(paths.conf_dir()), config_name="config", version_base="1.3")(run)()


def _ended(outcomes: list[Outcome], show: bool) -> int:
    """Say every error in a line of its own; return the worst status."""
    for outcome in outcomes:
        if not outcome.line:
            continue
        if show and outcome.trace:
            print(outcome.trace, file=sys.stderr, end="")
        more = "" if show or outcome.status != BROKEN or not outcome.trace else "; run.traceback=true shows where"
        print(f"postcart: {' '.join(outcome.line.split())}{more}", file=sys.stderr)
    return max((outcome.status for outcome in outcomes), default=DONE)


@contextmanager
def _restored(argv: list[str]) -> Iterator[None]:
    """Give back what Hydra and its logging change in the process."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    root = logging.getLogger()
    handlers, level, arguments, folder = root.handlers[:], root.level, sys.argv, Path.cwd()
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    try:
        with private_store(), warnings.catch_warnings():
            # what a library has to say is for programmers; but a number that is none, or too large, in our own arithmetic is an error
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", category=RuntimeWarning, module=r"sim\.")
            yield
    finally:
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None
        root.handlers[:], sys.argv = handlers, arguments
        root.setLevel(level)
        os.chdir(folder)
        os.environ.pop("HYDRA_FULL_ERROR", None)
        if full_error is not None:
            os.environ["HYDRA_FULL_ERROR"] = full_error
