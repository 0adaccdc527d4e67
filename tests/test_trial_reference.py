"""Level: reference. Whole trials against published powers and sizes; `make verify` repeats them with the stated numbers of replicates.

Tolerances: 3 Monte Carlo errors, plus the stated ± of definitions 25, or the 4 standard errors of two simulations (definitions 36).
"""

import numpy as np
import pytest
from scipy.stats import binom

from sim.accrual import UniformAccrual
from sim.design.single_arm_orr import SingleArmORR
from sim.effect import NoEffect
from sim.engine import simulate
from sim.followup import NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.logrank import LogRank
from sim.statistic.statistic import Code
from sim.trial import Trial
from tests.contract.building import study
from tests.designs import single_arm, textbook
from tests.published import agrees, check_one_sample, check_sim_power, one_sample_rows, rejection_rate, rejection_rate_at
from tests.reference.read import rows

N_SIM = 100_000

TEXTBOOK = [
    ("textbook_rct_pfs", "textbook_rct_pfs", 0.7905, 0.004),
    ("textbook_rct_gs", "textbook_rct_gs", 0.786, 0.004),
    ("textbook_rct_delayed", "log_rank", 0.699, 0.005),
    ("textbook_rct_delayed", "fleming_harrington_0_1", 0.867, 0.004),
]


def shipped(scenario, cell):
    """The trial that a shipped scenario builds."""
    cells = study(f"scenarios={scenario}").cells
    return cells[0].trial if len(cells) == 1 else next(c.trial for c in cells if c.name == cell)


@pytest.mark.parametrize(("scenario", "cell", "power", "tolerance"), TEXTBOOK)
def test_textbook(scenario, cell, power, tolerance):
    ok, numbers = agrees(shipped(scenario, cell), power, tolerance, N_SIM)
    assert ok, numbers


def test_textbook_600():
    p, error = rejection_rate(shipped("textbook_rct_600", ""), 20_000)
    assert p - 3 * error > 0.998


def test_the_deciding_event_is_in_every_trial():
    found = simulate(textbook(), N_SIM, seed=2657).rows
    assert len(found) == N_SIM
    assert (found["events"] == 120).all()
    assert (found["code"] == Code.OK).all()
    assert np.isfinite(found["z"]).all()


@pytest.mark.parametrize(
    ("trial", "published"),
    [
        (textbook(1), 0.0258),
        (textbook(1, n=30, events=(20,)), 0.0289),
    ],
    ids=["120 events", "30 patients, 20 events"],
)
def test_size_of_the_logrank_test(trial, published):
    p, error = rejection_rate(trial, N_SIM)
    # the published value is a simulation of 400,000 or more
    assert abs(p - published) < 3 * error * np.sqrt(1 + N_SIM / 400_000)


ONE_SAMPLE_SIZES = {"mean": 0.0257, "null": 0.0188, "observed": 0.033}


@pytest.mark.parametrize(("variance", "published"), ONE_SAMPLE_SIZES.items())
def test_size_of_the_one_sample_logrank_test(variance, published):
    p, error = rejection_rate(single_arm(variance=variance), N_SIM)
    assert abs(p - published) < 3 * error + 0.0005, (p, published)  # printed to 3 or 4 digits


# null exponential 5.5 against strata of 2.9 (refractory) and 8.0 months, nobody helped
MIXTURES = [
    ("null", 0.437, 0.026),
    ("null", 0.347, 0.084),
    ("null", 0.267, 0.183),
    ("mean", 0.437, 0.034),
    ("mean", 0.347, 0.103),
    ("mean", 0.267, 0.215),
]


def mixture(variance, share, null=5.5):
    return single_arm(null=null, shares=(share, 1 - share), medians=(2.9, 8.0), variance=variance)


# 12 months of accrual and 12 of follow-up end at month 24; the shipped design counts from the last entry, a fifth of a month sooner
END = 24.0


@pytest.mark.parametrize(("variance", "share", "published"), MIXTURES)
def test_a_milder_mix_passes_for_an_effect(variance, share, published):
    p, error = rejection_rate_at(mixture(variance, share), END, 50_000)
    assert abs(p - published) < 3 * error + 0.003, (p, published)
    own, _ = rejection_rate(mixture(variance, share), 50_000)
    assert abs(own - p) < 0.004


@pytest.mark.parametrize(("variance", "published"), [("null", 0.113), ("mean", 0.137)])
def test_the_exponential_through_the_mixtures_own_median_is_no_null(variance, published):
    median = mixture(variance, 0.437).population.curve("pfs").median()
    assert median == pytest.approx(4.96, abs=0.005)
    p, error = rejection_rate_at(mixture(variance, 0.437, null=median), END, 50_000)
    assert abs(p - published) < 3 * error + 0.003, (p, published)


def test_against_its_own_curve_the_mixture_keeps_the_size():
    p, error = rejection_rate(mixture("mean", 0.437, null="population"), N_SIM)
    assert abs(p - 0.0257) < 3 * error + 0.001


@pytest.mark.parametrize(("n", "p0", "alpha"), [(40, 0.3, 0.025), (66, 0.3, 0.025), (25, 0.2, 0.05)])
@pytest.mark.parametrize("excluded", [False, True])
def test_size_of_the_response_rate_test_is_the_exact_one(n, p0, alpha, excluded):
    share = 0.1 if excluded else 0.0
    design = SingleArmORR(n, alpha, not_evaluable="excluded", not_evaluable_share=share)
    trial = Trial(PiecewiseExponential(medians=(2.8,), response_rates=(p0,)), UniformAccrual(rate=4), NoDropout(), NoEffect(), design)
    counts = trial.plan.rule.counts
    tested = np.arange(1, n + 1)
    exact = float(binom.pmf(tested, n, 1 - share) @ binom.sf(np.array(counts)[1:] - 1, tested, p0))
    p, error = rejection_rate(trial, N_SIM)
    assert exact <= alpha
    assert abs(p - exact) < 3 * error


@pytest.mark.parametrize("row", rows("sim_power"), ids=lambda r: r["id"])
def test_simulated_power_of_others(row):
    check_sim_power(row, 25_000)


@pytest.mark.parametrize("row", one_sample_rows(), ids=lambda r: r["id"])
def test_one_sample_logrank_of_others(row):
    check_one_sample(row, 20_000)


def test_a_weighted_test_alone_changes_nothing_else():
    plain, late = (simulate(textbook(0.45, 1.5, statistic=s), 1000, seed=3).rows for s in (LogRank(), LogRank(gamma=1.0)))
    for name in ("month", "events", "enrolled"):
        np.testing.assert_array_equal(plain[name], late[name])
    assert not np.array_equal(plain["z"], late["z"])
