"""Digests of the source that decides a replicate: every file below the engine, and whatever classes from outside stand on."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from sim.types import InputError

# what only asks for replicates, keeps or tells them; a module that is not named here is taken to decide
ASKING = (
    "__main__.py",
    "app",
    "calibration",
    "effect_summary.py",
    "engine.py",
    "exact_sizing.py",
    "executor",
    "files.py",
    "formula.py",
    "large_trial.py",
    "oc",
    "provenance.py",
    "report",
    "sized.py",
    "sizing.py",
    "source.py",
    "store.py",
    "validation",
)
LIBRARIES = ("numpy", "numba", "scipy")
"""Their versions are part of the key: rows are promised bit by bit, and nobody can promise that for the next release of a library."""


def deciding_files(package: Path) -> list[Path]:
    """Return the files of the program that decide a replicate, in order."""
    return [path for path in sorted(package.rglob("*.py")) if path.relative_to(package).parts[0] not in ASKING]


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Return a hash of the source of every module that decides a replicate, and of the versions of the libraries under it."""
    package = Path(__file__).parent
    digest = hashlib.sha256(" ".join(f"{name}={metadata.version(name)}" for name in LIBRARIES).encode())
    for source in deciding_files(package):
        digest.update(str(source.relative_to(package)).encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def is_ours(module: str) -> bool:
    """Tell whether a module is part of the program."""
    return module.partition(".")[0] == "sim"


def outside_digest(cls: type) -> str:
    """Return a hash of what a class from outside the program stands on; empty for a class of the program.

    Its own package and those of its bases are read whole, with every module that they import, wherever in the text; installed packages
    among the imported stand by their version. What is imported by a computed name, or read from a file, is not seen.

    Raises
    ------
    InputError : where the source cannot be read, so that no stored block could be told from one of an edited class
    """
    tops = {base.__module__.partition(".")[0] for base in cls.__mro__ if not is_ours(base.__module__)} - sys.stdlib_module_names
    digest = hashlib.sha256()
    seen: set[str] = set()
    waiting = sorted(tops)
    while waiting:
        top = waiting.pop(0)
        if top in seen or is_ours(top) or (top in sys.stdlib_module_names and top != "__main__"):
            continue
        seen.add(top)
        files = _files_of(top)
        if top not in tops and (version := _version(top)):
            digest.update(f"{top} {version}".encode())
        elif not files:
            if top in tops:
                raise InputError(
                    f"{cls.__module__}.{cls.__qualname__}: its source cannot be read, so that a stored block may be of another version;"
                    " allowed: a class in a file, or run.store=null"
                )
        else:
            for file in files:
                content = file.read_bytes()
                digest.update(f"{top} {file.name}\0".encode() + content)
                waiting.extend(sorted(_imported(content)))
    return digest.hexdigest() if tops else ""


def _files_of(top: str) -> list[Path]:
    if top == "__main__":
        own = getattr(sys.modules[top], "__file__", None)
        return [Path(own)] if own and Path(own).is_file() else []
    spec = _spec(top)
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [file for folder in spec.submodule_search_locations for file in sorted(Path(folder).rglob("*.py"))]
    return [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") and Path(spec.origin).is_file() else []


def _spec(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None


def _version(top: str) -> str:
    """Return the version of an installed package; empty for one that lies where its owner edits it."""
    spec = _spec(top)
    where = Path((spec.submodule_search_locations or [spec.origin or ""])[0]).parts if spec else ()
    if "site-packages" not in where and "dist-packages" not in where:
        return ""
    try:
        return metadata.version(top)
    except metadata.PackageNotFoundError:
        return ""


def _imported(source: bytes) -> Iterator[str]:
    """Yield the packages that a file imports, wherever in it."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
