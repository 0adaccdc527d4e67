"""Hold plain configuration values against the annotations of the dataclass they are meant for."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, Union

from sim.app.errors import unknown
from sim.app.security import locate
from sim.refusal import InputError

_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}


def check_fields(path: str, cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values, a lone one in a list where a list is meant; refuse unknown keys, missing and mistyped values.

    Parameters
    ----------
    path : where the mapping stands, for example `effect`
    cls : a dataclass; anything else is left to its own constructor
    values : the mapping without `_target_`

    Raises
    ------
    InputError : the key, its value and what is allowed
    """
    if not dataclasses.is_dataclass(cls):
        return values
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init and not f.name.startswith("_")}
    for key in values:
        if key not in fields:
            raise unknown(path, key, fields)
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if values.get(name) == "???" or (required and name not in values):
            raise InputError(f"{path}.{name} is missing; allowed: {describe(_hints(cls).get(name, Any))}")
    checked = {}
    for name, value in values.items():
        hint = _hints(cls).get(name, Any)
        checked[name] = value if fits(value, hint) or not fits([value], hint) else [value]
        if not fits(checked[name], hint):
            raise InputError(f"{path}.{name} is {_shown(value)}; allowed: {describe(hint)}")
    return checked


def _shown(value: Any) -> str:
    """Return a value as an error says it: a choice by the name of its class."""
    if isinstance(value, dict) and isinstance(value.get("_target_"), str):
        return f"a {value['_target_'].rpartition('.')[2]}"
    return repr(value)


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except NameError:  # an annotation imported for type checkers only
        return {}


def fits(value: Any, hint: Any) -> bool:
    """Tell whether a plain YAML value can stand for an annotation; what it does not know, it lets pass.

    Examples
    --------
    >>> fits(1, float), fits(True, int), fits([1, 2.5], tuple[float, ...]), fits("x", int | None)
    (True, False, True, False)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in arguments)
    if hint is bool or hint is str or hint is type(None):
        return isinstance(value, hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if origin in (tuple, list, Sequence, Collection):
        if not isinstance(value, list):
            return False
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            return len(value) == len(arguments) and all(map(fits, value, arguments))
        return all(fits(item, arguments[0]) for item in value) if arguments else True
    if origin in (dict, Mapping):
        return isinstance(value, dict)
    if isinstance(hint, type) and hint is not object and hint.__module__.startswith("sim."):
        # the class itself was accepted before; here it must be one of the right kind
        named = locate(value["_target_"]) if isinstance(value, dict) and isinstance(value.get("_target_"), str) else None
        return isinstance(named, type) and issubclass(named, hint)
    return True


def describe(hint: Any) -> str:
    """Return an annotation in words.

    Examples
    --------
    >>> describe(int | None), describe(tuple[float, ...]), describe(Literal["mean", "null"])
    ('a whole number or null', 'a list of a number', 'mean or null')
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin in (tuple, list, Sequence, Collection):
        return f"a list of {describe(arguments[0])}" if arguments else "a list"
    if hint in _NAMES:
        return _NAMES[hint]
    if isinstance(hint, type):
        return f"a {hint.__name__}" if hint.__module__.startswith("sim.") else hint.__name__
    return str(hint)
