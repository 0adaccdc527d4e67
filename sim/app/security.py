"""Refuse whatever could make a configuration run code: a file from a stranger describes a trial and nothing else.

Two rings. sim/app/vetting.py reads a user's file as plain YAML before Hydra sees it. Here the composed configuration is
checked before anything of it is built, so that what the first ring did not foresee still meets the list of allowed classes.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.base import Container
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import OmegaConfBaseException

from sim.app.errors import one_line, unknown
from sim.app.schema import FRAME_KEYS, GROUPS
from sim.refusal import InputError

SAFE_RESOLVERS = ("oc.select", "oc.decode")

MODULES = {
    "benchmark": ("sim.benchmark",),
    "population": ("sim.population", "sim.shape"),
    "accrual": ("sim.accrual",),
    "dropout": ("sim.followup",),
    "effect": ("sim.effect",),
    "design": ("sim.design", "sim.statistic", "sim.boundary", "sim.followup", "sim.eligibility"),
    "executor": ("sim.executor",),
    "task": ("sim.app.tasks", "sim.statistic"),
}
"""For each group the modules whose public, concrete, frozen dataclasses it may hold, at any depth."""

INTERFACES = {
    "population": "sim.population.population.Population",
    "accrual": "sim.accrual.Accrual",
    "dropout": "sim.followup.Dropout",
    "effect": "sim.effect.Effect",
    "design": "sim.design.design.Design",
    "executor": "sim.executor.executor.Executor",
    "benchmark": "sim.benchmark.Benchmark",
}
"""What the object of a group itself must be."""

MAX_NODES = 20_000


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Tell whether `module` is one of `packages` or lies below one.

    Examples
    --------
    >>> within("sim.design.simon", ("sim.design",)), within("sim.designs", ("sim.design",))
    (True, False)
    """
    return any(module == package or module.startswith(package + ".") for package in packages)


def walk(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every (path, value) below `node`, mappings and lists included, and give up on monstrous ones."""
    stack, seen = [(path, node)], 0
    while stack:
        path, node = stack.pop()
        seen += 1
        if seen > MAX_NODES:
            raise InputError(f"more than {MAX_NODES} values; tables belong in a CSV file, not in a configuration")
        yield path, node
        if isinstance(node, dict):
            stack.extend((f"{path}.{key}" if path else str(key), value) for key, value in node.items())
        elif isinstance(node, list):
            stack.extend((f"{path}[{i}]", value) for i, value in enumerate(node))


@contextmanager
def safe_resolvers() -> Iterator[None]:
    """Take away every resolver but the safe ones: `oc.decode` can spell another one that no reader of text sees."""
    saved = dict(BaseContainer._resolvers)
    for name in saved:
        if name not in SAFE_RESOLVERS:
            OmegaConf.clear_resolver(name)
    try:
        yield
    finally:
        BaseContainer._resolvers.update(saved)


def resolve(config: DictConfig, trusted: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a composed configuration as plain, resolved and checked dicts.

    Parameters
    ----------
    config : the composed configuration, without `hydra`
    trusted : packages named by `run.allow_targets` on the command line

    Raises
    ------
    InputError : an unknown key at the top, a class that is not allowed, or any other key that Hydra would act on
    """
    for key in config:
        if key not in (*GROUPS, *FRAME_KEYS):
            raise unknown("key", str(key), (*GROUPS, *FRAME_KEYS))
    try:
        with safe_resolvers():
            plain: Any = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise InputError(one_line(error)) from error
    for path, value in walk(plain, ""):
        key = path.rpartition(".")[2]
        if key == "()" or (re.fullmatch(r"_\w+_", key) and key != "_target_"):
            raise InputError(f"{path} is refused; allowed with underscores at both ends: _target_")
        if isinstance(value, str) and "${" in value:
            raise InputError(f"{path} is {value!r}: an interpolation inside an interpolation is refused")
        if key == "_target_" and path.partition(".")[0] not in ("cells", "grid"):  # checked in the cells that they make
            target(path, value, trusted)
    return dict(plain)


def target(path: str, name: Any, trusted: tuple[str, ...] = ()) -> type:
    """Return the class that a `_target_` names, if its group may hold it.

    Parameters
    ----------
    path : where the `_target_` stands, for example `design.statistic._target_`
    name : its value
    trusted : packages besides `sim` whose classes are accepted in every group

    Raises
    ------
    InputError : not a dotted name, not found, or not one of the classes that the group may hold
    """
    group = re.split(r"[.\[]", path)[0]
    allowed = MODULES.get(group, ())
    where = f"{path} is {name!r}"
    # Importing runs a module's code, so the name is checked before anything is imported.
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*(\.\w+)+", name) or not within(name, ("sim", *trusted)):
        raise InputError(f"{where}; allowed: a class of {', '.join((*allowed, *trusted)) or 'no package here'}")
    found = locate(name)
    if found is None:
        raise InputError(f"{where}: there is no such class")
    ours = inspect.isclass(found) and within(found.__module__, allowed) and _is_choice(found)
    theirs = inspect.isclass(found) and within(found.__module__, trusted)
    if not (ours or theirs):
        raise InputError(
            f"{where}; allowed: a class of {', '.join((*allowed, *trusted)) or 'no package here'} that is a choice (a concrete, frozen dataclass)"
        )
    if path == f"{group}._target_" and group in INTERFACES and not issubclass(found, locate(INTERFACES[group])):
        raise InputError(f"{where}; allowed: a class that is a kind of {INTERFACES[group]}")
    return found


def _is_choice(found: type) -> bool:
    frozen = dataclasses.is_dataclass(found) and found.__dataclass_params__.frozen  # type: ignore[attr-defined]
    return frozen and not inspect.isabstract(found) and not found.__name__.startswith("_")


def locate(name: str) -> Any:
    """Import the longest part of a dotted name that is a module, then take attributes."""
    parts = name.split(".")
    for k in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError as error:
            # A module that exists but lacks a package of its own is a broken installation, not a wrong name.
            if error.name and not ".".join(parts[:k]).startswith(error.name):
                raise
            continue
        for part in parts[k:]:
            found = getattr(found, part, None)
            if found is None:
                return None
        return found
    return None


def same_hydra(given: Container, trusted: Container) -> None:
    """Refuse a composition in which files changed anything under `hydra:`.

    Parameters
    ----------
    given, trusted : the `hydra` node with the user's files, and with the command line's own `hydra` overrides alone
    """
    for key, value in _hydra(given).items():
        if _hydra(trusted).get(key) != value:
            raise InputError(f"'hydra.{key}' is changed by a file; only the command line may set it")


def _hydra(node: Container) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(node, resolve=False)
    # These record what was asked for rather than say what to do.
    return {key: value for key, value in plain.items() if key not in ("overrides", "runtime", "job")} | {
        f"job.{key}": value for key, value in plain["job"].items() if key != "override_dirname"
    }
