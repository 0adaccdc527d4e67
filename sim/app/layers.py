"""How what is said of a trial in several places becomes one tree: an option, a scenario over it, a nearer choice over both.

Three rules, whoever speaks and wherever:

1. A mapping that names its class (`_target_`) is a whole choice: it takes the place of what was there. Any other mapping changes keys.
2. At a place where a choice stands (`sim.app.schema.PLACES`) the name of an option stands for the option.
3. A choice that is named nearer to the user wins over what is said further off of the option that it replaces: of that, the keys which
   the new option has too keep their values, the others are left out. The command line is nearer than a scenario, a scenario nearer than
   the one that it builds on.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable
from typing import Any

from sim.app.schema import PLACES
from sim.app.security import target
from sim.refusal import InputError

Tree = dict[str, Any]
Load = Callable[[str, str], Tree]
"""(group, name of an option) -> what its file says."""

MISSING = "???"


def is_name(place: str, value: Any) -> bool:
    """Tell whether a value is the name of an option, at a place where a choice stands.

    Examples
    --------
    >>> is_name("design.spending", "kim_demets"), is_name("design.spending", None), is_name("design.endpoint", "os")
    (True, False, False)
    """
    return place in PLACES and isinstance(value, str) and "${" not in value and value != MISSING


def is_choice(value: Any) -> bool:
    """Tell whether a value says a whole choice: it names its class."""
    return isinstance(value, dict) and "_target_" in value


def named(node: Any, path: str, load: Load) -> Any:
    """Return a tree in which every name of an option has become the option.

    Parameters
    ----------
    node : plain values
    path : where they stand
    load : gives what an option says
    """
    if is_name(path, node):
        return named(load(PLACES[path], node), path, load)
    if not isinstance(node, dict):
        return node
    return {key: named(value, f"{path}.{key}" if path else str(key), load) for key, value in node.items()}


def without_names(content: Tree) -> tuple[Tree, dict[str, str]]:
    """Take the names of options out of what a layer says: return the rest, and place -> name.

    A name inside a whole choice stays: it belongs to that choice.

    Examples
    --------
    >>> without_names({"design": {"n": 60, "statistic": "cox"}})
    ({'design': {'n': 60}}, {'design.statistic': 'cox'})
    """
    names: dict[str, str] = {}

    def rest(node: Any, path: str) -> Any:
        if not isinstance(node, dict) or is_choice(node):
            return node
        kept = {}
        for key, value in node.items():
            place = f"{path}.{key}" if path else str(key)
            if is_name(place, value):
                names[place] = value
            else:
                kept[key] = rest(value, place)
        return kept

    return rest(content, ""), names


def laid(under: Any, over: Any, same: bool = False) -> Any:
    """Return `under` with `over` laid upon it.

    Parameters
    ----------
    under, over : plain values
    same : both are parts of one option, which may say its class in either; what lies inside them is judged as ever

    Examples
    --------
    >>> laid({"n": 1, "spending": {"_target_": "A", "x": 1}}, {"n": 2, "spending": {"_target_": "B"}})
    {'n': 2, 'spending': {'_target_': 'B'}}
    >>> laid({"_target_": "A", "x": 1}, {"x": 2})
    {'_target_': 'A', 'x': 2}
    """
    if not isinstance(over, dict) or not isinstance(under, dict) or ("_target_" in over and not same):
        return copy.deepcopy(over)
    merged = dict(under)
    for key, value in over.items():
        if key not in merged:
            merged[key] = copy.deepcopy(value)
        elif value != MISSING:
            merged[key] = laid(merged[key], value)
    return merged


def fitting(said: Any, option: Any, path: str) -> Any:
    """Return what of `said` can be said of `option`, which has replaced the option that it was meant for.

    Examples
    --------
    >>> fitting({"_target_": "A", "x": 1, "y": 2}, {"x": 0}, "effect")
    {'x': 1}
    """
    if not isinstance(said, dict) or not isinstance(option, dict):
        return said
    keys = keys_of(option, path)
    kept: Tree = {}
    for key, value in said.items():
        below, there = f"{path}.{key}", option.get(key)
        if key == "_target_" or key not in keys:
            continue
        if isinstance(value, dict) and not is_choice(value) and is_choice(there):
            kept[key] = fitting(value, there, below)
        elif not (isinstance(value, dict) and not is_choice(value) and below in PLACES):
            kept[key] = value
    return kept


def keys_of(option: Tree, path: str) -> set[str]:
    """Return the keys that an option has: those it says and those of its class."""
    keys = set(option)
    if is_choice(option):
        # a class that is refused here is refused again later, or only the command line trusts it
        with contextlib.suppress(InputError):
            keys |= set(getattr(target(f"{path}._target_", option["_target_"]), "__dataclass_fields__", ()))
    return keys


def at(tree: Any, path: str) -> Any:
    """Return what stands at a dotted path, or None."""
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def choices_first(places: Iterable[str]) -> list[str]:
    """Return places so that none comes before one that it lies in.

    Examples
    --------
    >>> choices_first({"design.futility.spending": "", "design.futility": ""})
    ['design.futility', 'design.futility.spending']
    """
    return sorted(places, key=lambda place: place.count("."))
