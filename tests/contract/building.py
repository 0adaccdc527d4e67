"""Build what the contract tests hold to account from the YAML itself."""

import importlib
import tempfile
from contextlib import chdir
from functools import cache

import yaml
from hydra.core.config_store import ConfigStore

from sim.app import paths
from sim.app.build import build
from sim.app.compose import composer
from sim.app.overlays import private_store, register


def options(group):
    """The options of a group: one per YAML file."""
    return [path.stem for path in sorted((paths.conf_dir() / group).glob("*.yaml"))]


@cache
def shipped():
    """What is registered in an empty folder, and the store that holds it: read once."""
    with private_store():
        return register(), ConfigStore.instance().repo


@cache
def study(*overrides):
    """The study that these overrides ask for, composed in an empty folder."""
    with tempfile.TemporaryDirectory() as empty, chdir(empty), private_store(), composer():
        overlays, ConfigStore.instance().repo = shipped()
        return build(list(overrides), overlays, "postcart")


def trial(*overrides):
    """Its one trial; textbook patients live for six months after progression, in the median."""
    textbook = "population=piecewise_exponential" in overrides
    (cell,) = study(*overrides, *["population.survival_after_progression_median=6.0"] * textbook).cells
    return cell.trial


def statistic(name):
    """The statistic that a YAML describes."""
    keys = yaml.safe_load((paths.conf_dir() / "statistic" / f"{name}.yaml").read_text())
    module, cls = keys.pop("_target_").rsplit(".", 1)
    return getattr(importlib.import_module(module), cls)(**keys)


# designs and tests are held on the textbook and on the default population; the others differ in parameters only
POPULATIONS = ("piecewise_exponential", "post_cart_failure")

# options that go with no other alone: a curve of the experimental arm needs a population that holds one
NEEDS = {
    ("effect", "own_curve"): ["population=parametric", "population.experimental=[{_target_:sim.shape.Weibull,median:4.0,shape:1.0}]"],
    # what happens after a progression cannot move progression-free survival
    ("effect", "death_after_progression"): ["design=randomised_os"],
}
