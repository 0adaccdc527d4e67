"""What every option of every group owes the others; a new YAML is tested by being there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from sim.app import paths, schema, security, vetting
from sim.app.build import build
from sim.app.compose import compose, composer
from sim.app.overlays import private_store, register

OPTIONS = [(group, path) for group in schema.GROUPS for path in sorted((paths.conf_dir() / group).glob("*.yaml"))]
# an option that goes with none but another: a curve of the experimental arm needs a population that holds one
NEEDS = {
    ("effect", "own_curve"): ["population=parametric", "population.experimental=[{_target_:sim.shape.Weibull,median:4.0,shape:1.0}]"],
    ("population", "parametric"): ["effect=hazard_ratio"],
}
SCENARIOS = sorted(paths.scenarios_dir().glob("*.yaml"))


@pytest.fixture
def overlays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with private_store(), composer():
        yield register()


def plain(group: str, path: Path, overlays) -> dict:
    return security.resolve(compose([f"{group}={path.stem}"], overlays).config)[group]


@pytest.mark.parametrize(("group", "path"), OPTIONS, ids=[f"{g}={p.stem}" for g, p in OPTIONS])
class TestOption:
    def test_says_in_its_first_line_what_it_is(self, group, path, overlays):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# ") or group in ("benchmark", "population")

    def test_lists_every_key_of_its_class(self, group, path, overlays):
        # or an override of the key would need a plus sign
        stack = [(group, plain(group, path, overlays))]
        while stack:
            where, node = stack.pop()
            if not isinstance(node, dict):
                continue
            if "_target_" in node:
                cls = security.target(f"{where}._target_", node["_target_"])
                fields = {f.name for f in dataclasses.fields(cls) if f.init and not f.name.startswith("_")}
                assert fields == set(node) - {"_target_"}, where
            stack.extend((f"{where}.{key}", value) for key, value in node.items())

    def test_is_built(self, group, path, overlays):
        study = build([f"{group}={path.stem}", *NEEDS.get((group, path.stem), ())], overlays, "postcart")
        built = {"executor": study.executor, "task": study.task, "benchmark": study.benchmark}.get(group) or getattr(
            study.cells[0].trial, group
        )
        assert type(built).__module__.startswith(security.MODULES[group])


@pytest.mark.parametrize("path", SCENARIOS, ids=[p.stem for p in SCENARIOS])
class TestScenario:
    def test_asks_a_question(self, path, overlays):
        study = build([f"scenarios={path.stem}"], overlays, "postcart")
        assert study.scenario == path.stem
        assert study.title
        assert study.question.endswith("?")
        assert list(study.resolved_config) == [cell.name for cell in study.cells]

    def test_would_be_accepted_from_a_stranger(self, path, overlays):
        header = path.read_text().splitlines()[0].removeprefix("# @package ")
        vetting.vet("scenarios", header, yaml.safe_load(path.read_text()))


def test_the_defaults_list_is_the_table_of_contents():
    config = yaml.safe_load((paths.conf_dir() / "config.yaml").read_text())
    groups = [next(iter(item)) for item in config["defaults"] if isinstance(item, dict)]
    assert groups[: len(schema.GROUPS)] == list(schema.GROUPS)
    assert config["defaults"].index("_self_") < config["defaults"].index({"scenarios": None})
