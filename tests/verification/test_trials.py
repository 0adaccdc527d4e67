"""Long verification of whole trials: published powers and sizes with the stated numbers of replicates (definitions 24, 25 and 36)."""

import numpy as np
import pytest

from tests.designs import single_arm, textbook
from tests.published import agrees, check_one_sample, check_sim_power, one_sample_rows, rejection_rate, rejection_rate_at
from tests.reference.read import rows
from tests.test_trial_reference import END, MIXTURES, ONE_SAMPLE_SIZES, TEXTBOOK, mixture, shipped

pytestmark = pytest.mark.verify


@pytest.mark.parametrize(("scenario", "cell", "power", "tolerance"), TEXTBOOK)
def test_textbook(scenario, cell, power, tolerance):
    # definitions 25: 200,000 replicates, within the stated tolerance, no Monte Carlo error added
    p, _ = rejection_rate(shipped(scenario, cell), 200_000)
    assert abs(p - power) <= tolerance, (p, power)


def test_textbook_600():
    p, error = rejection_rate(shipped("textbook_rct_600", ""), 200_000)
    assert p - 3 * error > 0.998


@pytest.mark.parametrize(("trial", "size"), [(textbook(1), 0.0258), (textbook(1, n=30, events=(20,)), 0.0289)], ids=["120", "20"])
def test_size_of_the_logrank_test(trial, size):
    p, error = rejection_rate(trial, 400_000)
    assert abs(p - size) <= 3 * error + 0.00005, (p, size)  # the size is printed to 4 digits


@pytest.mark.parametrize(("variance", "size"), ONE_SAMPLE_SIZES.items())
def test_size_of_the_one_sample_logrank_test(variance, size):
    # printed to 3 or 4 digits
    ok, numbers = agrees(single_arm(variance=variance), size, 0.0005 if variance == "observed" else 0.00005, 400_000)
    assert ok, numbers


@pytest.mark.parametrize(("variance", "share", "rate"), MIXTURES)
def test_a_milder_mix_passes_for_an_effect(variance, share, rate):
    p, _ = rejection_rate_at(mixture(variance, share), END, 400_000)
    assert abs(p - rate) <= 0.003, (p, rate)


@pytest.mark.parametrize("row", rows("sim_power"), ids=lambda r: r["id"])
def test_simulated_power_of_others(row):
    check_sim_power(row, 200_000)


@pytest.mark.parametrize("row", one_sample_rows(), ids=lambda r: r["id"])
def test_one_sample_logrank_of_others(row):
    check_one_sample(row, 200_000)


def test_type_i_error_of_the_group_sequential_trial():
    trial = shipped("textbook_rct_gs", "").under_null
    p, error = rejection_rate(trial, 400_000)
    # asymptotic boundaries: the size of each look's log-rank test is a little above its nominal one, as with one look
    assert 0.025 - 3 * error < p < 0.027
    assert np.isfinite(p)
