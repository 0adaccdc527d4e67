"""Long verification: thousands of random designs against the plain twin, and larger trials."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.designs import trials
from tests.test_trial_twin import FIRST, SEEDS, same_patients, same_rows

pytestmark = pytest.mark.verify

MANY = settings(max_examples=5_000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LARGE = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@MANY
@given(trials(), SEEDS, FIRST)
def test_random_designs(trial, seed, first):
    same_patients(trial, seed, first)
    same_rows(trial, seed, first, 3)


@LARGE
@given(trials(n_max=200), SEEDS, st.integers(0, 10**6))
def test_larger_trials(trial, seed, first):
    same_patients(trial, seed, first)
    same_rows(trial, seed, first, 2)
