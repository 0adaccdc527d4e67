"""Feed extreme numbers to every numeric key that a configuration of a trial has, and see what becomes of them."""

import copy
import dataclasses
import typing
import warnings
from functools import lru_cache

import numpy as np

from sim.app import security
from sim.app.build import rebuild
from sim.app.schema import TRIAL_GROUPS
from sim.app.typecheck import fits
from sim.effect_summary import describe
from sim.engine import simulate
from sim.formula import formula_sizes
from sim.oc import Subject, enrolment_characteristics, notices, operating_characteristics
from sim.reach import check_reached, check_testable
from sim.types import InputError
from tests.contract.building import options, study

EXTREMES = (0, -1, 1e-300, 1e300, float("inf"), float("nan"), 10**30, 1e-3, 1e4)
DESIGN_OF = {"effect=response_rate": ["design=single_arm_orr"], "statistic=response_difference": ["design=randomised_orr"]}
EITHER = (
    (("population", "hazards"), "medians"),
    (("accrual", "duration"), "rate"),
    (("dropout", "hazard"), "monthly_probability"),
)  # of two keys one is given; the first is null in the shipped option
IN_DESIGN = ("early_zero", "logrank", "cox", "maxcombo", "milestone_difference", "modestly_weighted", "rmst_difference")


@lru_cache(maxsize=64)
def base(group, option):
    """The plain configuration of a trial with this option, on textbook patients unless it is about others."""
    own = [f"{group}={option}", *DESIGN_OF.get(f"{group}={option}", [])]
    if group != "population":
        own += ["population=piecewise_exponential", "population.survival_after_progression_median=6.0"]
    (config,) = study(*own).resolved_config.values()
    return {name: config[name] for name in ("benchmark", *TRIAL_GROUPS)}


def numeric_keys(node, path):
    """Yield (path to a key, shape of its value) of every numeric key at or below a mapping with a class."""
    if not isinstance(node, dict) or "_target_" not in node:
        return
    hints = typing.get_type_hints(security.target(f"{'.'.join(path)}._target_", node["_target_"]))
    for field in dataclasses.fields(security.target(f"{'.'.join(path)}._target_", node["_target_"])):
        if not field.init or field.name.startswith("_"):
            continue
        value = node.get(field.name)
        for shape in ((lambda x: x), (lambda x: [x]), (lambda x: [[x]])):
            if fits(shape(0), hints[field.name]) and not fits(shape("words"), hints[field.name]):
                yield (*path, field.name), _filled(value, shape)
                break
        else:
            if fits(0, hints[field.name]):  # a number or a name
                yield (*path, field.name), (lambda x: x)
        yield from numeric_keys(value, (*path, field.name))


def _filled(value, shape):
    """The shape of a list whose first number is replaced, its others kept."""
    if isinstance(value, list) and value and not isinstance(value[0], list):
        return lambda x: [x, *value[1:]]
    return shape


def cases(group):
    """(group, option, key, value) of every extreme of the options of one group."""
    for option in options(group):
        if group == "statistic" and option not in IN_DESIGN:
            continue
        own = ("design", "statistic") if group == "statistic" else (group,)
        node = base(group, option)
        for name in own:
            node = node[name]
        for path, shape in numeric_keys(node, own):
            for value in EXTREMES:
                if (option, path[-1], value) == ("simon_two_stage", "difference", 1e-3):
                    continue  # a search without end, and no matter of a range
                yield group, option, path, shape(value)


def changed(group, option, path, value):
    """The configuration with one key set."""
    config = copy.deepcopy(base(group, option))
    node = config
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    for one, other in EITHER:
        if path == one and value is not None:
            node[other] = None
    return config


def outcome(config):
    """Build, describe, check and simulate a trial with every warning an error; return the line that refuses it, or its numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            trial = rebuild(config)
            lines = [*trial.describe_design(), *trial.describe_assumptions()]
            lines += describe(trial)
            formula_sizes(trial, 0.8)
            check_reached(trial)
            check_testable(trial, 1)
        except InputError as error:
            return str(error)
        replicates = simulate(trial, 20, 1)
        subject = Subject("s", "c", trial.plan.hypothesis, "power")
        rows = operating_characteristics(subject, replicates, trial.plan.cut.looks, trial.plan.stops_may_be_ignored, trial.plan.cut)
        rows += enrolment_characteristics(subject, trial.plan, replicates)
        notices("c", trial, rows)
        assert not any(word in line.value.split() for line in lines for word in ("nan", "inf")), lines
        assert all(np.isfinite(row["estimate"]) for row in rows if row["n_analysed"]), rows
        return rows
