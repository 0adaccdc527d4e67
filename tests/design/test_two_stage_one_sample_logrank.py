"""Level: independent. The two-stage one-sample log-rank trial: its critical value by the bivariate normal, its error by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from sim.accrual import UniformAccrual
from sim.design.design import REJECT, STOP_FUTILITY
from sim.design.two_stage_one_sample_logrank import TwoStageOneSampleLogRank
from sim.effect import NoEffect, PatientHazardRatio
from sim.engine import simulate
from sim.followup import NoDropout
from sim.oc import Subject, operating_characteristics
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.trial import Trial
from sim.types import InputError

N_SIM = 20_000


def trial(effect=None, **design):
    population = PiecewiseExponential(medians=(5.5,), survival_after_progression_median=6.0)
    made = TwoStageOneSampleLogRank(**{"n": 100, "event_fraction": 0.8, **design})
    return Trial(population, UniformAccrual(rate=5.0), NoDropout(), effect or NoEffect(), made)


@pytest.mark.parametrize(("interim", "futility_z"), [(0.5, 0.0), (0.4, -0.5), (0.7, 0.6)])
def test_critical_value_by_the_bivariate_normal(interim, futility_z):
    design = TwoStageOneSampleLogRank(100, event_fraction=1.0, interim=interim, futility_z=futility_z)
    c, root = design.boundary.upper[-1], math.sqrt(interim)
    # P(Z1 > futility, Z2 >= c) by the joint cdf of the negated pair
    joint = multivariate_normal(cov=[[1, root], [root, 1]]).cdf([-futility_z, -c])
    assert joint == pytest.approx(0.025, abs=1e-5)  # the cdf's own integration error
    assert design.boundary.upper[0] == np.inf
    ignoring = TwoStageOneSampleLogRank(100, event_fraction=1.0, interim=interim, futility_z=futility_z, binding=False)
    assert ignoring.boundary.upper[-1] == pytest.approx(norm.isf(0.025), abs=1e-9)


@pytest.mark.parametrize("binding", [True, False])
def test_errors_and_early_stops(binding):
    null, effect = trial(binding=binding), trial(PatientHazardRatio(0.65), binding=binding)

    def table(made, rejection):
        rows = operating_characteristics(
            Subject("s", "c", "PFS", rejection), simulate(made, N_SIM, seed=31), 2, made.plan.nonbinding_futility
        )
        return {(r["metric"], r["look"]): r["estimate"] for r in rows}

    found = table(null, "type_i_error")
    # an asymptotic test whose number of events is fixed: a few tenths of a percent at 80 events
    assert abs(found["type_i_error", 0] - 0.025) < 4 * math.sqrt(0.025 / N_SIM) + 0.006
    assert abs(found["early_futility_no_effect", 0] - 0.5) < 0.05
    assert found["expected_n_no_effect", 0] < 100
    assert (("type_i_error_obeyed", 0) in found) == (not binding)
    power = table(effect, "power")
    assert power["power", 0] > 0.9
    assert power["early_futility", 0] < 0.06


def test_each_decision_by_its_z():
    made = trial(PatientHazardRatio(0.8))
    rows = simulate(made, 2_000, seed=2).rows
    first, second = rows[rows["look"] == 1], rows[rows["look"] == 2]
    np.testing.assert_array_equal(first["decision"] == STOP_FUTILITY, first["z"] <= 0)
    np.testing.assert_array_equal(second["decision"] == REJECT, second["z"] >= made.design.boundary.upper[-1])
    assert (first["events"] == 40).all()
    assert (second["events"] == 80).all()


def test_overall_survival():
    assert trial(endpoint="os").plan.hypothesis == "OS"


@pytest.mark.parametrize(
    "wrong",
    [
        {"interim": 1.0},
        {"interim": 0.99, "n": 4},
        {"event_fraction": 0.0},
        {"variance": "both"},
        {"futility_z": float("inf")},
        {"null": "other"},
        {"endpoint": "orr"},
    ],
)
def test_refuses(wrong):
    with pytest.raises(InputError, match="allowed"):
        trial(**wrong)
