"""Compose one configuration from overrides, with Hydra's Compose API: no folder, no log, nothing built."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigKeyError

from sim.app import paths
from sim.app.cells import key_of, merge, placed
from sim.app.errors import one_line, root, unknown
from sim.app.layers import at, is_name
from sim.app.loader import LayeredLoader, layered
from sim.app.overlays import Overlays
from sim.app.schema import FRAME_KEYS, GROUPS, NESTED_GROUPS, OPEN_MAPPINGS, PLACES, TRIAL_GROUPS
from sim.app.security import same_hydra
from sim.refusal import InputError

_TRIAL_KEYS = (*TRIAL_GROUPS, *NESTED_GROUPS, "scenarios", "cells", "grid")


@dataclass(frozen=True)
class Composed:
    """A configuration without its `hydra` node, and the option chosen in each group."""

    config: DictConfig
    choices: dict[str, str] = field(default_factory=dict)


def complete(overrides: list[str]) -> list[str]:
    """Return the command line's overrides as Hydra needs them.

    Keys of open mappings get their plus signs; `scenarios=quickstart` is added when nothing says which trial.

    Examples
    --------
    >>> complete(["task=calibrate", "benchmark.figures.failure_os_median.value=7.0"])
    ['scenarios=quickstart', 'task=calibrate', '++benchmark.figures.failure_os_median.value=7.0']
    >>> complete(["design.n=60"])
    ['design.n=60']
    """
    said = any(key_of(override).split(".")[0].split("/")[0] in _TRIAL_KEYS for override in overrides)
    opened = ["++" + o if o.startswith(tuple(name + end for name in OPEN_MAPPINGS for end in ".=")) else o for o in overrides]
    return opened if said else ["scenarios=quickstart", *opened]


@contextmanager
def composer() -> Iterator[None]:
    """Point Hydra's Compose API at conf/, and leave no global state behind."""
    GlobalHydra.instance().clear()
    try:
        with layered(), initialize_config_dir(config_dir=str(paths.conf_dir()), version_base="1.3", job_name="postcart"):
            yield
    finally:
        GlobalHydra.instance().clear()


def compose(overrides: list[str], overlays: Overlays) -> Composed:
    """Return the configuration that `overrides` give, inside a `composer()` block.

    Raises
    ------
    InputError : one line with the key or choice, its value and what is allowed
    """
    for override in overrides:
        _refuse(override, overlays)
    with _one_line_errors(overrides, overlays):
        config = hydra_compose("config", overrides=overrides, return_hydra_config=True)
        if overlays.files:
            own = tuple(override for override in overrides if key_of(override).startswith("hydra"))
            same_hydra(config.hydra, _loader().alone(own).hydra)
    choices: Any = OmegaConf.to_container(config.hydra.runtime.choices)
    with open_dict(config):
        config.pop("hydra")
    return Composed(config, {key: value for key, value in choices.items() if not key.startswith("hydra")})


def compose_cell(base: Composed, overrides: list[str], own: list[str], overlays: Overlays) -> Composed:
    """Return the configuration of a cell: the command line's overrides, then the cell's own.

    Parameters
    ----------
    base : what `overrides` alone give
    own : the overrides of the cell

    Raises
    ------
    InputError : as `compose`
    """
    if any(_names_an_option(override) for override in own):
        return compose(merge(overrides, own), overlays)
    # Without a choice of option the cell differs from the base in values only: a hundred times sooner than composing.
    config = copy.deepcopy(base.config)
    with _one_line_errors(overrides + own, overlays):
        _loader().apply(OverridesParser.create().parse_overrides([placed(override) for override in own]), config)
    return Composed(config, base.choices)


def _names_an_option(override: str) -> bool:
    key = key_of(placed(override))
    return "." not in key or (key in PLACES and is_name(key, OverridesParser.create().parse_override(override).value()))


def _loader() -> LayeredLoader:
    loader = GlobalHydra.instance().config_loader()
    assert isinstance(loader, LayeredLoader)
    return loader


@contextmanager
def _one_line_errors(overrides: list[str], overlays: Overlays) -> Iterator[None]:
    try:
        yield
    except MissingConfigException as error:
        raise _missing(error, overlays) from error
    except ConfigCompositionException as error:
        raise _unknown_key(error, overrides) from error
    except InputError:
        raise
    except Exception as error:
        raise InputError(one_line(error)) from error


def _refuse(override: str, overlays: Overlays) -> None:
    placed(override)  # or says that it has no place
    key, _, value = override.lstrip("+~").partition("=")
    if key.startswith("hydra.searchpath"):
        raise InputError(f"'{override}' is refused; allowed: files in ./scenarios and ./GROUP of the working directory")
    if key.startswith(("hydra/sweeper", "hydra.sweeper")):
        # what runs was built before Hydra starts, for its own sweeper
        raise InputError(f"'{override}' is refused; allowed: -m with lists of values, or grid; executor=NAME says where replicates run")
    if key in GROUPS and value.strip() in ("", "null", "[]"):
        raise InputError(f"'{override}' is refused; allowed: {key}=OPTION, one of those that --help lists")
    for name in [word.strip().strip("'\"") for word in value.strip("[]").split(",")]:
        if line := overlays.refused.get((key, name)):
            raise InputError(line)
        if key in (*GROUPS, "scenarios") and re.search(r"[/\\.]", name):
            # Hydra would look for a file outside the group
            raise InputError(f"{key}: '{name}' is refused; allowed: the name of an option, one of those that --help lists")


def _missing(error: MissingConfigException, overlays: Overlays) -> InputError:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    name = name.removesuffix(".yaml")
    if line := overlays.refused.get((group, name)):
        return InputError(line)
    return unknown(group or "configuration", name, error.options or ())


def _unknown_key(error: ConfigCompositionException, overrides: list[str]) -> InputError:
    """Name the override that fits nothing, with the nearest keys there are."""
    overrides = [placed(override) for override in overrides]
    wrong = next((o for o in overrides if any(f"'{name}'" in str(error) for name in (key_of(o), o, o.partition("=")[0]))), None)
    if wrong is None:
        return InputError(one_line(error))
    key = key_of(wrong)
    group, dot, _ = key.partition(".")
    if group not in (*GROUPS, *FRAME_KEYS, "scenarios") and not group.startswith("hydra"):
        return unknown(wrong, group, (*GROUPS, *FRAME_KEYS, "scenarios"))
    if dot and isinstance(root(error), ConfigKeyError | AttributeError):
        choices = tuple(o for o in overrides if o != wrong and key_of(o) in (*GROUPS, "scenarios", *PLACES))
        alone = _loader().alone(choices)
        plain: Any = OmegaConf.to_container(alone, resolve=False)
        known = [k for k in _keys(plain, "") if k.split(".")[0] == group]
        empty = next((p for p in PLACES if key.startswith(p + ".") and p in known and at(plain, p) is None), None)
        if empty is not None:
            return InputError(f"{wrong}: {empty} is null; allowed: {empty}=OPTION first, one of conf/{PLACES[empty]}")
        # a mapping changes keys: the one that is not there lies inside it
        inside = [f"{key}.{name}" for name in _value_keys(wrong) if f"{key}.{name}" not in known] if key in known else []
        line = str(unknown(wrong, (inside or [key])[0], known))
        option = alone.hydra.runtime.choices.get(group)  # the design may have chosen it
        return InputError(f"{line}; {group} is {option} here" if option else line)
    return InputError(f"{wrong}: {one_line(root(error))}")


def _keys(node: Any, path: str) -> Iterable[str]:
    for key, value in node.items() if isinstance(node, dict) else ():
        if key != "_target_":
            yield f"{path}{key}"
            yield from _keys(value, f"{path}{key}.")


def _value_keys(override: str) -> list[str]:
    value = OverridesParser.create().parse_override(override).value()
    return [str(name) for name in value] if isinstance(value, dict) else []


def parse_sweep(overrides: list[str]) -> list[tuple[str, list[str]]]:
    """Return (name, overrides) of each job of a multirun, in the order of Hydra's basic sweeper.

    Raises
    ------
    InputError : an override that cannot be read, or a sweep of nothing
    """
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    try:
        loader = GlobalHydra.instance().config_loader()
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(overrides)
        [jobs] = BasicSweeper.split_arguments(parsed, None)
    except Exception as error:
        raise InputError(one_line(error)) from error
    if not jobs:
        raise InputError("-m: the sweep is empty; allowed: at least one value for each key")
    swept = {override.get_key_element() for override in parsed if override.is_sweep_override()}
    return [(",".join(o for o in job if o.partition("=")[0] in swept), job) for job in jobs]
