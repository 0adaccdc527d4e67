"""A scenario's title and question, true of the trial that is run: filled in from its facts, or made anew where it was changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from hydra.core.config_store import ConfigStore

from sim.app.cells import key_of
from sim.app.schema import NESTED_GROUPS, TRIAL_GROUPS
from sim.refusal import InputError
from sim.report import words

# the fact a sentence names in braces -> the keys that may be overridden without making the sentence untrue
FACTS = {"n": "design.n", "effect": "effect", "alpha": "design.alpha", "target_power": "task.target_power"}
SENTENCES = frozenset({"title", "question"})


@dataclass(frozen=True)
class Asked:
    """What decides whether a written sentence is true.

    changed : keys of the trial that the command overrides, after the scenario had its say
    own : which of title and question the chosen scenario states itself rather than inherits
    by_command : which of them the command line states: these are never made anew
    target_power : of a task that searches for n; None where n is given
    """

    changed: frozenset[str]
    own: frozenset[str]
    by_command: frozenset[str]
    target_power: float | None


def asked(overrides: Sequence[str], grid: Mapping[str, Any], scenarios: Iterable[str], task: Any) -> Asked:
    """Read from the command what it changes and states.

    Parameters
    ----------
    overrides : the command line's; grid : as composed; scenarios : names of those chosen; task : the verb, built
    """
    keys = {key_of(o): o for o in overrides}
    changed = {k for k in keys if k.split(".")[0].split("/")[0] in (*TRIAL_GROUPS, *NESTED_GROUPS, "cells")}
    if any(k.split(".")[0] == "grid" for k in keys):
        changed |= set(_leaves(grid))
    own = SENTENCES & {key for name in scenarios for key in _keys_of_scenario(name)}
    return Asked(frozenset(changed), own, SENTENCES & set(keys), getattr(task, "target_power", None))


def told(said: Mapping[str, str], trials: Sequence[words.Told], ask: Asked) -> tuple[str, str]:
    """Return title and question.

    Parameters
    ----------
    said : title and question as written, with names of facts in braces
    trials : the facts of every cell

    Raises
    ------
    InputError : a sentence names something that is no fact
    """
    made = {"title": words.title(trials, ask.target_power is not None), "question": words.question(trials, ask.target_power)}
    facts = _facts(trials, ask.target_power)
    for key in made:
        named = _named(key, said[key])
        kept = key in ask.by_command or (key in ask.own and all(_covered(k, named) for k in ask.changed))
        if said[key] and kept and named <= set(facts):
            made[key] = said[key].format_map(facts)
    return made["title"], made["question"]


def _facts(trials: Sequence[words.Told], target_power: float | None) -> dict[str, str]:
    facts = {
        "effect": words.either(words.effect_clause(x.effect) for x in trials),
        "alpha": words.either(f"{x.design.alpha:g}" for x in trials),
    }
    if target_power is None:
        return facts | {"n": words.either(str(x.design.n) for x in trials)}
    return facts | {"target_power": f"{100 * target_power:g} %"}


def _named(key: str, text: str) -> frozenset[str]:
    """Return the facts that a sentence names; only plain names may stand in braces."""
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise InputError(f"{key}: {error}; allowed: {{NAME}} of {', '.join(FACTS)}, or {{{{ and }}}} for braces") from None
    for _, name, form, conversion in parts:
        if name not in FACTS or form or conversion:
            raise InputError(f"{key}: '{{{name}}}' is no fact of the trial; allowed: {', '.join(FACTS)}, or {{{{ and }}}} for braces")
    return frozenset(str(part[1]) for part in parts)


def _covered(key: str, named: frozenset[str]) -> bool:
    return any(key == FACTS[name] or key.startswith(FACTS[name] + ".") for name in named)


def _leaves(grid: Mapping[str, Any], path: str = "") -> Iterable[str]:
    for key, value in grid.items():
        yield from _leaves(value, f"{path}{key}.") if isinstance(value, Mapping) else [f"{path}{key}"]


def _keys_of_scenario(name: str) -> Iterable[str]:
    # in Hydra's store lies each file as it is written, before what it inherits
    node: Any = ConfigStore.instance().load(f"scenarios/{name}.yaml").node
    return [str(key) for key in node]
