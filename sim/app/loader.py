"""Hydra's loader of configurations with the rules of sim/app/layers.py: the command line, cells, grids, sweeps, `--cfg` and `.hydra`
all compose through it, so that none can differ from another."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from hydra import compose as hydra_compose
from hydra._internal import config_loader_impl
from hydra._internal import hydra as hydra_internal
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.defaults_list import DefaultsList, create_defaults_list
from hydra.core.default_element import ConfigDefault, GroupDefault, ResultDefault
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from sim.app import layers
from sim.app.cells import placed
from sim.app.errors import unknown
from sim.app.schema import GROUPS, PLACES
from sim.refusal import InputError

_OURS = (*GROUPS, "scenarios")


class LayeredLoader(ConfigLoaderImpl):
    """Compose options, scenarios and the command line by three rules; read each file once."""

    _repo: CachingConfigRepository | None = None

    def __init__(self, config_search_path: Any) -> None:
        super().__init__(config_search_path)
        self._frames: dict[tuple[str, ...], DictConfig] = {}
        self._alone: dict[tuple[str, ...], DictConfig] = {}
        self._said: dict[tuple[str, str], layers.Tree] = {}
        self._lists: dict[tuple[Any, ...], DefaultsList] = {}
        self._choices: dict[str, str] = {}
        self._options: dict[tuple[str, ObjectType | None], list[str]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_repo": None, "_frames": {}, "_alone": {}, "_said": {}, "_lists": {}, "_options": {}}

    def alone(self, overrides: tuple[str, ...]) -> DictConfig:
        """Return what these overrides alone give, `hydra` included, composed once; not to be changed."""
        if overrides not in self._alone:
            self._alone[overrides] = hydra_compose("config", overrides=list(overrides), return_hydra_config=True)
        return self._alone[overrides]

    def apply(self, overrides: list[Override], config: DictConfig) -> None:
        """Apply the values of overrides to a composed configuration; what names an option has been laid already.

        Raises
        ------
        ConfigCompositionException : as Hydra says it
        """
        for override in overrides:
            key, value = override.key_or_group, override.value()
            if layers.is_name(key, value) and not override.is_delete():
                continue
            if override.is_delete() and key in PLACES and value is None and key.rpartition(".")[2] in _parent(config, key):
                OmegaConf.update(config, key, None)
            elif layers.is_choice(value) and not override.is_delete():
                _replace(config, override, layers.named(value, key, self._option))
            else:
                ConfigLoaderImpl._apply_overrides_to_config([override], config)

    def _load_configuration_impl(self, config_name: str | None, overrides: list[str], *arguments: Any, **more: Any) -> DictConfig:
        overrides = [placed(override) for override in overrides]
        parsed = OverridesParser.create().parse_overrides(overrides)
        said = [(o.key_or_group, o.value()) for o in parsed if not o.is_sweep_override() and not o.is_delete()]
        # the last word on a place stands, be it a name, a whole choice or null
        last = {key: value for key, value in said if key in PLACES and not (isinstance(value, dict) and not layers.is_choice(value))}
        self._choices = {key: cast(str, value) for key, value in last.items() if layers.is_name(key, value)}
        # Hydra calls its own class by name for the values of the command line
        applying = SimpleNamespace(_apply_overrides_to_config=self.apply)
        with _in_place(config_loader_impl, ConfigLoaderImpl=applying, create_defaults_list=self._defaults_list):
            return super()._load_configuration_impl(config_name, overrides, *arguments, **more)

    def _defaults_list(self, repo: Any, config_name: str | None, overrides_list: list[Override], **how: bool) -> DefaultsList:
        """Return Hydra's defaults list, which depends on the options chosen and not on values: once for each choice of options."""
        swept = [o for o in overrides_list if o.is_sweep_override()]
        values = [o for o in overrides_list if o not in swept and (isinstance(o.value(), dict) or not repo.group_exists(o.key_or_group))]
        choices = [o for o in overrides_list if o not in values and o not in swept]
        key = (config_name, *(o.input_line for o in choices), *sorted(how.items()))
        if key not in self._lists:
            self._lists[key] = create_defaults_list(repo=repo, config_name=config_name, overrides_list=choices, **how)
        return dataclasses.replace(self._lists[key], config_overrides=values)

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str]
    ) -> tuple[list[Override], CachingConfigRepository]:
        if self._repo is None:
            self._repo = CachingConfigRepository(self.repository)
        return OverridesParser.create().parse_overrides(overrides=overrides), self._repo

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        """Return the options of a group, looked for once: `--help` asks for every group several times."""
        key = (group_name, results_filter)
        if key not in self._options:
            self._options[key] = super().get_group_options(group_name, results_filter, config_name, overrides)
        return list(self._options[key])

    def _compose_config_from_defaults_list(self, defaults: list[ResultDefault], repo: Any) -> DictConfig:
        frame = [d for d in defaults if _group(d) not in _OURS]
        options = [d for d in defaults if _group(d) in GROUPS]
        scenarios = [d for d in defaults if _group(d) == "scenarios"]
        config = self._frame(frame, repo)
        chosen = {_group(d): str(d.config_path) for d in options if d.parent == "config"}
        tree: layers.Tree = {}
        for default in options:
            for group, node in self._content(default, repo).items():
                tree[group] = layers.laid(tree.get(group, {}), layers.named(node, group, self._option), same=True)
        alone: layers.Tree = copy.deepcopy(tree)
        said: list[layers.Tree] = []
        for default in scenarios:
            content = self._content(default, repo)
            for group in [g for g in GROUPS if g in content and self._meant(repo, str(default.config_path), g) != chosen.get(g)]:
                content[group] = layers.fitting(content[group], alone.get(group), group)
            content, names = layers.without_names(content)
            for group in [g for g in GROUPS if g in content]:
                tree[group] = layers.laid(tree.get(group, {}), layers.named(content[group], group, self._option))
            self._choose(tree, said, names)
            said.append(content)
            _lay(config, {key: value for key, value in content.items() if key not in GROUPS}, str(default.config_path))
        self._choose(tree, said, self._choices)
        _lay(config, tree, "the groups")
        return config

    def _frame(self, defaults: list[ResultDefault], repo: Any) -> DictConfig:
        """Compose Hydra's own settings and the frame of ours, once for each set of them."""
        key = tuple(str(default) for default in defaults)
        if key not in self._frames:
            self._frames[key] = super()._compose_config_from_defaults_list(defaults, repo)
        return copy.deepcopy(self._frames[key])

    def _content(self, default: ResultDefault, repo: Any) -> layers.Tree:
        """Return what a file says, in its place: plain values that nobody changes."""
        key = (str(default.config_path), str(default.package))
        if key not in self._said:
            self._said[key] = cast(layers.Tree, OmegaConf.to_container(self._load_single_config(default, repo).config, resolve=False))
        return dict(self._said[key])

    def _option(self, group: str, name: str) -> layers.Tree:
        """Return what an option of a group inside another one says."""
        repo = self._repo or self.repository
        loaded = repo.load_config(f"{group}/{name}") if re.fullmatch(r"\w+", name) else None
        if loaded is None:
            options = repo.get_group_options(group, ObjectType.CONFIG)
            if "/" in name:
                raise unknown(group, name, options)
            raise MissingConfigException(f"{group}: no {name}", f"{group}/{name}", options)
        if loaded.defaults_list:
            raise InputError(f"{group}/{name}.yaml has defaults; allowed: all keys in the file itself")
        return cast(layers.Tree, OmegaConf.to_container(loaded.config, resolve=False))

    def _meant(self, repo: Any, path: str, group: str) -> str | None:
        """Return the option of `group` that a scenario speaks of: its own choice, that of one it builds on, or the default."""
        return self._chosen_by(repo, path, group) or self._chosen_by(repo, "config", group)

    def _chosen_by(self, repo: Any, path: str, group: str) -> str | None:
        loaded = repo.load_config(path)
        folder = path.rpartition("/")[0]
        for default in loaded.defaults_list if loaded else ():
            if isinstance(default, GroupDefault) and str(default.group).strip("/") == group and isinstance(default.value, str):
                return f"{group}/{default.value}"
        for default in loaded.defaults_list if loaded else ():
            if isinstance(default, ConfigDefault) and default.path not in (None, "_self_"):
                found = self._chosen_by(repo, f"{folder}/{default.path}", group)
                if found is not None:
                    return found
        return None

    def _choose(self, tree: layers.Tree, said: list[layers.Tree], names: dict[str, str]) -> None:
        """Put named options in their places, each with what the scenarios further off say of keys that it has."""
        for place in layers.choices_first(names):
            above, _, key = place.rpartition(".")
            parent = layers.at(tree, above)
            if not isinstance(parent, dict) or key not in layers.keys_of(parent, above):
                raise InputError(_no_place(place, names[place]))
            option = layers.named(names[place], place, self._option)
            for content in said:
                option = layers.laid(option, layers.fitting(layers.at(content, place) or {}, option, place), same=True)
            parent[key] = option


def _group(default: ResultDefault) -> str:
    return str(default.config_path).split("/")[0]


def _no_place(place: str, name: str) -> str:
    above, _, key = place.rpartition(".")
    if above in PLACES:
        return f"{place}={name}: {above} is null, or has no choice of {key}; allowed: {above}=OPTION first, one that has it"
    return f"{PLACES[place]}={name}: the chosen {above} has no choice of {key}; allowed with design=randomised_pfs and others that have one"


def _parent(config: DictConfig, key: str) -> Any:
    found = OmegaConf.select(config, key.rpartition(".")[0], throw_on_missing=False)
    return found if isinstance(found, DictConfig) else {}


def _replace(config: DictConfig, override: Override, value: Any) -> None:
    """Put a whole choice in place of what was there; a key that is not there needs its plus sign."""
    key = override.key_or_group
    adding = override.is_add() or override.is_force_add()
    if not adding and key.rpartition(".")[2] not in _parent(config, key):
        ConfigLoaderImpl._apply_overrides_to_config([override], config)  # says so
    try:
        with open_dict(config) if adding else nullcontext():
            OmegaConf.update(config, key, value, merge=False, force_add=adding)
    except OmegaConfBaseException as error:
        raise ConfigCompositionException(f"Error merging override {override.input_line}") from error


def _lay(config: DictConfig, content: layers.Tree, whose: str) -> None:
    try:
        config.merge_with(content)
    except OmegaConfBaseException as error:
        raise ConfigCompositionException(f"In '{whose}': {type(error).__name__} raised while composing config:\n{error}") from error


def layered() -> AbstractContextManager[None]:
    """Let Hydra compose with this loader."""
    return _in_place(hydra_internal, ConfigLoaderImpl=LayeredLoader)


@contextmanager
def _in_place(module: ModuleType, **ours: object) -> Iterator[None]:
    names = vars(module)
    saved = {name: names[name] for name in ours}
    names.update(ours)
    try:
        yield
    finally:
        names.update(saved)
