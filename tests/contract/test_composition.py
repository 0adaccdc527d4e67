"""What is built is what was asked for, however it is said: on the command line, in cells, in a grid, with -m or in a scenario.

The oracle is plain: what a statement says is looked for in the built objects, in what `--cfg job` shows and in the provenance.
"""

from __future__ import annotations

import dataclasses
import random
import typing
from pathlib import Path
from pydoc import locate

import pytest
import yaml

from sim.app import cells, paths, schema, security
from sim.app.build import build
from sim.app.compose import complete, compose, composer, parse_sweep
from sim.app.overlays import private_store, register
from sim.types import InputError
from tests.app.running import RECORD
from tests.thinning import crossed, later, one_in

OPTIONS = {
    group: [path.stem for path in sorted((paths.conf_dir() / group).glob("*.yaml"))]
    for group in (*schema.TRIAL_GROUPS, *schema.NESTED_GROUPS)
}
BASES = (None, "textbook_rct_pfs", "textbook_rct_gs", "textbook_rct_600", "phase2_randomised_pfs", "phase2_single_arm_pfs")
BY_VALUE = {
    "spending": {"_target_": "sim.boundary.spending.KimDeMets", "rho": 2},
    "shape": {"_target_": "sim.boundary.shapes.WangTsiatis", "delta": 0.1},
    "futility": {"_target_": "sim.boundary.futility.FixedHazardRatio", "hr": 1.1},
    "harm": {"_target_": "sim.boundary.harm.HarmHazardRatio", "hr": 1.3},
    "statistic": {"_target_": "sim.statistic.rmst_difference.RMSTDifference", "horizon": 5.0},
}
VALUES = {"design.n": [90, 120], "design.alpha": [0.01, 0.05], "effect.hr": [0.7], "accrual.rate": [11.0]}


def plain_option(group: str, name: str) -> dict:
    """An option as its file says it, with the files it builds on."""
    content = yaml.safe_load((paths.conf_dir() / group / f"{name}.yaml").read_text())
    # an option may also choose what lies outside it (a design its effect): that is no part of the option
    for parent in [item for item in content.pop("defaults", []) if isinstance(item, str) and item != "_self_"]:
        content = plain_option(group, parent) | content
    return content


def statements(rng: random.Random) -> tuple[str | None, list[tuple[str, object]]]:
    """A scenario, or none, and what is said of it: (key, value), the name of an option being a string."""
    said: dict[str, object] = {}
    for group in rng.sample(schema.TRIAL_GROUPS, rng.choice([0, 1, 1, 2])):
        said[group] = rng.choice(OPTIONS[group])
    for place in rng.sample(list(schema.PLACES), rng.choice([0, 1, 1, 2])):
        group = schema.PLACES[place]
        said[place] = rng.choice([*rng.choices(OPTIONS[group], k=3), BY_VALUE[group], None])
    if any(key in schema.PLACES for key in said) and rng.random() < 0.7:
        said["design"] = rng.choice(["group_sequential_pfs", "group_sequential_futility", "calendar_looks_pfs", "randomised_os"])
    for key in rng.sample(list(VALUES), rng.choice([0, 1])):
        said[key] = rng.choice(VALUES[key])
    said = said or {"design.n": 90}
    return rng.choice(BASES), sorted(said.items(), key=lambda item: (item[0].count("."), item[0]))


def override(key: str, value: object) -> str:
    return f"{key}={cells.render(value)}"


def nest(said: list[tuple[str, object]]) -> dict:
    tree: dict = {}
    for key, value in said:
        *path, last = key.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):  # said below a name: a file has no way to say both
                return {}
        node[last] = value
    return tree


def ways(base: str | None, said: list[tuple[str, object]], rng: random.Random) -> dict[str, list[str]]:
    """The same statements, said in every way that there is."""
    start = [f"scenarios={base}"] if base else ["population=post_cart_failure"]
    words = [override(*item) for item in said]
    swept = rng.randrange(len(said))
    rest = [word for i, word in enumerate(words) if i != swept]
    key, value = said[swept]
    found = {
        "command line": [*start, *words],
        "cells": [*start, f"++cells={cells.render({'x': words})}"],
        # the deepest: what else is said on the command line is said of the base, too
        "grid": [*start, *words[:-1], f"++grid={cells.render({said[-1][0]: [said[-1][1]]})}"],
        "-m": ["-m", *start, *rest, words[swept] if value is None else f"{key}=choice({cells.render(value)})"],
    }
    groups, values = [item for item in said if "." not in item[0]], [item for item in said if "." in item[0]]
    body = nest(values)
    if body or not values:
        defaults = [base] * (base is not None) + [{f"override /{group}": name} for group, name in groups] + ["_self_"]
        Path("scenarios").mkdir(exist_ok=True)
        Path("scenarios/mine.yaml").write_text("# @package _global_\n" + yaml.safe_dump({"defaults": defaults, **body}))
        found["scenario"] = ["scenarios=mine"]
    return found


def built(words: list[str], overlays):
    """The one cell's trial, its provenance, and what `--cfg job` shows of it; or the line that refuses."""
    try:
        if words[0] == "-m":
            [(_, words)] = parse_sweep(complete(words[1:]))
        study = build(complete(words), overlays, "postcart")
    except InputError as error:
        return str(error)
    [cell] = study.cells
    shown = security.resolve(compose(complete(words), overlays).config)
    return cell.trial, study.resolved_config[cell.name], None if shown["cells"] or shown["grid"] else shown


def agrees(built_object, said) -> bool:
    """Whether an object is what a resolved configuration says."""
    if isinstance(said, dict) and "_target_" in said:
        cls = type(built_object)
        fields = {key: value for key, value in said.items() if key != "_target_"}
        return cls is locate(said["_target_"]) and all(agrees(getattr(built_object, key), value) for key, value in fields.items())
    if isinstance(said, list) and isinstance(built_object, tuple | list):
        return len(said) == len(built_object) and all(map(agrees, built_object, said))
    # a lone value may stand for a list of one
    return built_object == said or built_object == (said,)


def check(seed: int) -> str:
    rng = random.Random(seed)
    base, said = statements(rng)
    all_ways = ways(base, said, rng)
    with private_store(), composer():
        overlays = register()
        results = {way: built(words, overlays) for way, words in all_ways.items()}
    Path("scenarios/mine.yaml").unlink(missing_ok=True)
    refused = {way: line for way, line in results.items() if isinstance(line, str)}
    assert not refused or len(refused) == len(results), (seed, base, said, refused)
    if refused:
        assert all("\n" not in line for line in refused.values())
        return "refused"
    first = results["command line"][1]
    for way, (trial, provenance, shown) in results.items():
        for group in schema.TRIAL_GROUPS:
            assert provenance[group] == first[group], (seed, way, base, said, group)
            assert shown is None or shown[group] == provenance[group], (seed, way, group)
        for group in ("design", "effect", "accrual", "dropout"):
            assert agrees(getattr(trial, group), provenance[group]), (seed, way, base, said, group)
        assert type(trial.population).__name__ == provenance["population"]["_target_"].rpartition(".")[2]
    for key, value in said:
        node = first
        for part in key.split("."):
            node = node[part]
        if isinstance(value, str) and (key in schema.TRIAL_GROUPS or key in schema.PLACES):
            wanted = plain_option(schema.PLACES.get(key, key), value)["_target_"]
            assert node["_target_"] == wanted, (seed, base, said, key)
        else:
            assert node == value or any(k.startswith(key + ".") for k, _ in said), (seed, base, said, key)
    return "built"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("seeds", "at_least"), [(5, 2), later(14, 4)])
def test_the_same_trial_however_it_is_said(seeds, at_least):
    outcomes = [check(seed) for seed in range(seeds)]
    assert outcomes.count("built") >= at_least


@pytest.mark.verify
@pytest.mark.parametrize("start", range(0, 600, 50))
def test_the_same_trial_however_it_is_said_many_times(start):
    outcomes = [check(seed) for seed in range(1000 + start, 1050 + start)]
    assert outcomes.count("built") >= 10


def one(overlays, *words):
    [cell] = build(complete(list(words)), overlays, "postcart").cells
    return cell.trial


@pytest.fixture
def overlays():
    with private_store(), composer():
        yield register()


def test_a_chosen_test_is_not_replaced(overlays):
    study = build(
        complete(
            [
                "scenarios=phase2_single_arm_pfs",
                "design=randomised_pfs",
                "design.n=160",
                "grid={statistic: [cox, milestone_difference, maxcombo, logrank]}",
            ]
        ),
        overlays,
        "postcart",
    )
    names = [type(cell.trial.design.statistic).__name__ for cell in study.cells]
    assert names == ["Cox", "MilestoneDifference", "MaxCombo", "LogRank"]
    assert [study.resolved_config[c.name]["design"]["statistic"]["_target_"].rpartition(".")[2] for c in study.cells] == names


@pytest.mark.parametrize(
    "words",
    [
        ["scenarios=textbook_rct_gs", "design=calendar_looks_pfs", "statistic=exponential_mle"],
        ["design=randomised_pfs", "statistic=response_difference"],
        ["design=randomised_pfs", "design.statistic={_target_: sim.statistic.binomial.BinomialCount, null_rate: 0.2}"],
        ["design=randomised_pfs", "grid={statistic: [brookmeyer_crowley]}"],
    ],
)
def test_a_test_of_another_kind_is_refused_wherever_it_comes_from(overlays, words):
    with pytest.raises(InputError, match=r"design\.statistic is .*; allowed: a test of two arms that compares survival times"):
        build(complete(words), overlays, "postcart")


# (the overrides, the place, what must stand there)
REPLACED = [
    (["spending={_target_: sim.boundary.spending.KimDeMets, rho: 2}"], "design.spending", "KimDeMets(rho=2)"),
    (["design.spending={_target_: sim.boundary.spending.KimDeMets, rho: 2}"], "design.spending", "KimDeMets(rho=2)"),
    (["design.spending=kim_demets", "design.spending.rho=2"], "design.spending", "KimDeMets(rho=2)"),
    (["spending=kim_demets"], "design.spending", "KimDeMets(rho=3.0)"),
    (["spending=null", "shape=pocock"], "design.shape", "Pocock()"),
    (["spending=null", "shape=pocock"], "design.spending", "None"),
    (["futility=conditional_power"], "design.futility", "ConditionalPower(threshold=0.2, hr=None)"),
    (["futility=beta_spending", "design.futility.spending=kim_demets"], "design.futility.spending", "KimDeMets(rho=3.0)"),
    (["harm=harm_hazard_ratio"], "design.harm", "HarmHazardRatio(hr=1.0, confidence=0.9, min_deaths=1)"),
    (["futility=fixed_z", "~design.futility"], "design.futility", "None"),
    (["~futility"], "design.futility", "None"),
]


@pytest.mark.parametrize(("replaced", "way"), crossed(REPLACED, ["command line", "cells"]))
def test_a_nested_choice_is_replaced(overlays, replaced, way):
    words, place, wanted = replaced
    start = ["design=group_sequential_pfs"]
    if way == "cells":
        words = [f"++cells={cells.render({'x': words})}"]
    found = one(overlays, *start, *words)
    for part in place.split("."):
        found = getattr(found, part)
    assert repr(found) == wanted


def test_a_scenario_may_name_a_nested_choice_and_a_nearer_name_keeps_what_fits(overlays):
    Path("scenarios").mkdir()
    Path("scenarios/mine.yaml").write_text(
        "# @package _global_\ndefaults: [textbook_rct_gs, _self_]\ndesign: {spending: kim_demets, statistic: {_target_: sim.statistic.cox.Cox}}\n"
    )
    found = register()
    design = one(found, "scenarios=mine").design
    assert repr(design.spending) == "KimDeMets(rho=3.0)"
    assert type(design.statistic).__name__ == "Cox"
    assert type(one(found, "scenarios=mine", "statistic=maxcombo").design.statistic).__name__ == "MaxCombo"
    study = build(complete(["scenarios=textbook_rct_pfs", "statistic=cox"]), overlays, "postcart")
    assert study.resolved_config["randomised_pfs"]["design"]["statistic"]["stratified"] is False
    study = build(complete(["scenarios=textbook_rct_pfs", "statistic=logrank"]), overlays, "postcart")
    assert study.cells[0].trial.design.statistic.stratified is False  # the scenario says so; the option says true


def choices_in(hint) -> list[type]:
    """The classes of `sim.statistic` and `sim.boundary` in an annotation."""
    inside = [hint, *typing.get_args(hint)]
    return [h for h in inside if isinstance(h, type) and h.__module__.startswith(("sim.statistic", "sim.boundary"))]


def test_every_place_of_a_nested_choice_is_a_place():
    designs = {plain_option("design", name)["_target_"] for name in OPTIONS["design"]}
    nested = [(place, plain_option(group, name)["_target_"]) for place, group in schema.PLACES.items() for name in OPTIONS[group]]
    stack = [(path, security.locate(name)) for path, name in [("design", design) for design in designs] + nested]
    for path, cls in stack:
        for name, hint in typing.get_type_hints(cls).items():
            if choices_in(hint) and name in {f.name for f in dataclasses.fields(cls)}:
                assert f"{path}.{name}" in schema.PLACES, f"{cls.__name__}.{name}"


def test_every_choice_of_a_boundary_has_an_option():
    from sim.boundary import futility, harm, shapes, spending

    offered = {plain_option(group, name)["_target_"] for group in schema.NESTED_GROUPS for name in OPTIONS[group]}
    for module in (spending, shapes, futility, harm):
        for cls in vars(module).values():
            if isinstance(cls, type) and cls.__module__ == module.__name__ and dataclasses.is_dataclass(cls):
                assert f"{cls.__module__}.{cls.__name__}" in offered, cls.__name__


FITTING = {
    "spending": ["design=group_sequential_pfs"],
    "shape": ["design=group_sequential_pfs", "spending=null"],
    "futility": ["design=group_sequential_pfs"],
    "harm": ["design=group_sequential_pfs"],
}


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in FITTING for name in OPTIONS[group]])
def test_every_option_of_a_nested_group_builds_and_lists_every_key(overlays, group, name):
    path = paths.conf_dir() / group / f"{name}.yaml"
    assert path.read_text().startswith("# ")
    design = one(overlays, *FITTING[group], f"{group}={name}").design
    found = getattr(design, group)
    content = plain_option(group, name)
    assert f"{type(found).__module__}.{type(found).__name__}" == content["_target_"]
    assert {f.name for f in dataclasses.fields(found)} == set(content) - {"_target_"}


def statistic_classes() -> list[type]:
    import importlib

    from sim.statistic.statistic import Statistic

    for file in (paths.PACKAGE / "statistic").glob("*.py"):
        importlib.import_module(f"sim.statistic.{file.stem}")
    return [cls for cls in Statistic.__subclasses__() if cls.__module__.startswith("sim.")]


def test_every_test_says_how_many_arms_and_which_outcome_it_compares():
    classes = statistic_classes()
    assert len(classes) >= 14
    for cls in classes:
        assert cls.arms in (1, 2)
        assert cls.outcome in ("survival", "response")


@pytest.mark.parametrize("design", one_in(3, OPTIONS["design"]))
def test_a_two_sided_alpha_is_tested_at_half_on_the_favourable_side(overlays, design):
    plain = one(overlays, f"design={design}", "effect=none")
    effect, level = ["effect=response_rate"] * ("response" in plain.plan.wants), plain.design.level
    single = one(overlays, f"design={design}", *effect, f"design.alpha={level}")
    double = one(overlays, f"design={design}", *effect, f"design.alpha={2 * level}", "design.alpha_sides=2")
    assert double.design.level == single.design.level
    assert repr(double.plan.rule) == repr(single.plan.rule)
    words = " ".join(line.value for line in double.describe_design())
    assert f"two-sided alpha {2 * level:g}, tested one-sided at {level:g}" in words
    words = " ".join(line.value for line in single.describe_design())
    assert f"one-sided alpha {level:g}" in words


def test_cfg_job_shows_what_is_built(tmp_path):
    import contextlib
    import io

    from sim.app.main import main

    words = ["scenarios=phase2_single_arm_pfs", "design=randomised_pfs", "statistic=cox", "effect=none"]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["--cfg", "job", "--resolve", *words]) == 0
    shown = yaml.safe_load(out.getvalue())
    with private_store(), composer():
        study = build(words, register(), "postcart")
    [(_, provenance)] = study.resolved_config.items()
    for group in schema.TRIAL_GROUPS:
        assert shown[group] == provenance[group]


def test_the_configuration_that_hydra_keeps_beside_a_run_is_the_one_that_ran(tmp_path, monkeypatch):
    import sys

    from sim.app.main import main
    from tests.app.running import STUBS

    monkeypatch.setattr(sys, "path", [*sys.path, str(STUBS)])
    assert main(["scenarios=phase2_single_arm_pfs", "design=randomised_pfs", "statistic=cox", *RECORD]) == 0
    [kept] = tmp_path.rglob(".hydra/config.yaml")
    assert yaml.safe_load(kept.read_text())["design"]["statistic"]["_target_"] == "sim.statistic.cox.Cox"
