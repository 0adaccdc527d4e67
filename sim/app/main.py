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
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from sim.app.errors import one_line
from sim.app.folders import RunFolder
from sim.app.overlays import Overlays, private_store, register
from sim.types import InputError

DONE, REFUSED, BROKEN, INTERRUPTED = 0, 2, 3, 130
"""Exit statuses; a task gives 1 when one of its checks failed."""

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
    int : 0 done, 1 a check failed, 2 refused, 3 broken, 130 interrupted; of several jobs the worst
    """
    show = any(a.lstrip("+").replace(" ", "").lower() == "run.traceback=true" for a in argv)
    with _restored(argv):
        try:
            return _run(argv)
        except InputError as error:
            return _say(str(error), REFUSED, show)
        except KeyboardInterrupt:
            return _say("interrupted before anything was kept", INTERRUPTED, False)
        except SystemExit as stop:  # argparse, and Hydra's --help, --info, --cfg
            return stop.code if isinstance(stop.code, int) else DONE if stop.code is None else REFUSED
        except Exception as error:
            more = "" if show else "; run.traceback=true shows where"
            return _say(f"internal error: {type(error).__name__}: {one_line(error)}{more}", BROKEN, show)


def _run(argv: list[str]) -> int:
    if argv == ["--version"]:
        from importlib.metadata import version

        print(f"postcart {version('postcart')}")
        return DONE
    arguments = _parse(argv)
    overlays = register()
    if arguments.help or arguments.hydra_help or arguments.info or arguments.shell_completion:
        _hydra(argv, lambda config: None)
        return DONE

    from sim.app.compose import complete, composer

    overrides = complete(arguments.overrides)
    if arguments.cfg:
        with composer():
            from sim.app.build import build

            build(overrides, overlays, "postcart")
        _hydra([a for a in argv if a not in arguments.overrides] + overrides, lambda config: None)
        return DONE
    multirun = arguments.multirun or "hydra.mode=MULTIRUN" in overrides
    return _jobs(argv, overrides, overlays, multirun)


def _jobs(argv: list[str], overrides: list[str], overlays: Overlays, multirun: bool) -> int:
    """Build every job, then run them all; remove the folder again when a job refuses its input."""
    from sim.app.build import build
    from sim.app.compose import composer, parse_sweep
    from sim.app.sweep import combine
    from sim.kernels import FIRST_USE

    if FIRST_USE:
        print("postcart: compiling its kernels for this machine, once; this takes about half a minute", file=sys.stderr)
    command = shlex.join(["postcart", *argv])
    with composer():
        jobs = parse_sweep(overrides) if multirun else [("", overrides)]
        studies = [build(job, overlays, command, name, quiet=multirun) for name, job in jobs]
    folder = RunFolder.claim(studies[0], _chosen_folder(overrides, multirun), multirun)
    statuses: list[int] = []
    errors: list[Exception] = []

    def job(config: object) -> None:
        # Hydra would print what a task raises, in its own words, so it is kept until Hydra is done.
        if not errors:
            number = len(statuses)
            try:
                study = studies[number]
                # the folder that is replayed is the option `task.run`, so that task's verb has another name
                verb = getattr(study.task, "replay", None) or study.task.run
                statuses.append(int(verb(study, folder.of_job(number))))
            except Exception as error:
                errors.append(error)

    where = [f"hydra.sweep.dir={folder.quoted}", "hydra.sweep.subdir=${hydra.job.num}"] if multirun else [f"hydra.run.dir={folder.quoted}"]
    try:
        _hydra((["-m"] if multirun else []) + overrides + where, job)
        if multirun:
            combine([folder.of_job(i) for i in range(len(statuses))], folder.path)
    except KeyboardInterrupt:
        return _say(f"interrupted; {folder.kept(studies[0].run.store)}", INTERRUPTED, False)
    for error in errors:
        if isinstance(error, InputError) and not statuses:
            folder.remove()
        raise error
    return max(statuses, default=DONE)


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

    sys.argv = ["postcart", *argv]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # or Hydra prints the traceback itself and exits

    def run(config: object) -> None:
        task(config)

    hydra.main(config_path=str(paths.conf_dir()), config_name="config", version_base="1.3")(run)()


def _say(line: str, status: int, show: bool) -> int:
    if show:
        traceback.print_exc()
    print(f"postcart: {' '.join(line.split())}", file=sys.stderr)
    return status


@contextmanager
def _restored(argv: list[str]) -> Iterator[None]:
    """Give back what Hydra and its logging change in the process."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    root = logging.getLogger()
    handlers, level, arguments, folder = root.handlers[:], root.level, sys.argv, Path.cwd()
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    try:
        with private_store():
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
