"""Register the scenarios, and a user's own files of the working directory, with Hydra's ConfigStore."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from sim.app import paths, schema
from sim.app.errors import one_line
from sim.app.vetting import vet
from sim.reading import parse_yaml, read_text
from sim.refusal import InputError

MAX_BYTES = 256 * 1024
_GROUPS = (*schema.GROUPS, *schema.NESTED_GROUPS)


@dataclass
class Overlays:
    """What joined the groups.

    files : (group, name) of every accepted user's file → its path as shown to people
    refused : (group, name) of every file that was refused → the line that says why; it matters once the file is used
    """

    files: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)


def read(path: Path) -> tuple[str | None, Any]:
    """Return the `@package` header (or None) and the YAML of a file.

    Raises
    ------
    InputError : no regular file, too large, not text, or not YAML
    """
    text = read_text(path, MAX_BYTES)
    tree = parse_yaml(text)
    header = re.match(r"(?:\s*#[^\n]*\n|\s*\n)*?\s*#\s*@package\s+(\S+)", text)
    return (header.group(1) if header else None), {} if tree is None else tree


def register() -> Overlays:
    """Register the frame, the shipped scenarios and the user's files; return what was found.

    Raises
    ------
    InputError : a user's file has the name of a built-in one and says something else
    """
    store = ConfigStore.instance()
    schema.register(store)
    shipped = paths.scenarios_dir()
    builtin = {("scenarios", path.stem): path for path in sorted(shipped.glob("*.yaml"))}
    builtin |= {(path.parent.name, path.stem): path for group in _GROUPS for path in (paths.conf_dir() / group).glob("*.yaml")}
    for (group, name), path in builtin.items():
        if group == "scenarios":
            _store(store, group, name, read(path)[1], str(path))
    overlays = Overlays()
    for group in ("scenarios", *_GROUPS):
        folder = Path.cwd() / group
        if not folder.is_dir() or folder.resolve() in (shipped, paths.conf_dir() / group):
            continue
        for path in sorted(folder.glob("*.yaml")):
            _join(store, overlays, builtin, group, path)
    return overlays


def _join(store: ConfigStore, overlays: Overlays, builtin: dict[tuple[str, str], Path], group: str, path: Path) -> None:
    key, shown = (group, path.stem), f"./{paths.shown(path)}"
    if key in builtin:
        with suppress(InputError):  # what is no file is no copy
            if read_text(path, MAX_BYTES) == read_text(builtin[key], MAX_BYTES):
                return
        raise InputError(f"{shown}: '{path.stem}' is a built-in name of {group}; allowed: any other file name")
    try:
        if not re.fullmatch(r"\w+", path.stem):
            raise InputError("the file's name is no option; allowed: letters, digits and _")
        header, tree = read(path)
        vet(group, header, tree)
        _store(store, group, path.stem, tree, shown)
    except Exception as error:
        # A stranger's file that nobody asked for must not stop the others, so the line waits until it is used.
        overlays.refused[key] = f"{shown}: {one_line(error)}"
        return
    overlays.files[key] = shown


def _store(store: ConfigStore, group: str, name: str, tree: Any, provider: str) -> None:
    package = "_global_" if group == "scenarios" else group
    store.store(group=group, name=name, node=OmegaConf.create(tree), package=package, provider=provider)


@contextmanager
def private_store() -> Iterator[None]:
    """Give Hydra's process-wide ConfigStore back as it was, so that one command leaves nothing for the next."""
    Plugins.instance()  # Hydra's own plugins register themselves once, at first use, and are to stay
    store = ConfigStore.instance()
    saved = store.repo
    store.repo = {key: _copy(value) for key, value in saved.items()}
    try:
        yield
    finally:
        store.repo = saved


def _copy(node: Any) -> Any:
    return {key: _copy(value) for key, value in node.items()} if isinstance(node, dict) else node
