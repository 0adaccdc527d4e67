"""Turn what Hydra and OmegaConf raise into one line: what, where, the value and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from hydra.errors import InstantiationException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from sim.refusal import InputError


def nearest(word: str, words: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` of `words` that look most like `word`, best first.

    Examples
    --------
    >>> nearest("uniforn", ["uniform", "piecewise"])
    ['uniform']
    """
    return difflib.get_close_matches(word, list(words), n=n, cutoff=0.6)


def unknown(what: str, word: str, words: Iterable[str]) -> InputError:
    """Return the error for a name that is not among `words`: the nearest ones, then all if they are few.

    Examples
    --------
    >>> print(unknown("scenarios", "quikstart", ["quickstart", "textbook"]))
    scenarios: 'quikstart' is unknown; nearest: quickstart; allowed: quickstart, textbook
    """
    words = sorted(set(words))
    near = nearest(word, words)
    parts = [f"{what}: '{word}' is unknown"]
    if near:
        parts.append("nearest: " + ", ".join(near))
    if len(words) <= 12:
        parts.append("allowed: " + (", ".join(words) or "nothing"))
    return InputError("; ".join(parts))


def root(error: BaseException) -> BaseException:
    """Return the cause of a chain that says most: the outermost bad input, which names the file, or what came first.

    Examples
    --------
    >>> outer = InputError("mine.yaml: theta is -1")
    >>> outer.__cause__ = InputError("theta is -1")
    >>> root(outer)
    InputError('mine.yaml: theta is -1')
    """
    while not isinstance(error, InputError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def one_line(error: BaseException) -> str:
    """Return the message of an error, and of what caused it, in one line."""
    cause = root(error)
    if isinstance(cause, InputError):
        return _flat(str(cause))
    if isinstance(error, OverrideParseException):
        override = str(error.override).removeprefix("++")
        return f"override '{override}' cannot be read: {_unreadable(override) or _flat(str(error.message))}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return str(unknown(group or "configuration", name, error.options or ()))
    if isinstance(error, InstantiationException):
        key = re.search(r"full_key: (\S+)", str(error))
        return f"{key.group(1) if key else 'configuration'}: {_flat(str(cause))}"
    if isinstance(cause, OmegaConfBaseException):
        value = _flat(str(cause.msg if isinstance(getattr(cause, "msg", None), str) else cause))
        return f"{getattr(cause, 'full_key', None) or 'configuration'}: {value}"
    key = re.search(r"full_key: (\S+)", str(error))
    line = _flat(str(error)) or type(error).__name__
    return f"{key.group(1)}: {line}" if key and key.group(1) not in line else line


def _unreadable(override: str) -> str:
    """Say what a shell has done to an override, or an empty string.

    Examples
    --------
    >>> _unreadable("grid={statistic:")
    "a bracket is not closed; quote it, or the shell splits it: 'grid={…}'"
    >>> _unreadable("design.n")
    'it is no key=value; no spaces around ='
    """
    key, equals, value = override.partition("=")
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", override)
    for opening, closing in ("{}", "[]", "()"):
        if bare.count(opening) != bare.count(closing):
            inside = f"{opening}…{closing}" if value.startswith(opening) else "…"
            whole = f"{key}={inside}" if equals and opening in value + opening else "key={…}"
            return f"a bracket is not closed; quote it, or the shell splits it: '{whole}'"
    if not key or not equals or not value.strip():
        return "it is no key=value; no spaces around ="
    return ""


def _flat(text: str) -> str:
    """Join lines, without OmegaConf's trailer of types."""
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and not re.match(r"(full_key|object_type|reference_type|parent)\b[:=]|See https?:", line)]
    return " ".join(kept)
