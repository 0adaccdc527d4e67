"""What every dataclass of the program owes: what it computes once never travels into another object by `dataclasses.replace`."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from functools import cached_property

import numpy as np
import pytest

import sim
from sim.population.population import Population
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.store import canonical
from sim.types import InputError
from tests.contract.building import NEEDS, POPULATIONS, options, statistic, study


def modules():
    for found in pkgutil.walk_packages(sim.__path__, "sim."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


CLASSES = sorted(
    {
        c
        for m in modules()
        for _, c in inspect.getmembers(m, inspect.isclass)
        if dataclasses.is_dataclass(c) and c.__module__.startswith("sim.")
    },
    key=lambda c: (c.__module__, c.__qualname__),
)


def test_all_of_them_are_seen():
    assert len(CLASSES) > 150
    assert {Draws, PostCartFailure} <= set(CLASSES)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: f"{c.__module__}.{c.__qualname__}")
def test_what_is_computed_once_is_no_argument(cls):
    for f in dataclasses.fields(cls):
        made = None if f.default_factory is dataclasses.MISSING else f.default_factory()
        # private, or left out of comparison: no choice that anybody states
        hidden = f.name.startswith("_") or not f.compare
        mutable = type(made).__hash__ is None or not (made is None or dataclasses.is_dataclass(made) or isinstance(made, tuple))
        assert not (f.init and hidden and made is not None and mutable), f"{cls.__qualname__}.{f.name} is handed on by replace"


def choices():
    """Every choice of the YAML by name; populations that differ in their parameters only are held once."""
    for group in ("population", "accrual", "dropout", "effect", "design", "statistic"):
        for name in options(group) if group != "population" else POPULATIONS:
            if group == "statistic":
                yield f"{group}/{name}", lambda n=name: statistic(n)
            elif group == "effect":
                design = "single_arm_orr" if name == "response_rate" else "randomised_pfs"
                yield (
                    f"{group}/{name}",
                    lambda n=name, d=design: study(f"effect={n}", f"design={d}", *NEEDS.get(("effect", n), ())).cells[0].trial.effect,
                )
            else:
                yield f"{group}/{name}", lambda g=group, n=name: getattr(study(f"{g}={n}", "effect=none").cells[0].trial, g)


def derived(choice):
    """What can be read off a choice: every property, its lines for the report, and a population's curves."""
    out = {}
    for name in dir(type(choice)):
        if not name.startswith("_") and isinstance(inspect.getattr_static(type(choice), name), property | cached_property):
            out[name] = _try(lambda name=name: getattr(choice, name))
    if isinstance(choice, Population):
        for endpoint in ("pfs", "os"):
            out[endpoint] = _try(lambda endpoint=endpoint: choice.curve(endpoint).survival)
            out[f"{endpoint}, first stratum"] = _try(lambda endpoint=endpoint: choice.curve(endpoint, stratum=0).survival)
        out["describe"] = choice.describe()
    return {name: pickle.dumps(np.asarray(value) if isinstance(value, np.ndarray) else value) for name, value in out.items()}


def _try(read):
    try:
        return read()
    except InputError as error:
        return str(error)


def other_values(value):
    """Values of the same kind that a field may take instead."""
    if isinstance(value, bool):
        return [not value]
    if value is None:
        return [0.9, 2, 3.5]
    return [value * 0.9, value * 1.1, value + 1, value - 1] if isinstance(value, float) else [value + 1, value + 2]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in choices()])
def test_replacing_a_number_changes_what_derives(make):
    used = make()
    before = derived(used)
    for f in dataclasses.fields(used):
        value = getattr(used, f.name)
        number = isinstance(value, bool | int | float) or (value is None and str(f.type) in ("int | None", "float | None"))
        if not f.init or not f.compare or not number:
            continue
        for other in (x for x in other_values(value) if x != value):
            try:
                changed = dataclasses.replace(used, **{f.name: other})
            except (InputError, TypeError):
                continue
            fresh = type(used)(**{g.name: getattr(changed, g.name) for g in dataclasses.fields(changed) if g.init})
            assert derived(changed) == derived(fresh), f.name
            assert canonical(changed) != canonical(used), f.name
            break
    assert derived(used) == before


def test_another_share_gives_other_curves():
    used = PostCartFailure(time_zero="progression")
    assert used.curve("os").median() == pytest.approx(5.83, abs=0.005)
    changed = dataclasses.replace(used, refractory_share=0.9)
    assert changed.curve("os").median() == PostCartFailure(time_zero="progression", refractory_share=0.9).curve("os").median()
    assert changed.curve("os").median() == pytest.approx(3.38, abs=0.005)


def test_another_seed_gives_other_words():
    used = Draws(seed=1, first=0, m=2, n=3)
    words = used.word("event").copy()
    changed = dataclasses.replace(used, seed=2).word("event")
    assert not np.array_equal(changed, words)
    assert np.array_equal(changed, Draws(seed=2, first=0, m=2, n=3).word("event"))
