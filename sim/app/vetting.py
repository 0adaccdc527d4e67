"""The first ring: read a user's YAML file as plain data, before Hydra sees it, and refuse what reaches beyond its group."""

from __future__ import annotations

import re
from typing import Any

from omegaconf import grammar_parser
from omegaconf.grammar.gen.OmegaConfGrammarParser import OmegaConfGrammarParser

from sim.app.errors import unknown
from sim.app.schema import FRAME_KEYS, GROUPS
from sim.app.security import SAFE_RESOLVERS, walk
from sim.refusal import InputError

COMMAND_LINE_ONLY = ("folder", "store", "traceback", "allow_targets")
"""Keys of `run` that no file may set: where to write, and what to trust."""


def vet(group: str, header: str | None, tree: Any) -> None:
    """Refuse a user's YAML file that reaches beyond its group.

    Parameters
    ----------
    group : `scenarios` or a group of conf/
    header : the text after `# @package`, or None
    tree : the parsed YAML

    Raises
    ------
    InputError : which key, its value and what is allowed; the caller adds the file
    """
    if not isinstance(tree, dict):
        raise InputError("holds no mapping; allowed: key: value")
    allowed = ("_global_",) if group == "scenarios" else ("_group_", group)
    if header is not None and header not in allowed:
        raise InputError(f"'@package {header}' is refused; allowed: {', '.join(allowed)}")
    _vet_defaults(tree.get("defaults"))
    tree = {key: value for key, value in tree.items() if key != "defaults"}
    if group == "scenarios":
        if "hydra" in tree:
            raise InputError("'hydra' is refused in a file; the command line may set it")
        for key in tree:
            if key not in (*GROUPS, *FRAME_KEYS):
                raise unknown("key", str(key), (*GROUPS, *FRAME_KEYS))
        run = tree.get("run")
        for key in run if isinstance(run, dict) else ():
            if key in COMMAND_LINE_ONLY:
                raise InputError(f"'run.{key}' is refused in a file; the command line may set it")
    for path, value in walk(tree, ""):
        _vet_value(path, value)


def _vet_defaults(defaults: Any) -> None:
    if defaults is None:
        return
    if not isinstance(defaults, list):
        raise InputError("'defaults' is no list")
    for item in defaults:
        if isinstance(item, str):
            if not re.fullmatch(r"\w+", item):
                raise InputError(f"'{item}' is refused in defaults; allowed: a name of the same folder, or _self_")
            continue
        if not isinstance(item, dict) or len(item) != 1:
            raise InputError(f"'{item}' is refused in defaults; allowed: GROUP: NAME")
        [(key, value)] = item.items()
        match = re.fullmatch(r"(override )?/?(?P<group>[a-z_]+)", str(key))
        if not match or match["group"] not in (*GROUPS, "scenarios"):
            raise InputError(f"'{key}' is refused in defaults; allowed: [override ]/GROUP with GROUP one of {', '.join(GROUPS)}")
        names = value if isinstance(value, list) else [value]
        if not all(name is None or (isinstance(name, str) and re.fullmatch(r"\w+", name)) for name in names):
            raise InputError(f"'{key}: {value}' is refused in defaults; allowed: the name of an option")


def _vet_value(path: str, value: Any) -> None:
    key = path.rpartition(".")[2]
    if key == "()" or (re.fullmatch(r"_\w+_", key) and key != "_target_"):
        raise InputError(f"'{path}' is refused in a file; allowed with underscores at both ends: _target_")
    if key == "_target_" and (not isinstance(value, str) or "$" in value):
        raise InputError(f"'{path}' is {value!r}; allowed: the name of a class, written out")
    if isinstance(value, str) and "${" in value:
        for name in resolvers(value):
            if name not in SAFE_RESOLVERS:
                raise InputError(f"'{path}' uses the resolver '{name}'; allowed in a file: {', '.join(SAFE_RESOLVERS)}")


def resolvers(text: str) -> list[str]:
    """Return the names of the resolvers that an interpolated string calls, at any depth.

    Examples
    --------
    >>> resolvers("${oc.decode:${oc.env:HOME}} ${design.n}")
    ['oc.decode', 'oc.env']
    """
    found: list[str] = []
    stack: list[Any] = [grammar_parser.parse(text)]
    while stack:
        node = stack.pop(0)
        if isinstance(node, OmegaConfGrammarParser.InterpolationResolverContext):
            found.append(str(node.resolverName().getText()))  # type: ignore[no-untyped-call]
        stack.extend(node.getChildren() if hasattr(node, "getChildren") else ())
    return found
