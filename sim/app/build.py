"""From a composed configuration to domain objects: the one place that calls hydra.utils.instantiate."""

from __future__ import annotations

import re
from typing import Any

from hydra.utils import instantiate

from sim.app import cells, security, sentences
from sim.app.compose import Composed, compose, compose_cell
from sim.app.errors import one_line
from sim.app.overlays import Overlays
from sim.app.paths import conf_dir, shown
from sim.app.schema import GROUPS, TRIAL_GROUPS
from sim.app.study import Cell, Run, Study
from sim.app.typecheck import check_fields
from sim.refusal import InputError
from sim.report.words import Told


def build(overrides: list[str], overlays: Overlays, command: str, name: str = "", quiet: bool = False) -> Study:
    """Compose, check and build everything that `overrides` ask for; simulate nothing.

    Parameters
    ----------
    overrides : as `compose.complete` returns them
    overlays : the user's files
    command : what to write into the provenance
    name : name of this job within a sweep, put before its cells' names
    quiet : this job is one of a sweep

    Raises
    ------
    InputError : one line that names the cell, the file or key, the value and what is allowed
    """
    base = compose(overrides, overlays)
    trusted = _trusted(overrides)
    plain = security.resolve(base.config, trusted)
    if tuple(plain["run"]["allow_targets"]) != trusted:
        raise InputError("run.allow_targets is set by a file; only the command line may set it")
    run = Run(**check_fields("run", Run, {**plain["run"], "allow_targets": list(trusted)}), quiet=quiet)
    common = _instantiate({key: plain[key] for key in ("executor", "task")}, base, overlays, trusted)
    built, resolved = [], {}
    made: dict[tuple[str, str], Any] = {}  # equal choices are one object, so that cells share what it computes once
    scenarios = _scenarios(base)
    for label, own in cells.expand(plain["cells"], plain["grid"]) or [("", [])]:
        try:
            composed = compose_cell(base, overrides, own, overlays) if own else base
            configuration = security.resolve(composed.config, trusted)
            wanted = {key: configuration[key] for key in ("benchmark", *TRIAL_GROUPS)}
            new = {key: value for key, value in wanted.items() if (key, repr(value)) not in made}
            made |= {(key, repr(wanted[key])): part for key, part in _instantiate(new, composed, overlays, trusted).items()}
            parts = {key: made[key, repr(value)] for key, value in wanted.items()}
            both = ("population of benchmark", repr((wanted["population"], wanted["benchmark"])))
            if both not in made:
                made[both] = parts["population"].with_benchmark(parts["benchmark"])
            parts["population"] = made[both]
            full = ",".join(part for part in (name, label) if part) or composed.choices["design"]
            built.append(Cell(full, _fitting(parts, composed, overlays), parts["benchmark"]))
        except InputError as error:
            raise InputError(f"cell {label}: {error}" if label else str(error)) from error
        if full in resolved:
            raise InputError(f"cells: the name '{full}' comes twice; allowed: a name for each")
        resolved[full] = {key: value for key, value in configuration.items() if key not in ("cells", "grid")}
    asked = sentences.asked(overrides, plain["grid"], scenarios, common["task"])
    title, question = sentences.told(plain, [Told(cell.trial.facts, cell.trial.effect.facts) for cell in built], asked)
    return Study(
        scenario="+".join(scenarios) or base.choices["design"],
        title=title,
        question=question,
        cells=tuple(built),
        run=run,
        executor=common["executor"],
        task=common["task"],
        resolved_config=resolved,
        command=command,
    )


def rebuild(configuration: dict[str, Any], trusted: tuple[str, ...] = ()) -> Any:
    """Build the trial of one cell again, from the resolved configuration in a run's provenance.

    Parameters
    ----------
    configuration : plain values, one mapping per group
    trusted : packages besides `sim` that its classes may come from

    Raises
    ------
    InputError : a group is missing, or a class or value is refused
    """
    missing = [group for group in ("benchmark", *TRIAL_GROUPS) if not isinstance(configuration.get(group), dict)]
    if missing:
        raise InputError(f"provenance.json: config has no {', '.join(missing)}; allowed: the file that a run wrote")
    try:
        checked = _checked("", {group: configuration[group] for group in ("benchmark", *TRIAL_GROUPS)}, trusted)
        with security.safe_resolvers():
            parts = dict(instantiate(checked, _convert_="all"))
        return _trial({**parts, "population": parts["population"].with_benchmark(parts["benchmark"])})
    except Exception as error:
        raise InputError(f"{one_line(error)} (provenance.json)") from error


def _scenarios(base: Composed) -> list[str]:
    chosen = str(base.choices.get("scenarios"))
    return re.findall(r"\w+", chosen) if chosen != "None" else []


def _trusted(overrides: list[str]) -> tuple[str, ...]:
    """Return `run.allow_targets` as the command line says it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    value: Any = []
    for override in OverridesParser.create().parse_overrides(overrides):
        if override.key_or_group == "run.allow_targets":
            value = override.value()
    names = [str(name) for name in value] if isinstance(value, list) else [str(value)]
    for name in names:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", name):
            raise InputError(f"run.allow_targets holds {name!r}; allowed: names of packages")
    return tuple(names)


def _trial(parts: dict[str, Any]) -> Any:
    from sim.trial import Trial

    return Trial(**{key: parts[key] for key in TRIAL_GROUPS})


def _fitting(parts: dict[str, Any], composed: Composed, overlays: Overlays) -> Any:
    """Build the trial; parts that do not go together are refused with the files of the design and the population."""
    try:
        return _trial(parts)
    except InputError as error:
        files = [_source("design", composed, overlays), _source("population", composed, overlays)]
        own = getattr(parts["population"], "path", None)
        if own is not None and conf_dir() not in own.parents:  # parameters of the user's own
            files.append(shown(own))
        names = dict.fromkeys(name for file in files for name in file.split(", "))
        raise InputError(f"{error} ({', '.join(names)})") from error


def _instantiate(plain: dict[str, Any], composed: Composed, overlays: Overlays, trusted: tuple[str, ...]) -> dict[str, Any]:
    """Build the objects of some groups, after their keys and types were held against the classes."""
    key = ""
    try:
        for key, value in plain.items():
            if not isinstance(value, dict) or "_target_" not in value:
                raise InputError(f"{key} is {value!r}; allowed: {key}=OPTION with a _target_")
        checked = _checked("", plain, trusted)
        built: dict[str, Any] = {}
        for key, value in checked.items():  # one at a time: the key says whose files an error is about
            with security.safe_resolvers():
                built |= dict(instantiate({key: value}, _convert_="all"))
        return built
    except Exception as error:
        group = next((g for g in GROUPS if one_line(error).startswith(g)), key)
        raise InputError(f"{one_line(error)} ({_source(group, composed, overlays)})") from error


def _checked(path: str, node: Any, trusted: tuple[str, ...]) -> Any:
    """Return a configuration with every mapping that names a class held against that class."""
    if isinstance(node, list):
        return [_checked(f"{path}[{i}]", value, trusted) for i, value in enumerate(node)]
    if not isinstance(node, dict):
        return node
    below = {key: _checked(f"{path}.{key}" if path else key, value, trusted) for key, value in node.items()}
    if "_target_" not in node:
        return below
    cls = security.target(f"{path}._target_", node["_target_"], trusted)
    own = check_fields(path, cls, {key: value for key, value in below.items() if key != "_target_"})
    return {"_target_": node["_target_"], **own}


def _source(group: str, composed: Composed, overlays: Overlays) -> str:
    """Name the files that a group's values come from."""
    choice = composed.choices.get(group, "")
    files = [overlays.files.get((group, choice), f"conf/{group}/{choice}.yaml")]
    scenario = composed.choices.get("scenarios")
    if scenario and scenario != "None":
        files.append(overlays.files.get(("scenarios", scenario), f"scenarios/{scenario}.yaml"))
    return ", ".join(files)
