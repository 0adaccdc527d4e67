"""Expand `cells:` and `grid:` of a scenario into named lists of overrides."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from sim.app.errors import unknown
from sim.app.schema import GROUPS, NESTED_GROUPS, PLACES, TRIAL_GROUPS
from sim.refusal import InputError

CELL_GROUPS = ("benchmark", *TRIAL_GROUPS, *NESTED_GROUPS)
MAX_CELLS = 10_000


def key_of(override: str) -> str:
    """Return the key of an override, without plus signs or tildes.

    Examples
    --------
    >>> key_of("++benchmark.figures.a.value=7"), key_of("design=single_arm_orr")
    ('benchmark.figures.a.value', 'design')
    """
    return override.lstrip("+~").partition("=")[0].partition("@")[0].strip()


def placed(override: str) -> str:
    """Write out the place of a choice that lies inside a group.

    Raises
    ------
    InputError : a key below such a choice that leaves the place out

    Examples
    --------
    >>> placed("statistic=cox"), placed("spending@design.harm.spending=kim_demets"), placed("~futility"), placed("design.n=60")
    ('design.statistic=cox', 'design.harm.spending=kim_demets', '~design.futility', 'design.n=60')
    """
    short = re.match(r"[+~]*(\w+)(\.[\w.]+)", override)
    if short and short[1] in NESTED_GROUPS:
        raise InputError(f"{override}: '{short[1]}{short[2]}' is unknown; the key is {NESTED_GROUPS[short[1]]}{short[2]}")
    found = re.match(r"(?P<sign>[+~]*)(?P<group>\w+)(@(?P<place>[\w.]+))?(?P<rest>=.*|)$", override, re.DOTALL)
    if not found or found["group"] not in NESTED_GROUPS or not (found["rest"] or found["sign"]):
        return override
    return f"{found['sign']}{found['place'] or NESTED_GROUPS[found['group']]}{found['rest']}"


def merge(command_line: list[str], cell: list[str]) -> list[str]:
    """Return the overrides of one cell: the command line's first, each giving way to the cell's own for the same key.

    Examples
    --------
    >>> merge(["design=a", "effect.hr=0.5", "run.seed=1"], ["design=b", "effect.hr=0.7"])
    ['run.seed=1', 'design=b', 'effect.hr=0.7']
    """
    own = {key_of(placed(override)) for override in cell}
    return [override for override in command_line if key_of(placed(override)) not in own] + cell


def expand(cells: dict[str, Any], grid: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return (name, overrides) of every cell: each of `cells` crossed with each point of `grid`.

    Parameters
    ----------
    cells : name → list of overrides
    grid : key → list of values, nested or dotted; a point is named key=value,…

    Raises
    ------
    InputError : not of this form, an override outside the trial, or more cells than anybody can read

    Examples
    --------
    >>> expand({}, {"effect.hr": [0.5, 0.6], "design": {"n": [60]}})
    [('effect.hr=0.5,design.n=60', ['effect.hr=0.5', 'design.n=60']), ('effect.hr=0.6,design.n=60', ['effect.hr=0.6', 'design.n=60'])]
    >>> expand({"a": ["design=single_arm_orr"]}, {})
    [('a', ['design=single_arm_orr'])]
    """
    for key, value in (("cells", cells), ("grid", grid)):
        if not isinstance(value, dict):
            raise InputError(f"{key} is {value!r}; allowed: a mapping, empty where there is one trial")
    named: list[tuple[str, list[str]]] = [(str(name), _overrides(str(name), value)) for name, value in cells.items()] or [("", [])]
    axes = _axes(grid)
    size = len(named)
    for _, values in axes:
        size *= len(values)
    if size > MAX_CELLS:
        raise InputError(f"cells and grid make {size} cells; allowed: up to {MAX_CELLS}")
    expanded = []
    for (name, own), *point in itertools.product(named, *[[(key, value) for value in values] for key, values in axes]):
        overrides = [f"{key}={render(value)}" for key, value in point]
        expanded.append((",".join(([name] if name else []) + overrides), own + overrides))
    return [] if not cells and not grid else expanded


def _overrides(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"cells.{name} is {value!r}; allowed: a list of overrides such as [design.n=60]")
    if not name or len(name) > 80 or not name.isprintable():
        raise InputError(f"cells: the name {name!r} is refused; allowed: 1 to 80 printable characters")
    for item in value:
        _check(f"cells.{name}", item)
    return list(value)


def _axes(grid: dict[str, Any], path: str = "") -> list[tuple[str, list[Any]]]:
    axes: list[tuple[str, list[Any]]] = []
    for key, value in grid.items():
        full = f"{path}{key}"
        if isinstance(value, dict):
            axes += _axes(value, full + ".")
        elif isinstance(value, list) and value:
            for item in value:
                _check("grid", f"{full}={render(item)}")
            axes.append((full, value))
        else:
            raise InputError(f"grid.{full} is {value!r}; allowed: a list of at least one value")
    return axes


def _check(where: str, text: str) -> None:
    override = OverridesParser.create().parse_override(text)
    first = re.split(r"[./]", key_of(text))[0]
    if first not in CELL_GROUPS:
        if first in (*GROUPS, "run", "scenarios", "hydra"):
            raise InputError(f"{where}: '{text}' is refused; a cell may change {', '.join(CELL_GROUPS)}")
        raise unknown(where, first, CELL_GROUPS)
    no_value = override.is_delete() and key_of(placed(text)) not in PLACES
    if override.is_sweep_override() or no_value or "@" in text.partition("=")[0]:
        raise InputError(f"{where}: '{text}' is refused; allowed: one key=value")


def render(value: Any) -> str:
    """Return a plain value in Hydra's override grammar.

    Examples
    --------
    >>> render([1, 2.5, None, True]), render("x y"), render("population"), render({"a": 1})
    ('[1,2.5,null,true]', '"x y"', 'population', '{a:1}')
    """
    if isinstance(value, str):
        return value if re.fullmatch(r"[A-Za-z_][\w]*", value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(render, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{render(item)}" for key, item in value.items()) + "}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
