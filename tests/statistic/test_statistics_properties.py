"""Level: properties. What holds for every statistic: signs, scales, orders, no look into the future, codes instead of NaN."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from sim.statistic.brookmeyer_crowley import BrookmeyerCrowley
from sim.statistic.cox import Cox
from sim.statistic.exponential_mle import ExponentialMLE
from sim.statistic.logrank import LogRank
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.milestone_single_arm import MilestoneSingleArm
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.response_difference import METHODS, ResponseDifference
from sim.statistic.risk_sets import risk_sets
from sim.statistic.rmst_single_arm import RMSTSingleArm
from sim.statistic.statistic import Code
from tests.statistic.data import from_patients, make, patients, random_trials
from tests.statistic.every import ALL, ESTIMATES_IN_MONTHS, MAXCOMBO, SINGLE_ARM, TWO_ARM, label, stretched

CUT = np.array([6.25])
every = pytest.mark.parametrize("statistic", ALL, ids=label)


def same(a, b):
    """The same result, bit for bit."""
    for field in ("z", "estimate", "enrolled", "events", "tested", "code"):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))


@pytest.mark.parametrize("statistic", TWO_ARM, ids=label)
@settings(max_examples=40, deadline=None)
@given(patients)
def test_swapping_the_arms_flips_z(statistic, trial):
    o = from_patients(trial)
    one, other = statistic.test(o, CUT, 0.025), statistic.test(replace(o, arm=1 - o.arm), CUT, 0.025)
    assert other.z[0] == pytest.approx(-one.z[0], rel=1e-9, abs=1e-9)
    assert other.code[0] == one.code[0]


@settings(max_examples=40, deadline=None)
@given(patients)
def test_swapping_the_arms_flips_the_parts_of_maxcombo(trial):
    o = from_patients(trial)
    for statistic in MAXCOMBO:
        one, other = (statistic.components(risk_sets(x, CUT)) for x in (o, replace(o, arm=1 - o.arm)))
        finite = np.isfinite(one[0])
        assert (finite == np.isfinite(other[0])).all()
        assert other[0][finite] == pytest.approx(-one[0][finite], rel=1e-9, abs=1e-9)
        assert other[1] == pytest.approx(one[1], rel=1e-9, abs=1e-9)


@every
@settings(max_examples=40, deadline=None)
@given(patients, st.sampled_from([0.5, 4.0]))
def test_a_change_of_unit_changes_nothing(statistic, trial, factor):
    # powers of two, so that no time is rounded
    o = from_patients(trial)
    longer = replace(o, entry=o.entry * factor, time=o.time * factor)
    one, other = statistic.test(o, CUT, 0.025), stretched(statistic, factor).test(longer, CUT * factor, 0.025)
    assert other.z == pytest.approx(one.z, rel=1e-12, abs=1e-12)
    assert other.code == one.code
    if isinstance(statistic, ESTIMATES_IN_MONTHS) and getattr(statistic, "measure", "") != "ratio":
        assert other.estimate == pytest.approx(one.estimate * factor, rel=1e-12, nan_ok=True)
    else:
        assert other.estimate == pytest.approx(one.estimate, rel=1e-12, nan_ok=True)


@every
@settings(max_examples=30, deadline=None)
@given(patients, st.randoms(use_true_random=False))
def test_the_order_of_patients_does_not_matter(statistic, trial, random):
    o = from_patients(trial)
    order = list(range(len(trial)))
    random.shuffle(order)
    shuffled = make(*(x[:, order] for x in (o.entry, o.time, o.event, o.arm, o.stratum)), strata=3)
    one, other = statistic.test(o, CUT, 0.025), statistic.test(shuffled, CUT, 0.025)
    if isinstance(statistic, ExponentialMLE):
        # months are added in the order of patients
        assert other.z == pytest.approx(one.z, rel=1e-12)
    else:
        same(one, other)


@every
@settings(max_examples=30, deadline=None)
@given(patients, st.integers(0, 2**32 - 1))
def test_no_look_into_the_future(statistic, trial, seed):
    o = from_patients(trial)
    rng = np.random.default_rng(seed)
    later = o.entry + o.time > CUT[0]
    # whatever happens after the cut, and whoever enters after it
    changed = replace(
        o,
        time=np.where(later, np.maximum(CUT[0] - o.entry, 0) + rng.exponential(3, o.time.shape) + 1e-6, o.time),
        event=np.where(later, rng.integers(0, 2, o.event.shape), o.event).astype(np.uint8),
        arm=np.where(o.entry > CUT[0], 1 - o.arm, o.arm).astype(np.uint8),
    )
    same(statistic.test(o, CUT, 0.025), statistic.test(changed, CUT, 0.025))


@every
def test_a_tile_is_its_trials(statistic):
    o, cut = random_trials(7, 40, 0.6, seed=3)
    whole = statistic.test(o, cut, 0.025)
    for i in range(7):
        one = replace(o, **{f: getattr(o, f)[i : i + 1] for f in ("entry", "time", "event", "arm", "stratum")})
        part = statistic.test(one, cut[i : i + 1], 0.025)
        assert (part.z[0], part.estimate[0], part.code[0]) == (whole.z[i], whole.estimate[i], whole.code[i])


def trial(times, events, arms):
    return make([[0.0] * len(times)], [times], [events], [arms])


EDGES = {
    "nobody has entered": (make([[9.0] * 4], [[1.0] * 4], [[1] * 4], [[0, 1, 0, 1]]), Code.NO_EVENTS, Code.NO_EVENTS),
    # two arms without an event say nothing of each other; against a null curve no event is evidence
    "nobody has an event": (trial([7.0] * 4, [0] * 4, [0, 1, 0, 1]), Code.NO_EVENTS, Code.OK),
    "only censored": (trial([1.0, 4.0, 5.0, 6.0], [0] * 4, [0, 1, 0, 1]), Code.NO_EVENTS, Code.OK),
    "one arm is empty": (trial([1.0, 2.0, 5.0, 6.0], [1, 1, 1, 0], [1] * 4), Code.EMPTY_ARM, Code.OK),
    "one arm is watched too short": (trial([1.0, 2.0, 0.5, 0.5, 4.0], [1, 1, 0, 0, 0], [1, 1, 0, 0, 1]), Code.EMPTY_ARM, Code.OK),
}


@every
@pytest.mark.parametrize("edge", EDGES)
def test_untestable_trials_are_coded(statistic, edge):
    o, two_arm, single_arm = EDGES[edge]
    found = statistic.test(o, CUT, 0.025)
    assert found.code[0] == (single_arm if statistic in SINGLE_ARM else two_arm)
    if found.code[0] != Code.OK:
        assert found.z[0] == 0
    elif found.events[0] == 0:
        assert found.z[0] > 0


@pytest.mark.parametrize("statistic", SINGLE_ARM, ids=label)
def test_no_event_and_a_horizon_beyond_follow_up(statistic):
    found = statistic.test(trial([1.0, 1.5, 2.0, 2.5], [0] * 4, [1] * 4), CUT, 0.025)
    # the exponential model knows what to expect of any follow-up
    assert found.code[0] == (Code.OK if isinstance(statistic, ExponentialMLE) else Code.NO_EVENTS)


@every
@settings(max_examples=60, deadline=None)
@given(patients, st.integers(0, 18))
def test_z_is_always_a_number(statistic, trial, cut):
    found = statistic.test(from_patients(trial), np.array([cut / 2]), 0.025)
    assert np.isfinite(found.z[0])
    assert found.code[0] in (Code.OK, Code.NO_EVENTS, Code.EMPTY_ARM)
    assert found.code[0] == Code.OK or found.z[0] == 0


@pytest.mark.parametrize("statistic", [s for s in ALL if not getattr(s, "stratified", False)], ids=label)
def test_everybody_at_one_time(statistic):
    found = statistic.test(trial([2.0] * 6, [1] * 6, [0, 1] * 3), CUT, 0.025)
    assert np.isfinite(found.z[0])
    if statistic in SINGLE_ARM:
        # nobody lives for two months: no better than any of the nulls
        assert found.code[0] == Code.OK
        assert found.z[0] <= 0
    else:
        assert found.z[0] == 0


@pytest.mark.parametrize("statistic", TWO_ARM + MAXCOMBO, ids=label)
def test_size_under_the_null(statistic):
    # asymptotic tests at nominal 0.025 keep their small-sample size: 0.0226 to 0.0283 among 40,000 trials of 120 events.
    # Here 3 Monte Carlo errors (0.0014) are added at either side.
    o, cut = random_trials(12_000, 160, seed=11)
    rate = (statistic.test(o, cut, 0.025).z >= norm.isf(0.025)).mean()
    assert 0.0184 < rate < 0.0325


RATE = np.log(2) / 2.8
AT_THE_NULL = [
    MilestoneSingleArm(3.0, float(np.exp(-3 * RATE)), "arcsine"),
    MilestoneSingleArm(3.0, float(np.exp(-3 * RATE)), "plain"),
    RMSTSingleArm(3.0, float((1 - np.exp(-3 * RATE)) / RATE)),
    ExponentialMLE(2.8),
    BrookmeyerCrowley(2.8, "plain"),
    BrookmeyerCrowley(2.8, "loglog"),
]


@pytest.mark.parametrize("statistic", AT_THE_NULL, ids=label)
def test_size_of_single_arm_tests(statistic):
    # 0.0194 to 0.0294 among 40,000 trials of 200 patients, most of them without censoring before the horizon, so that a
    # milestone test moves in steps; 3 Monte Carlo errors (0.0014) are added at either side
    o, cut = random_trials(12_000, 200, events=0.9, seed=16)
    rate = (statistic.test(o, cut, 0.025).z >= norm.isf(0.025)).mean()
    assert 0.0152 < rate < 0.0336


def test_favourable_is_positive():
    o, cut = random_trials(400, 160, hr=0.5, seed=12)
    for statistic in TWO_ARM + MAXCOMBO:
        assert (statistic.test(o, cut, 0.025).z > 0).mean() > 0.9, statistic.label
    longer, cut = random_trials(400, 60, median=5.0, events=0.9, seed=13)
    for statistic in SINGLE_ARM:
        assert (statistic.test(longer, cut, 0.025).z > 0).mean() > 0.9, statistic.label


@settings(max_examples=60, deadline=None)
@given(patients)
def test_the_exact_score_test_is_the_logrank_test(trial):
    o = from_patients(trial)
    for stratified in (False, True):
        score, logrank = Cox(stratified, "exact", "score").test(o, CUT, 0.025), LogRank(stratified).test(o, CUT, 0.025)
        # events of one arm only have a score, but no estimate
        if score.code[0] == Code.OK:
            assert score.z[0] == pytest.approx(logrank.z[0], rel=1e-9, abs=1e-9)


def test_many_ties_do_not_overflow():
    rng = np.random.default_rng(15)
    o = make([np.zeros(4000)], [rng.integers(1, 3, 4000)], [np.ones(4000)], [rng.integers(0, 2, 4000)])
    wald, score = Cox(ties="exact").test(o, CUT, 0.025), Cox(form="score", ties="exact").test(o, CUT, 0.025)
    assert wald.code[0] == Code.OK
    assert wald.z[0] == pytest.approx(score.z[0], abs=0.01)


def test_late_weights_win_back_a_late_effect():
    o, cut = random_trials(3000, 160, seed=14)
    # no effect for 1.5 months, hazard ratio 0.45 after
    late = np.where((o.arm == 1) & (o.time > 1.5), 1.5 + (o.time - 1.5) / 0.45, o.time)
    o = replace(o, time=late)
    cut = np.ascontiguousarray(np.sort(o.entry + o.time, axis=1)[:, 119])
    power = {s.label: (s.test(o, cut, 0.025).z >= norm.isf(0.025)).mean() for s in (TWO_ARM[0], ModestlyWeighted(2.0), MaxCombo())}
    logrank, modest, combo = power.values()
    # definitions 25 gives 0.699 for the log-rank test, with 2 % lost a month
    assert logrank + 0.05 < modest
    assert logrank + 0.08 < combo


counts = st.tuples(st.integers(0, 40), st.integers(0, 40)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@settings(max_examples=60, deadline=None)
@given(counts, st.sampled_from([m for m in METHODS if m != "fisher"]), st.sampled_from([0.0, -0.1, 0.2]))
def test_response_difference_flips_with_arms_and_with_outcome(table, method, margin):
    x1, n1, x0, n0 = table
    margin = 0.0 if method == "chi_square" else margin

    def z(a, n, b, k, delta):
        return ResponseDifference(method, delta).compare(*(np.array([v]) for v in (a, n, b, k)))

    one, arms, outcome = z(*table, margin), z(x0, n0, x1, n1, -margin), z(n1 - x1, n1, n0 - x0, n0, -margin)
    assert arms[0] == pytest.approx(-one[0], rel=1e-7, abs=1e-7)
    assert outcome[0] == pytest.approx(-one[0], rel=1e-7, abs=1e-7)
    assert one[2] == arms[2] == outcome[2]
    assert np.isfinite(one[0][0])
    assert (one[2][0] == Code.EMPTY_ARM) == (min(n1, n0) == 0)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_fisher_rises_with_the_table(table):
    x1, n1, x0, n0 = table
    z, _, code = ResponseDifference("fisher").compare(*(np.array([v]) for v in table))
    assert np.isfinite(z[0])
    if code[0] == Code.OK and x1 < n1 and x0 > 0:
        better = ResponseDifference("fisher").compare(*(np.array([v]) for v in (x1 + 1, n1, x0 - 1, n0)))[0]
        # a p-value within 1e-16 of 1 is reported as -8.2
        assert better[0] > z[0] or better[0] == z[0] < -8


def test_responses_of_observations():
    o = make([[0.0] * 6], [[1.0] * 6], [[0] * 6], [[1, 1, 1, 0, 0, 0]], response=[[1, 1, 0, 1, 0, 0]])
    found = ResponseDifference().test(o, np.array([1.0]), 0.025)
    assert (found.estimate[0], found.events[0], found.tested[0], found.enrolled[0]) == (pytest.approx(1 / 3), 3, 6, 6)
    excluded = replace(o, evaluable=np.array([[1, 1, 0, 1, 1, 1]], dtype=np.uint8))
    found = ResponseDifference().test(excluded, np.array([1.0]), 0.025)
    assert (found.estimate[0], found.events[0], found.tested[0]) == (pytest.approx(2 / 3), 3, 5)
