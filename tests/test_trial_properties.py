"""Level: properties. Addressed randomness: what was drawn never depends on blocks, tiles, looks, dropout or the number of patients."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim.trial
from sim.accrual import PiecewiseAccrual, UniformAccrual
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_orr import SingleArmORR
from sim.effect import NoEffect, PatientHazardRatio, ResponseRateChange
from sim.followup import ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.statistic.logrank import LogRank
from sim.trial import Trial, enrol, run_block
from tests.designs import LOST, single_arm, textbook, textbook_gs

TWO_STRATA = PiecewiseExponential(medians=(2.0, 5.0), shares=(0.4, 0.6), names=("refractory", "other"), response_rates=(0.2, 0.5))
STRATIFIED = Trial(
    TWO_STRATA,
    UniformAccrual(rate=5),
    LOST,
    PatientHazardRatio(0.5, delay=1.0),
    RandomisedSurvival(60, events=(20, 40), spending=textbook_gs().design.spending),
)
RESPONSE = Trial(
    TWO_STRATA,
    UniformAccrual(rate=5),
    NoDropout(),
    ResponseRateChange(0.2),
    SingleArmORR(37, not_evaluable_share=0.1, not_evaluable="excluded"),
)
TRIALS = {
    "randomised": textbook(),
    "three looks": textbook_gs(),
    "late weight": textbook(0.45, 1.5, statistic=LogRank(gamma=1.0)),
    "stratified, delayed": STRATIFIED,
    "one sample": single_arm(shares=(0.437, 0.563), medians=(2.9, 8.0)),
    "response": RESPONSE,
}


def same(a, b):
    assert a.dtype == b.dtype
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS)
class TestSameness:
    def test_any_block(self, trial):
        whole = run_block(trial, 7, 0, 300)
        same(whole, np.concatenate([run_block(trial, 7, first, count) for first, count in ((0, 1), (1, 99), (100, 150), (250, 50))]))

    def test_any_tile(self, trial, monkeypatch):
        whole = run_block(trial, 7, 5, 300)
        for patients in (1, 7 * trial.plan.n + 3, 10**6):
            monkeypatch.setattr(sim.trial, "TILE_PATIENTS", patients)
            same(whole, run_block(trial, 7, 5, 300))

    def test_one_replicate_alone(self, trial):
        block = run_block(trial, 7, 40_000, 2_000)
        same(block[block["replicate"] == 41_322], run_block(trial, 7, 41_322, 1))

    def test_another_seed_is_another_trial(self, trial):
        a, b = (run_block(trial, seed, 0, 200) for seed in (1, 2))
        assert not np.array_equal(a["month"][:200], b["month"][:200])


def drawn(trial, n=None, replicates=20):
    trial = trial if n is None else trial.with_n(n)
    return enrol(trial, Draws(11, 3, replicates, trial.plan.n))


def test_adding_dropout_leaves_event_times():
    lost, kept = drawn(textbook()), drawn(replace(textbook(), dropout=NoDropout()))
    same(lost.entry, kept.entry)
    same(lost.arm, kept.arm)
    assert kept.event.all()
    assert 0.02 < 1 - lost.event.mean() < 0.3
    np.testing.assert_array_equal(lost.time[lost.event == 1], kept.time[lost.event == 1])
    assert (lost.time[lost.event == 0] < kept.time[lost.event == 0]).all()


def test_adding_looks_leaves_the_trial():
    one, three = textbook(), textbook_gs()
    for name in ("entry", "arm", "time", "event"):
        same(getattr(drawn(one), name), getattr(drawn(three), name))
    last = run_block(three, 3, 0, 500)
    last = last[last["look"] == 3]
    alone = run_block(one, 3, 0, 500)[last["replicate"]]
    for name in ("z", "month", "events", "enrolled"):
        np.testing.assert_array_equal(last[name], alone[name])


@pytest.mark.parametrize("accrual", [UniformAccrual(rate=5), UniformAccrual(duration=16), PiecewiseAccrual((3, 4), (1, 6, 10))])
def test_a_smaller_trial_is_the_prefix(accrual):
    trial = replace(STRATIFIED, accrual=accrual)
    small, large = drawn(trial, 100), drawn(trial, 200)
    for name in ("arm", "stratum", "time", "event"):
        np.testing.assert_array_equal(getattr(small, name), getattr(large, name)[:, :100], err_msg=name)
    if getattr(accrual, "duration", None) is None:
        np.testing.assert_array_equal(small.entry, large.entry[:, :100])
    else:
        # the same gaps, rescaled for each n
        ratio = small.entry / large.entry[:, :100]
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-12)
        assert (small.entry < 16).all()


def test_scenarios_that_share_a_population_share_their_patients():
    pfs = drawn(STRATIFIED)
    stronger = drawn(replace(STRATIFIED, effect=PatientHazardRatio(0.3)))
    response = drawn(replace(RESPONSE, effect=NoEffect()), 60)
    same(pfs.stratum, response.stratum)
    same(pfs.entry, response.entry)
    control = pfs.arm == 0
    # a delay splits the sum over the pieces of hazard: the last bit may differ
    np.testing.assert_allclose(pfs.time[control], stronger.time[control], rtol=1e-15)
    np.testing.assert_array_equal(drawn(replace(STRATIFIED, effect=PatientHazardRatio(0.3, delay=1.0))).time[control], pfs.time[control])
    assert (stronger.time >= pfs.time * (1 - 1e-15))[~control].all()
    better = drawn(RESPONSE, 60)
    assert (better.response >= response.response).all()
    assert better.response.sum() > response.response.sum()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.sampled_from([(1, 1), (2, 1), (3, 2)]), st.integers(1, 2), st.booleans(), st.integers(0, 2**40))
def test_permuted_blocks_balance(ratio, blocks, by_stratum, seed):
    size = sum(ratio) * blocks
    design = RandomisedSurvival(60, events=(20,), ratio=ratio, block_size=size, stratified_randomisation=by_stratum)
    o = enrol(replace(STRATIFIED, design=design), Draws(seed, 0, 5, 60))
    for arm, stratum in zip(o.arm, o.stratum, strict=True):
        for group in (0, 1) if by_stratum else (None,):
            arms = arm if group is None else arm[stratum == group]
            whole = len(arms) // size
            assert (arms[: whole * size].reshape(whole, size).sum(axis=1) == size * ratio[0] // sum(ratio)).all()


def test_every_arrangement_is_equally_likely():
    o = drawn(textbook(n=160), replicates=400)
    _, counts = np.unique(o.arm.reshape(-1, 4) @ np.array([8, 4, 2, 1]), return_counts=True)
    assert len(counts) == 6
    expected = 400 * 40 / 6
    # chi-square with 5 degrees of freedom: 25.7 is its 1e-4 quantile
    assert ((counts - expected) ** 2 / expected).sum() < 25.7


@pytest.mark.parametrize("accrual", [UniformAccrual(rate=5), UniformAccrual(duration=16), PiecewiseAccrual((3, 4), (1, 0, 10))])
def test_accrual(accrual):
    entry = enrol(replace(textbook(n=40, events=(20,)), accrual=accrual), Draws(5, 0, 4000, 40)).entry
    assert (np.diff(entry, axis=1) >= 0).all()
    assert entry.min() > 0
    last = entry[:, -1]
    # piecewise rates: the mean of a bent function of the last gap sum; the bend lies far before the 40th arrival
    assert abs(last.mean() - accrual.expected_duration(40)) < 4 * last.std() / np.sqrt(4000)


def test_strata_and_curves_are_those_that_the_population_states():
    trial = replace(STRATIFIED, dropout=NoDropout(), design=RandomisedSurvival(200, events=(100,)))
    o = enrol(trial, Draws(9, 0, 1000, 200))
    n = o.stratum.size
    assert abs(o.stratum.mean() - 0.6) < 4 * np.sqrt(0.24 / n)
    # Kolmogorov-Smirnov: 2.2 / sqrt(n) has probability 1e-4
    for arm, effect in ((0, NoEffect()), (1, trial.effect)):
        times = np.sort(o.time[o.arm == arm])
        survival = TWO_STRATA.curve("pfs", effect).at(times)
        empirical = 1 - np.arange(1, len(times) + 1) / len(times)
        assert np.abs(survival - empirical).max() < 2.2 / np.sqrt(len(times))


def test_dropout_is_exponential_with_its_hazard():
    trial = replace(textbook(n=200, events=(1,)), dropout=ExponentialDropout(hazard=0.2), population=PiecewiseExponential(medians=(1e4,)))
    o = enrol(trial, Draws(9, 0, 500, 200))
    lost = o.time[o.event == 0]
    assert lost.mean() == pytest.approx(5.0, abs=4 * 5 / np.sqrt(lost.size))
    assert ExponentialDropout(monthly_probability=0.02).hazard_per_month == pytest.approx(-np.log(0.98), rel=1e-14)
