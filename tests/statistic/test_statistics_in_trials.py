"""Level: developer. Every statistic in the trial loop, and every YAML of conf/statistic."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.stats import norm

import sim
from sim.app import paths
from sim.boundary.futility import FixedZ
from sim.boundary.spending import LanDeMetsOBrienFleming
from sim.design.design import REJECT
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.statistic import Code, Statistic
from sim.trial import run_block
from sim.types import InputError
from tests.designs import textbook
from tests.statistic.every import MAXCOMBO, TWO_ARM, label
from tests.thinning import later

CONF = paths.conf_dir() / "statistic"
OPTIONS = sorted(CONF.glob("*.yaml"))


def built(path, **changes):
    """The object a YAML describes."""
    keys = yaml.safe_load(path.read_text()) | changes
    module, name = keys.pop("_target_").rsplit(".", 1)
    return getattr(importlib.import_module(module), name), keys


@pytest.mark.parametrize("path", OPTIONS, ids=lambda p: p.stem)
def test_a_yaml_says_what_it_is_and_lists_every_key(path):
    cls, keys = built(path)
    assert path.read_text().startswith("# ")
    assert set(keys) == {f.name for f in dataclasses.fields(cls) if f.init}
    statistic = cls(**keys)
    assert isinstance(statistic, Statistic)
    assert statistic.label
    assert statistic.estimate_label
    assert hash(statistic) == hash(cls(**keys))


def test_there_is_a_yaml_for_every_statistic_of_a_design():
    # the one-sample tests of a null curve or rate are made by their designs
    modules = {built(path)[0].__module__.rsplit(".", 1)[1] for path in OPTIONS}
    helpers = {"__init__", "statistic", "risk_sets", "kaplan_meier", "binomial", "one_sample_logrank", "after_two_stages", "rate_interval"}
    helpers |= {"standardised", "null_trial"}
    assert {p.stem for p in Path(sim.__file__).parent.joinpath("statistic").glob("*.py")} - helpers <= modules


@pytest.mark.parametrize("statistic", TWO_ARM + MAXCOMBO, ids=label)
def test_any_design_can_use_it(statistic):
    trial = textbook(hr=0.4, n=60, events=(40,), statistic=statistic)
    rows = run_block(trial, 1, 0, 300)
    assert np.isfinite(rows["z"]).all()
    assert not (rows["code"] == Code.FAILED).any()
    assert ((rows["decision"] == REJECT) == (rows["z"] >= norm.isf(0.025))).all()
    assert (rows["decision"] == REJECT).mean() > 0.3
    # any block gives the same rows
    assert (run_block(trial, 1, 100, 50) == rows[100:150]).all()


@pytest.mark.parametrize(
    "design",
    [{}, {"futility": FixedZ((0.3,))}, later({"max_duration": 12.0}), later({"months": (9.0,), "bounds_at": "observed"}), {"alpha": 0.1}],
    ids=["planned", "futility", "ends early", "observed", "level"],
)
def test_maxcombo_decides_at_every_look_as_its_p_value_does(design):
    exact, quick = (
        run_block(textbook(0.7, events=(80, 120), statistic=MaxCombo(exact_p=e), spending=LanDeMetsOBrienFleming(), **design), 1, 0, 1_000)
        for e in (True, False)
    )
    for name in ("replicate", "look", "decision", "rejects_ignoring_stops"):
        np.testing.assert_array_equal(exact[name], quick[name])
    assert len(np.unique(exact["decision"])) > 1


WRONG = {
    "maxcombo": [{"weights": []}, {"weights": [[0, 0], [0, 0]]}, {"weights": [[0, -1]]}, {"weights": [[0, 1, 2]]}],
    "modestly_weighted": [{"t_star": None}, {"t_star": -1.0}, {"s_star": 1.5}, {"convention": "sas"}],
    "early_zero": [{"early_period": -0.5}, {"early_period": float("inf")}],
    "cox": [{"ties": "cox"}, {"form": "t"}],
    "milestone_difference": [{"milestone": 0.0}, {"transform": "probit"}, {"milestone": float("inf")}],
    "milestone_single_arm": [{"null_survival": 1.0}, {"transform": "x"}, {"milestone": float("nan")}],
    "rmst_difference": [{"horizon": -2.0}, {"measure": "odds"}],
    "rmst_single_arm": [{"null_rmst": 12.0}, {"horizon": 0.0}],
    "exponential_mle": [{"null_median": 0.0}],
    "brookmeyer_crowley": [{"null_median": float("inf")}, {"transform": ""}],
    "response_difference": [{"method": "yates"}, {"margin": 1.0}, {"margin": 0.1}],
}


@pytest.mark.parametrize(("name", "change"), [(name, change) for name, changes in WRONG.items() for change in changes], ids=str)
def test_bad_input_is_refused_in_one_line(name, change):
    cls, keys = built(CONF / f"{name}.yaml", **change)
    with pytest.raises(InputError, match=r"^statistic\..*; allowed: ") as error:
        cls(**keys)
    assert "\n" not in str(error.value)
    assert next(iter(change)) in str(error.value)
