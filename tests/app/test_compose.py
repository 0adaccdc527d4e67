"""Composing cells: the short way for values gives what Hydra's own composition gives."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from sim.app import cells
from sim.app.build import build
from sim.app.compose import compose, compose_cell, composer
from sim.app.overlays import private_store, register
from sim.types import InputError

BASE = ["scenarios=textbook_rct_pfs", "design.n=200", "run.seed=4"]


@pytest.fixture
def overlays(folder):
    with private_store(), composer():
        yield register()


@pytest.mark.parametrize(
    "own",
    [
        ["effect.hr=0.5"],
        ["design.n=60", "design.events=[40]"],
        ["design.statistic.gamma=1", "design.ratio=[2,1]"],
        ["++benchmark.figures.failure_os_median.value=7"],
        ["design.n=${run.seed}"],
        ["accrual.rate=null", "accrual.duration=12.5"],
    ],
)
def test_values_alone_give_the_same_as_composing_anew(overlays, own):
    base = compose(BASE, overlays)
    before = OmegaConf.to_container(base.config)
    short = compose_cell(base, BASE, own, overlays)
    anew = compose(cells.merge(BASE, own), overlays)
    assert short.config == anew.config
    assert short.choices == anew.choices
    assert short.config != base.config
    assert OmegaConf.to_container(base.config) == before


def test_an_unknown_key_of_a_cell_is_named(overlays):
    base = compose(BASE, overlays)
    with pytest.raises(InputError, match=r"design\.m=3: 'design\.m' is unknown"):
        compose_cell(base, BASE, ["design.m=3"], overlays)


def test_cells_share_the_objects_of_equal_choices(overlays):
    study = build(["design.n=100", "++grid={effect.hr:[0.5,0.6,0.7]}"], overlays, "postcart")
    trials = [cell.trial for cell in study.cells]
    assert trials[0].population is trials[1].population is trials[2].population
    assert len({trial.effect.hr for trial in trials}) == 3
    assert study.resolved_config["effect.hr=0.6"]["effect"]["hr"] == 0.6
