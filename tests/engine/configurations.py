"""Every design of conf/design on every population of conf/population, from every time zero, with and without prognostic classes.

And every test of conf/statistic on patients of its kind of trial.

    python tests/engine/configurations.py [every]    prints one `name hash` per line; the processor is chosen by the environment

Without `every`, each population as its file says and, of each class of populations, the first in all its variants. A hash is of the rows
and of the population's curves, bit for bit; a trial that is refused has `refused` for it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from sim.effect import NO_EFFECT
from sim.population.population import Population
from sim.population.post_cart_failure import TIME_ZEROS
from sim.rng import Draws
from sim.trial import Trial, enrol, run_block
from sim.types import InputError
from tests.contract.building import options, statistic, study
from tests.designs import single_arm, textbook
from tests.engine.studies import digest

REPLICATES = 24
SEED = 2657
VARIANTS: dict[str, tuple[Any, ...]] = {"time_zero": TIME_ZEROS, "prognostic": (False, True)}
EFFECTS = {"PFS": "effect=hazard_ratio", "OS": "effect=hazard_ratio", "ORR": "effect=response_rate"}


def populations(every: bool) -> Iterator[tuple[str, Population]]:
    """Yield the populations by name: each file's own, and what its fields make of it."""
    seen: set[type] = set()
    for name in options("population"):
        given: Any = study(f"population={name}", "design=single_arm_orr", "effect=response_rate").cells[0].trial.population
        if name == "piecewise_exponential":
            given = dataclasses.replace(given, survival_after_progression_median=6.0)
        own = {f.name for f in dataclasses.fields(given)} & set(VARIANTS)
        yield name, given
        if not every and type(given) in seen:
            continue
        seen.add(type(given))
        for values in itertools.product(*(VARIANTS[k] for k in sorted(own))):
            changes = dict(zip(sorted(own), values, strict=True))
            if any(getattr(given, k) != v for k, v in changes.items()):
                try:
                    yield f"{name}-{'-'.join(str(v) for v in values)}", dataclasses.replace(given, **changes)
                except InputError:
                    continue  # a combination that the population itself refuses


def trials(every: bool) -> Iterator[tuple[str, Trial | None]]:
    """Yield every trial by name, None where design and population do not go together."""
    designs = {}
    for name in options("design"):
        (cell,) = study(f"design={name}", "effect=none").cells
        (cell,) = study(f"design={name}", EFFECTS[cell.trial.plan.hypothesis]).cells
        designs[name] = cell.trial
    for (where, population), (name, like) in itertools.product(populations(every), designs.items()):
        yield f"{name}/{where}", _possible(like, population)


def _possible(like: Trial, population: Population) -> Trial | None:
    # an effect that cannot act from a time zero is refused; the trial without one is not
    for effect in (like.effect, NO_EFFECT):
        try:
            return dataclasses.replace(like, population=population, effect=effect)
        except InputError:
            continue
    return None


def hash_of(trial: Trial) -> str:
    """Return a hash of some rows, and of the curves that a null may be taken from."""
    out = hashlib.sha256(digest(run_block(trial, SEED, 0, REPLICATES)).encode())
    for endpoint in ("pfs", "os"):
        out.update(trial.population.curve(endpoint).survival.tobytes())
    return out.hexdigest()[:32]


def hash_of_test(name: str) -> str:
    """Return a hash of what a test finds in some trials of its kind: of one arm, or of two."""
    test = statistic(name)
    trial = single_arm(n=60, medians=(2.8,)) if test.arms == 1 else textbook()
    observations = enrol(trial, Draws(SEED, 0, 200, trial.plan.n))
    # an event stands for a response where a test asks for one
    observations = dataclasses.replace(observations, response=observations.event)
    found = test.test(observations, np.linspace(12.0, 30.0, 200), 0.025)
    out = hashlib.sha256()
    for f in dataclasses.fields(found):
        out.update(np.ascontiguousarray(getattr(found, f.name)).tobytes())
    return out.hexdigest()[:32]


if __name__ == "__main__":
    for name in options("statistic"):
        print(f"statistic/{name}", hash_of_test(name))
    for name, trial in trials("every" in sys.argv[1:]):
        print(name, "refused" if trial is None else hash_of(trial))
