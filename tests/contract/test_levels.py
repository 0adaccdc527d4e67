"""Level: contract. Every test of two arms keeps the level that its design hands it, at one look and at two, from 300 events on."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.accrual import UniformAccrual
from sim.app import paths
from sim.boundary.spending import LanDeMetsPocock
from sim.design.design import REJECT
from sim.design.randomised_survival import RandomisedSurvival
from sim.effect import NO_EFFECT
from sim.engine import simulate
from sim.followup import NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.maxcombo import MaxCombo
from sim.trial import Trial, final_rows
from tests.contract.building import options, study
from tests.thinning import crossed

ALPHAS = (0.005, 0.025, 0.1)
SINGLE_ARM = {"brookmeyer_crowley", "exponential_mle", "milestone_single_arm", "rmst_single_arm"}
NOT_SURVIVAL = {"response_difference"}
TWO_ARM = [name for name in options("statistic") if name not in SINGLE_ARM | NOT_SURVIVAL]


def of_yaml(name):
    """The test that a YAML of conf/statistic gives a randomised trial."""
    return study("design=randomised_pfs", f"statistic={name}").cells[0].trial.design.statistic


def made(statistic, alpha, events, **design):
    """400 patients of median 10 months, 20 a month."""
    spending = LanDeMetsPocock() if len(events) > 1 else None
    shape = RandomisedSurvival(400, events=events, alpha=alpha, spending=spending, statistic=statistic, max_duration=1000.0, **design)
    return Trial(PiecewiseExponential(medians=(10.0,)), UniformAccrual(rate=20.0), NoDropout(), NO_EFFECT, shape)


def size(trial, n_sim, seed=2657):
    return float((final_rows(simulate(trial, n_sim, seed=seed).rows)["decision"] == REJECT).mean())


def kept(alpha, p, n_sim):
    """Definitions 25, and twice as much at .005, where the normal approximation is asked for its far tail."""
    room = (0.12 if alpha == 0.005 else 0.06) * alpha
    return abs(p - alpha) <= room + 3 * math.sqrt(alpha * (1 - alpha) / n_sim)


def test_every_test_of_two_arms_is_here():
    assert {path.stem for path in (paths.conf_dir() / "statistic").glob("*.yaml")} == {*TWO_ARM, *SINGLE_ARM, *NOT_SURVIVAL}
    assert len(TWO_ARM) >= 7


@pytest.mark.parametrize("events", [(300,), (150, 300)], ids=["one look", "two looks"])
@pytest.mark.parametrize(("name", "alpha"), crossed(TWO_ARM, ALPHAS))
def test_level(name, alpha, events):
    n_sim = 10_000
    p = size(made(of_yaml(name), alpha, events), n_sim)
    assert kept(alpha, p, n_sim), p


@pytest.mark.verify
@pytest.mark.parametrize(
    ("events", "spend_by"), [((300,), "events"), ((150, 300), "events"), ((150, 300), "own")], ids=["one look", "two looks", "own"]
)
@pytest.mark.parametrize("name", TWO_ARM)
def test_level_at_length(name, events, spend_by):
    statistic, n_sim = of_yaml(name), 400_000
    for alpha in ALPHAS:
        p = size(made(statistic, alpha, events, spend_by=spend_by), n_sim)
        assert kept(alpha, p, n_sim), (alpha, p)


@pytest.mark.verify
@pytest.mark.parametrize("name", ["logrank", "modestly_weighted", "maxcombo", "rmst_difference"])
def test_level_of_recomputed_bounds(name):
    n_sim = 100_000
    for design in ({"events": (150, 300), "bounds_at": "observed"}, {"events": (150, 300), "months": (16.0,), "bounds_at": "observed"}):
        p = size(made(of_yaml(name), 0.025, **design), n_sim)
        assert kept(0.025, p, n_sim), (design, p)


# --- a level stands in the design alone


def test_maxcombo_is_judged_at_the_level_of_its_design():
    # phase2_randomised_pfs, 239 patients, hazard ratio .5 of each patient, alpha .1: power .848 and type I error .103 by 10,000 replicates;
    # judged at .025, as its own field once said, .741 and .05
    trial = (
        study(
            "scenarios=phase2_randomised_pfs",
            "design.n=239",
            "effect=patient_hazard_ratio",
            "effect.hr=0.5",
            "dropout.monthly_probability=0.02",
            "statistic@design.statistic=maxcombo",
        )
        .cells[0]
        .trial
    )
    assert trial.design.alpha == 0.1
    n_sim = 10_000
    power, error = (size(t, n_sim) for t in (trial, trial.under_null))
    assert abs(power - 0.848) < 4 * math.sqrt(2 * 0.13 / n_sim)
    assert abs(error - 0.103) < 4 * math.sqrt(2 * 0.09 / n_sim)
    exact = replace(trial, design=replace(trial.design, statistic=MaxCombo(exact_p=True)))
    assert size(exact, n_sim) == power


def test_a_rule_hands_out_the_level_of_its_bound():
    trial = made(MaxCombo(), 0.1, (150, 300))
    rule = trial.plan.rule
    assert rule.level(0) == pytest.approx(0.1 * math.log1p((math.e - 1) * 0.5), abs=1e-9)
    assert rule.level(1) < 0.1
    assert made(MaxCombo(), 0.1, (300,)).plan.rule.level(0) == pytest.approx(0.1, abs=1e-12)
    assert np.isnan(made(MaxCombo(), 0.1, (150, 300), bounds_at="observed").plan.rule.level(0))
