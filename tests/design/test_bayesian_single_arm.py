"""Level: twin and properties. Bayesian single-arm trials: simulated against the exact numbers, looks, what the report says."""

import math

import numpy as np
import pytest

from sim.accrual import UniformAccrual
from sim.boundary.multi_stage_binomial import stage_errors, stage_probabilities
from sim.design.bayesian_single_arm import BayesianSingleArm
from sim.effect import NoEffect, ResponseRateChange
from sim.engine import simulate
from sim.followup import NoDropout
from sim.oc import Subject, operating_characteristics
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.sizing import size
from sim.trial import Trial
from sim.types import InputError

N_SIM = 30_000
CASES = {
    "predictive": {},
    "predictive with efficacy": {"efficacy_threshold": 0.95, "first_look": 12, "cohort": 6},
    "nonbinding": {"binding": False, "futility_threshold": 0.1},
    "posterior": {"rule": "posterior", "efficacy_threshold": "final", "standard_patients": 50.0},
    "posterior with a margin": {"rule": "posterior", "margin": 0.1, "final_threshold": 0.95, "futility_threshold": 0.05},
}


def trial(effect=True, **design):
    population = PiecewiseExponential(medians=(2.8,), response_rates=(0.2,))
    change = ResponseRateChange(0.2) if effect else NoEffect()
    return Trial(population, UniformAccrual(rate=5.0), NoDropout(), change, BayesianSingleArm(**{"n": 45, "pause": True, **design}))


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize("design", CASES.values(), ids=CASES)
def test_simulated_against_exact(design, effect):
    made = trial(effect, **design)
    found = made.design.stages(made.population)
    reject, accept = stage_probabilities(found.counts, 0.4 if effect else 0.2)
    plan = made.plan
    assert found.errors == stage_errors(found.counts, 0.2, 0.4, made.design.binding)
    assert plan.nonbinding_futility == (not made.design.binding)
    rejection, suffix = ("power", "") if effect else ("type_i_error", "_no_effect")
    rows = operating_characteristics(
        Subject("s", "c", "ORR", rejection), simulate(made, N_SIM, seed=4), plan.cut.looks, plan.nonbinding_futility
    )
    table = {(r["metric"], r["look"]): r["estimate"] for r in rows}
    exact = {rejection: found.errors.power if effect else found.errors.type_i_error, f"early_futility{suffix}": accept[:-1].sum()}
    if reject[:-1].sum() > 0:
        exact[f"early_efficacy{suffix}"] = reject[:-1].sum()
    for metric, p in exact.items():
        assert abs(table[metric, 0] - p) < 4 * math.sqrt(p * (1 - p) / N_SIM) + 1e-9, metric
    n, ends = np.array(found.counts.n), reject + accept
    mean = float(ends @ n)
    assert mean == pytest.approx(found.errors.en_p1 if effect else found.errors.en_p0, abs=1e-9)
    assert abs(table[f"expected_n{suffix}", 0] - mean) < 4 * math.sqrt(float(ends @ (n - mean) ** 2) / N_SIM)


def test_looks():
    assert trial(first_look=10, cohort=10).design.patients == (10, 20, 30, 40, 45)
    assert trial(first_look=15, cohort=15).design.patients == (15, 30, 45)
    assert trial(first_look=40, cohort=1).design.patients == (40, 41, 42, 43, 44, 45)
    assert trial(first_look=45).design.patients == trial(first_look=100).design.patients == (45,)


def test_alpha_and_power_are_kept_and_without_power_it_never_gives_up():
    enough = trial(n=60).design.stages(trial().population)
    assert enough.errors.type_i_error <= 0.05
    assert enough.errors.power >= 0.8
    assert enough.errors.pet_p0 > 0.5
    few = trial(n=20).design.stages(trial().population)
    assert few.errors.type_i_error <= 0.05
    assert few.errors.power < 0.8
    assert few.errors.pet_p0 == 0
    assert trial(n=4).design.stages(trial().population).errors.type_i_error <= 0.05


def test_lee_and_lius_design_as_configured():
    made = trial(n=36, alpha=0.1, power=0.9, first_look=10, cohort=1, futility_threshold=0.001)
    lines = {a.what: a.value for a in made.design.describe(made.setting)}
    assert lines["exact errors"] == "type I error 0.0878, power 0.9062"
    assert lines["exact early stopping"].startswith("probability 0.857 under the null")
    assert lines["exact expected patients"].startswith("27.7 under the null")
    assert lines["priors"].startswith("experimental rate Beta(0.2, 0.8)")
    # single-patient cohorts: only where the count changes
    assert lines["test"].startswith(
        "one-sided alpha 0.1: give up with 0 or fewer of 10; give up with 1 or fewer of 17; give up with 2 or fewer of 21"
    )
    assert lines["test"].endswith("give up with 10 or fewer and reject with 11 or more of 36")


def test_sizing_is_exact():
    answer = size(trial(), 0.8, None, 1)
    powers = {n: trial(n=n).design.stages(trial().population).errors.power for n in range(1, 2 * answer.n)}
    assert answer.exact
    assert answer.n_first == min(n for n, p in powers.items() if p >= 0.8)
    assert answer.n == 1 + max(n for n, p in powers.items() if p < 0.8)


def test_a_doubtful_standard_asks_for_more_responders():
    # the benchmark known as from 30 patients only, at the same posterior threshold
    known, doubtful = (
        trial(rule="posterior", final_threshold=0.95, futility_threshold=0.0, standard_patients=m).design.critical_counts(
            trial().population
        )
        for m in (None, 30.0)
    )
    assert doubtful.reject[-1] > known.reject[-1]


def test_a_prior_mean_of_its_own():
    made = trial(prior_mean=0.4, prior_patients=4.0)
    assert made.design.beliefs(made.population).prior == pytest.approx((1.6, 2.4))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "frequentist"},
        {"first_look": 0},
        {"cohort": 2.5},
        {"cohort": True},
        {"n": 200, "cohort": 1},
        {"final_threshold": 1.5},
        {"futility_threshold": -0.1},
        {"efficacy_threshold": "final"},
        {"efficacy_threshold": 2.0},
        {"futility_threshold": 0.5, "efficacy_threshold": 0.4},
        {"margin": 0.1},
        {"rule": "posterior", "margin": 1.0},
        {"prior_mean": 0.0},
        {"prior_patients": 0.0},
        {"standard_patients": math.inf},
        {"alternative_rate": 0.1},
        {"power": 1.0},
    ],
    ids=str,
)
def test_refuses(wrong):
    with pytest.raises(InputError, match="allowed") as error:
        trial(**wrong)
    assert "\n" not in str(error.value)
