"""A scenario file from a stranger cannot run code: one file for each way in, and nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.app.running import RECORD, tree
from tests.thinning import one_in

MARK = "touched"  # what each file would leave, were it obeyed
TOUCH = f"_target_: pathlib.Path.touch\nself: {MARK}"

SCENARIOS = {
    # hydra's own settings
    "hydra": (f"hydra: {{run: {{dir: {MARK}}}}}", "'hydra' is refused in a file"),
    "hydra_env": ("hydra: {job: {env_set: {PATH: here}}}", "'hydra' is refused in a file"),
    "hydra_dotted": (f"hydra.run.dir: {MARK}", "'hydra.run.dir' is unknown"),
    "hydra_defaults": ("defaults:\n  - override /hydra/job_logging: default", "'override /hydra/job_logging' is refused in defaults"),
    "hydra_absolute": ("defaults:\n  - /hydra/callbacks: mine", "'/hydra/callbacks' is refused in defaults"),
    "hydra_searchpath": ("hydra: {searchpath: [file://elsewhere]}", "'hydra' is refused in a file"),
    "package_hydra": ("# @package hydra.run\ndir: here", "'@package hydra.run' is refused"),
    "package_option": ("defaults:\n  - /design@hydra.run: mine", "'/design@hydra.run' is refused in defaults"),
    "defaults_path": ("defaults:\n  - ../../elsewhere/file", "'../../elsewhere/file' is refused in defaults"),
    "defaults_interpolated": ("defaults:\n  - override /design: ${oc.env:HOME}", "is refused in defaults"),
    # classes
    "target_function": ("effect: {_target_: os.system, command: touch touched}", "effect._target_ is 'os.system'"),
    "target_task": ("task: {_target_: subprocess.Popen, args: [touch, touched]}", "task._target_ is 'subprocess.Popen'"),
    "target_through_sim": (
        "effect: {_target_: sim.app.folders.shutil.copy, src: a, dst: b}",
        "effect._target_ is 'sim.app.folders.shutil.copy'",
    ),
    "target_class_through_sim": ("effect: {_target_: sim.app.folders.Path, hr: 1}", "effect._target_ is 'sim.app.folders.Path'"),
    "target_own_function": ("effect: {_target_: sim.app.main.main, argv: [x]}", "effect._target_ is 'sim.app.main.main'"),
    "target_not_a_choice": (
        "effect: {_target_: sim.effect.HazardProfile}",
        "effect._target_ is 'sim.effect.HazardProfile'; allowed: a class that is a kind of sim.effect.Effect",
    ),
    "target_abstract": ("effect: {_target_: sim.effect.Effect}", "effect._target_ is 'sim.effect.Effect'"),
    "target_of_another_group": (
        "effect: {_target_: sim.accrual.UniformAccrual, duration: 1}",
        "effect._target_ is 'sim.accrual.UniformAccrual'",
    ),
    "target_nested": ("design: {statistic: {_target_: os.system, command: touch touched}}", "design.statistic._target_ is 'os.system'"),
    "target_in_a_list": (f"design: {{events: [{{{TOUCH.replace(chr(10), ', ')}}}]}}", "design.events[0]._target_ is 'pathlib.Path.touch'"),
    "target_in_run": ("run: {seed: {_target_: os.getpid}}", "run.seed"),
    "target_in_title": ("title: {_target_: os.getpid}", "title"),
    "target_in_cells": ('cells: {a: ["effect._target_=os.system"]}', "effect._target_ is 'os.system'"),
    "target_in_grid": ("grid: {effect._target_: [os.system]}", "'grid.effect._target_' is ['os.system']"),
    "target_interpolated": ("title: os.system\neffect: {_target_: '${title}'}", "effect._target_"),
    "target_local_module": ("effect: {_target_: stranger.Effect}", "effect._target_ is 'stranger.Effect'"),
    "target_dunder": (
        "effect: {_target_: sim.effect.NoEffect.__init__.__globals__}",
        "effect._target_ is 'sim.effect.NoEffect.__init__.__globals__'",
    ),
    # keys that Hydra acts on
    "args": ("effect: {_args_: [1]}", "'effect._args_' is refused"),
    "partial": ("effect: {_partial_: true}", "'effect._partial_' is refused"),
    "convert": ("design: {statistic: {_convert_: none}}", "'design.statistic._convert_' is refused"),
    "recursive": ("design: {_recursive_: false}", "'design._recursive_' is refused"),
    "factory": ('effect: {"()": os.system}', "'effect.()' is refused"),
    "factory_in_a_list": ('design: {events: [{"()": os.system}]}', "is refused"),
    # resolvers
    "resolver_env": ("title: ${oc.env:SECRET}", "'title' uses the resolver 'oc.env'"),
    "resolver_create": ("effect: ${oc.create:{a:1}}", "'effect' uses the resolver 'oc.create'"),
    "resolver_deep": ("title: ${oc.decode:${oc.env:SECRET}}", "'title' uses the resolver 'oc.env'"),
    "resolver_in_a_list": ("design: {events: ['${oc.env:SECRET}']}", "uses the resolver 'oc.env'"),
    "resolver_in_cells": ('cells: {a: ["design.n=${oc.env:SECRET}"]}', "uses the resolver 'oc.env'"),
    "resolver_spelled": ("question: '$'\ntitle: ${oc.decode:'${question}{oc.env:SECRET}'}", "title"),
    "resolver_escaped": (r"title: \${oc.env:SECRET}", "title is '${oc.env:SECRET}'"),
    "resolver_hydra": ("title: ${hydra:runtime.cwd}", "'title' uses the resolver 'hydra'"),
    # where to write, and whom to trust
    "allow_targets": ("run: {allow_targets: [os]}\neffect: {_target_: os.system}", "'run.allow_targets' is refused in a file"),
    "allow_targets_in_cells": ('cells: {a: ["run.allow_targets=[os]"]}', "'run.allow_targets=[os]' is refused"),
    "run_interpolated": ("run: ${design.run}\ndesign: {run: {allow_targets: [os]}}", "run"),
    "folder": (f"run: {{folder: {MARK}}}", "'run.folder' is refused in a file"),
    "store": (f"run: {{store: {MARK}}}", "'run.store' is refused in a file"),
    # YAML itself
    "python_tag": ("title: !!python/object/apply:os.system ['touch touched']", "cannot be read"),
    "broken": ("title: [", "cannot be read"),
    "no_mapping": ("- 1", "holds no mapping"),
    "not_text": (b"\xff\xfe\x00", "cannot be read"),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\ntitle: [*c,*c,*c,*c,*c,*c,*c,*c]",
        "is unknown",
    ),
    "bomb_inside": (
        "design:\n  a: &a [x,x,x,x,x,x,x,x,x]\n  b: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n  c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n  d: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]",
        "more than 20000 values",
    ),
    "unknown_key": ("desing: {n: 60}", "key: 'desing' is unknown; nearest: design"),
}

OPTIONS = {
    "package_global": ("# @package _global_\nrun: {allow_targets: [os]}", "'@package _global_' is refused"),
    "package_hydra": ("# @package hydra.run\ndir: here", "'@package hydra.run' is refused"),
    "package_other": ("# @package run\nallow_targets: [os]", "'@package run' is refused"),
    "target": ("_target_: os.system\ncommand: touch touched", "design._target_ is 'os.system'"),
    "nested": (
        "defaults: [randomised_pfs, _self_]\nstatistic: {_target_: os.system, command: touch touched}",
        "design.statistic._target_ is 'os.system'",
    ),
    "partial": ("defaults: [randomised_pfs, _self_]\n_partial_: true", "'_partial_' is refused"),
    "resolver": ("defaults: [randomised_pfs, _self_]\nn: ${oc.env:SECRET}", "'n' uses the resolver 'oc.env'"),
    "defaults_hydra": ("defaults:\n  - randomised_pfs\n  - /hydra/launcher@_global_.hydra.launcher: basic", "is refused in defaults"),
}


@pytest.fixture
def stranger(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a module that must never be imported, and a secret that must never be read."""
    monkeypatch.setenv("SECRET", "s3cret")
    (folder / "stranger.py").write_text(f"open({MARK!r}, 'w')")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def put(folder: Path, group: str, name: str, text: str | bytes) -> list[str]:
    (folder / group).mkdir()
    (folder / group / f"{name}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return tree(folder)


def refused(result, line: str | None) -> None:
    assert result.status == 2, result.out
    assert line is None or line in result.err
    assert result.err.startswith("postcart: ")
    assert result.err.count("\n") == 1
    assert "s3cret" not in result.err + result.out


@pytest.mark.parametrize("name", one_in(2, SCENARIOS))
def test_a_scenario_cannot(cli, stranger, name):
    text, line = SCENARIOS[name]
    before = put(stranger, "scenarios", name, text)
    path = os.environ["PATH"]
    refused(cli(f"scenarios={name}"), line)
    assert tree(stranger) == before
    assert os.environ["PATH"] == path


@pytest.mark.parametrize("name", one_in(2, OPTIONS))
def test_an_option_cannot(cli, stranger, name):
    text, line = OPTIONS[name]
    before = put(stranger, "design", name, text)
    refused(cli(f"design={name}"), line)
    assert tree(stranger) == before


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["--config-dir=."], "--config-dir is refused"),
        (["--config-path=."], "--config-path is refused"),
        (["--config-name=other"], "--config-name is refused"),
        (["--experimental-rerun=job.pickle"], "--experimental-rerun is refused"),
        (["hydra.searchpath=[file://.]"], "'hydra.searchpath=[file://.]' is refused"),
        (["effect._target_=os.system"], "effect._target_ is 'os.system'; allowed: a class of sim.effect"),
        (["run.allow_targets=[os]", "effect._target_=os.system"], "effect._target_ is 'os.system'"),
        (["run.allow_targets=['a b']"], "run.allow_targets holds 'a b'"),
    ],
)
def test_the_command_line_cannot_either(cli, stranger, argv, line):
    before = tree(stranger)
    refused(cli(*argv), line)
    assert tree(stranger) == before


@pytest.mark.parametrize("flag", [[], ["-m"]])
def test_a_refused_scenario_is_refused_in_a_sweep_too(cli, stranger, flag):
    before = put(stranger, "scenarios", "mine", "hydra: {run: {dir: touched}}")
    refused(cli(*flag, "scenarios=quickstart,mine" if flag else "scenarios=mine"), "'hydra' is refused")
    assert tree(stranger) == before


def test_a_refused_file_that_nobody_uses_stops_nothing(cli, stranger):
    put(stranger, "scenarios", "mine", "hydra: {run: {dir: touched}}")
    assert cli("design.n=60", *RECORD).status == 0


def test_the_safe_resolvers_work(cli, folder):
    put(
        folder,
        "scenarios",
        "mine",
        "design: {n: '${oc.decode:${question}}', max_duration: '${oc.select:accrual.none,99.0}'}\nquestion: '60'\n",
    )
    assert cli("scenarios=mine", *RECORD).status == 0


def test_a_package_named_on_the_command_line_is_trusted(cli, folder):
    assert cli("design.n=60", *RECORD).status == 0
    refused(cli("design.n=60", RECORD[1]), "task._target_ is 'recording.Record'; allowed: a class of sim.app.tasks")


def test_a_built_in_name_is_refused_for_a_users_file(cli, folder):
    before = put(folder, "design", "randomised_pfs", "_target_: sim.design.randomised_survival.RandomisedSurvival\nn: 10\n")
    refused(cli("design=single_arm_pfs"), "./design/randomised_pfs.yaml: 'randomised_pfs' is a built-in name of design")
    assert tree(folder) == before


def test_a_copy_of_a_built_in_file_is_no_clash(cli, folder):
    from sim.app.paths import conf_dir

    put(folder, "effect", "none", (conf_dir() / "effect/none.yaml").read_bytes())
    assert cli("effect=none", *RECORD).status == 0


def test_a_users_scenario_and_design_join_the_groups(cli, folder):
    put(folder, "design", "mine", "defaults: [randomised_pfs, _self_]\nn: 62\n")
    put(folder, "scenarios", "ours", "# @package _global_\ndefaults:\n  - override /design: mine\neffect: {hr: 0.5}\n")
    assert cli("scenarios=ours", *RECORD).status == 0
    [file] = folder.rglob("study.json")
    assert '"n": 62' in file.read_text()


GUARDED = ("target", "args", "partial", "convert", "recursive", "factory", "resolver", "allow", "hydra")
HARMLESS = ("hydra_defaults",)  # conf/config.yaml makes the same choice first, and the first stands
SECOND_RING = [name for name in SCENARIOS if name.startswith(GUARDED) and name not in HARMLESS]


@pytest.mark.parametrize("name", one_in(3, SECOND_RING))
def test_the_second_ring_holds_when_the_first_is_down(cli, stranger, name, monkeypatch):
    monkeypatch.setattr("sim.app.overlays.vet", lambda group, header, tree: None)
    before = put(stranger, "scenarios", name, SCENARIOS[name][0])
    path = os.environ["PATH"]
    refused(cli(f"scenarios={name}"), None)
    assert tree(stranger) == before
    assert os.environ["PATH"] == path
