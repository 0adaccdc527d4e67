"""Read a file that somebody else wrote: never wait for it, never read without end, and say in one line what is wrong with it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import yaml

from sim.refusal import InputError

MAX_BYTES = 64 * 1024 * 1024
"""Of a table; what a person writes by hand is given a smaller limit."""

MAX_NODES = 20_000
"""Of a YAML file, every alias counted as often as it is used."""


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of a file, with or without a byte order mark.

    Parameters
    ----------
    path : a regular file, or a link to one; a pipe, a device or a folder is refused, since reading it might never end
    max_bytes : refuse a larger file

    Raises
    ------
    InputError : why it cannot be read; the caller says which file
    """
    try:
        # without waiting: a pipe that nobody writes to would keep the program for ever
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise InputError("cannot be read: it is no regular file")
            content = stream.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None
    except InputError:
        raise
    except ValueError as error:  # a name with a null byte
        raise InputError(f"cannot be read: {error}") from None
    if len(content) > max_bytes:
        raise InputError(f"larger than {max_bytes} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"cannot be read: {error}") from None


def parse_yaml(text: str) -> Any:
    """Return the plain values of a YAML text, read as YAML 1.2 reads them.

    Raises
    ------
    InputError : not YAML, a key that comes twice, a merge key (`<<`), a tag, or more values than anybody writes

    Notes
    -----
    YAML 1.1 reads 0240 as 160, 2:00 as 120 and no as false. YAML 1.2 (core schema, section 10.3.2) reads 240, "2:00" and "no". Merge
    keys belong to 1.1; a few nested ones take minutes to read.

    Examples
    --------
    >>> parse_yaml("{n: 0240, when: 2:00, pause: no, rate: 1e-3, hex: 0x1F}")
    {'n': 240, 'when': '2:00', 'pause': 'no', 'rate': 0.001, 'hex': 31}
    """
    try:
        tree = yaml.load(text, Loader=_Yaml12)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {' '.join(str(error).split())}") from None
    stack, seen = [tree], 0
    while stack:
        node = stack.pop()
        seen += 1
        if seen > MAX_NODES:
            raise InputError(f"more than {MAX_NODES} values; tables belong in a CSV file")
        stack.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    return tree


class _Yaml12(yaml.CSafeLoader):  # type: ignore[misc]
    """libyaml's safe loader with the scalars of YAML 1.2's core schema, without merge keys and without keys that come twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, "merge keys (<<) are refused", key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, list | dict):
                raise yaml.constructor.ConstructorError(None, None, "a key that is a list or a mapping", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} comes twice", key_node.start_mark)
            seen.add(key)
        return dict(yaml.constructor.BaseConstructor.construct_mapping(self, node, deep=deep))

    def construct_yaml_map(self, node: Any) -> Any:
        data: dict[Any, Any] = {}
        yield data
        data.update(self.construct_mapping(node))


def _int(loader: _Yaml12, node: Any) -> int:
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _float(loader: _Yaml12, node: Any) -> float:
    text = loader.construct_scalar(node)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_CORE = {
    "null": (r"~|null|Null|NULL|", "~nN\0"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
    "merge": (r"<<", "<"),
}
_Yaml12.yaml_implicit_resolvers = {}
for _name, (_pattern, _first) in _CORE.items():
    _Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})$"), [c if c != "\0" else "" for c in _first])
_Yaml12.yaml_constructors = {
    tag: make
    for tag, make in _Yaml12.yaml_constructors.items()
    if tag is None or str(tag).rpartition(":")[2] in ("null", "bool", "str", "seq", "map")
}
_Yaml12.add_constructor("tag:yaml.org,2002:map", _Yaml12.construct_yaml_map)
_Yaml12.add_constructor("tag:yaml.org,2002:int", _int)
_Yaml12.add_constructor("tag:yaml.org,2002:float", _float)
