"""Level: independent. Data sets without an event in one arm, without any, all tied, and of two patients, for every family of tests.

Held against lifelines, scipy and formulas written out here.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from lifelines.statistics import logrank_test
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from sim.curve import Curve
from sim.kernels import cox as cox_kernel
from sim.statistic.binomial import BinomialCount
from sim.statistic.brookmeyer_crowley import BrookmeyerCrowley
from sim.statistic.cox import TESTS, TIES, Cox, cox_fit
from sim.statistic.early_zero import EarlyZero
from sim.statistic.exponential_mle import ExponentialMLE
from sim.statistic.kaplan_meier import TRANSFORMS, single_sample
from sim.statistic.logrank import LogRank
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.milestone_difference import MilestoneDifference
from sim.statistic.milestone_single_arm import MilestoneSingleArm
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.one_sample_logrank import OneSampleLogRank
from sim.statistic.response_difference import METHODS, ResponseDifference
from sim.statistic.risk_sets import risk_sets
from sim.statistic.rmst_difference import RMSTDifference
from sim.statistic.rmst_single_arm import RMSTSingleArm
from sim.statistic.statistic import Code
from tests.statistic.data import make
from tests.statistic.every import MAXCOMBO, TWO_ARM, label

MONTHS = 20.0


def arms(control, experimental, horizon=MONTHS):
    """One data set: each arm's months to the event, or None for a patient without an event who is watched until the horizon."""
    time = [horizon if t is None else t for t in (*control, *experimental)]
    event = [int(t is not None) for t in (*control, *experimental)]
    return single_sample(time, event, [0] * len(control) + [1] * len(experimental))


ALL_AGAINST_NONE = [0.5 + k / 2 for k in range(15)], [None] * 15
TWO_ARMS = {
    "15 of 15 against 0 of 15": ALL_AGAINST_NONE,
    "15 tied against 0 of 15": ([2.0] * 15, [None] * 15),
    "some against none": ([1.0, 2.0, 2.0, 3.0, None, None], [None] * 5),
    "one of one against none of one": ([2.0], [None]),
}


def z_of(statistic, data):
    result = statistic.test(*data, 0.025)
    assert result.code[0] == Code.OK
    return float(result.z[0])


# --- two arms, no event in the experimental one ------------------------------------------------------------------------


@pytest.mark.parametrize("name", TWO_ARMS)
def test_logrank_against_lifelines(name):
    control, experimental = TWO_ARMS[name]
    (o, cut) = arms(control, experimental)
    n0 = len(control)
    other = logrank_test(o.time[0, :n0], o.time[0, n0:], o.event[0, :n0], o.event[0, n0:])
    assert z_of(LogRank(), (o, cut)) == pytest.approx(math.sqrt(other.test_statistic), rel=1e-9)


def test_fifteen_of_fifteen_against_none():
    data = arms(*ALL_AGAINST_NONE)
    u = sum(15 / n for n in range(30, 15, -1))
    v = sum(15 * (n - 15) / n**2 for n in range(30, 15, -1))
    assert z_of(LogRank(), data) == pytest.approx(u / math.sqrt(v), rel=1e-12)
    assert z_of(LogRank(), data) == pytest.approx(5.84, abs=0.005)
    # without ties each of Cox's forms is the log-rank test, or the likelihood's limit
    gain = sum(math.log(n / (n - 15)) for n in range(30, 15, -1))
    for ties in TIES:
        assert z_of(Cox(ties=ties, form="score"), data) == pytest.approx(u / math.sqrt(v), rel=1e-9)
        assert z_of(Cox(ties=ties, form="wald"), data) == pytest.approx(u / math.sqrt(v), rel=1e-9)
        assert z_of(Cox(ties=ties, form="likelihood_ratio"), data) == pytest.approx(math.sqrt(2 * gain), rel=1e-9)
    # all tied at once: the pooled variance is that of 15 of 30
    tied = arms(*TWO_ARMS["15 tied against 0 of 15"])
    for statistic in (MilestoneDifference(6.0), RMSTDifference(6.0)):
        assert z_of(statistic, tied) == pytest.approx(1 / math.sqrt(0.25 * 2 / 15), rel=1e-12)
    # months up to 6: all of one arm die at 2, so that they differ by 4; pooled mean 4, pooled variance 4
    assert z_of(RMSTDifference(6.0, "ratio"), tied) == pytest.approx(math.log(3) / math.sqrt(4 * 2 / 15 / 4**2), rel=1e-12)


@pytest.mark.parametrize("name", TWO_ARMS)
@pytest.mark.parametrize("ties", TIES)
def test_cox_has_the_limit_of_its_likelihood(name, ties):
    control, experimental = TWO_ARMS[name]
    n1 = len(experimental)

    def log_likelihood(beta):
        total = 0.0
        for t in sorted({t for t in control if t is not None}):
            d = control.count(t)
            n0 = sum(x is None or x >= t for x in control)
            if ties == "exact":
                total -= math.log(sum(math.comb(n1, k) * math.comb(n0, d - k) * math.exp(k * beta) for k in range(d + 1) if d - k <= n0))
            else:
                total -= sum(math.log(n0 + n1 * math.exp(beta) - (k if ties == "efron" else 0)) for k in range(d))
        return total

    best = minimize_scalar(lambda beta: -log_likelihood(beta), bounds=(-40, 5), method="bounded", options={"xatol": 1e-9})
    data = arms(control, experimental)
    gain = log_likelihood(best.x) - log_likelihood(0.0)
    assert z_of(Cox(ties=ties, form="likelihood_ratio"), data) == pytest.approx(math.sqrt(2 * gain), rel=1e-7)
    h = 1e-4
    low, mid, high = (log_likelihood(b) for b in (-h, 0.0, h))
    score = (low - high) / (2 * h) / math.sqrt((2 * mid - low - high) / h**2)
    assert z_of(Cox(ties=ties, form="score"), data) == pytest.approx(score, rel=1e-5)
    assert z_of(Cox(ties=ties, form="wald"), data) == z_of(Cox(ties=ties, form="score"), data)
    assert math.isnan(Cox(ties=ties).test(*data, 0.025).estimate[0])
    assert cox_fit(risk_sets(*data), ties).status[0] == cox_kernel.MONOTONE


def test_the_wald_test_says_what_stands_in_for_it():
    assert "score test where an arm has no event" in Cox(form="wald").label
    assert all("where an arm" not in Cox(form=form).label for form in TESTS if form != "wald")


@pytest.mark.parametrize("statistic", TWO_ARM, ids=label)
@pytest.mark.parametrize("name", TWO_ARMS)
def test_no_event_in_one_arm_favours_it_and_not_the_other(statistic, name):
    control, experimental = TWO_ARMS[name]
    o, cut = arms(control, experimental)
    found, swapped = statistic.test(o, cut, 0.025), statistic.test(replace(o, arm=1 - o.arm), cut, 0.025)
    if len(set(control)) == 1 and (getattr(statistic, "gamma", 0) > 0 or (type(statistic), statistic.stratified) == (RMSTDifference, True)):
        # a late weight gives the first of the event times nothing, and a stratified restricted mean leaves out, as lrstat does, a
        # stratum in which an arm is not watched until the horizon
        assert (found.z[0], found.code[0]) == (0.0, Code.EMPTY_ARM)
        return
    assert found.code[0] == Code.OK
    assert found.z[0] > 0
    assert swapped.z[0] == pytest.approx(-found.z[0], rel=1e-9)


@pytest.mark.parametrize("statistic", MAXCOMBO, ids=label)
def test_maxcombo_has_no_event_in_one_arm(statistic):
    data = arms(*ALL_AGAINST_NONE)
    components, _ = statistic.components(risk_sets(*data))
    for z, (rho, gamma) in zip(components[0], statistic.weights, strict=True):
        assert z == pytest.approx(LogRank(False, rho, gamma).test(*data, 0.025).z[0], rel=1e-9)
    assert z_of(statistic, data) > 4.5


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_milestone_of_one_against_none(transform):
    # 4 of 5 known survive in no arm, all 6 known in the other; who is censored before the milestone tells nothing
    o, cut = single_sample([1.0, 2.0, 3.0, 3.0, 9.0, 9.0, 9.0, 1.0], [1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1])
    p = 3 / 7
    z = z_of(MilestoneDifference(6.0, transform), (o, cut))
    assert z == pytest.approx(1 / math.sqrt(p * (1 - p) * (1 / 4 + 1 / 3)), rel=1e-12)
    # one stratum without a survivor in the control arm, twice: each weighs a half
    twice = single_sample(np.tile(o.time[0], 2), np.tile(o.event[0], 2), np.tile(o.arm[0], 2), [0] * 8 + [1] * 8)
    assert z_of(MilestoneDifference(6.0, transform, True), twice) == pytest.approx(z * math.sqrt(2), rel=1e-12)


# --- nobody has an event, or everybody at once, in both arms -------------------------------------------------------------


@pytest.mark.parametrize("statistic", [*TWO_ARM, *MAXCOMBO], ids=label)
@pytest.mark.parametrize("n", [1, 7])
def test_two_arms_without_an_event_or_all_at_once_say_nothing(statistic, n):
    for data in (arms([None] * n, [None] * n), arms([1.0] * n, [1.0] * n)):
        result = statistic.test(*data, 0.025)
        assert result.z[0] == 0
        assert result.code[0] in (Code.OK, Code.NO_EVENTS, Code.EMPTY_ARM)


def test_two_patients():
    first_dies = arms([2.0], [None])
    # 1 of 2 at risk dies: U = -1/2, V = 1/4
    for statistic in (LogRank(), EarlyZero(1.0), ModestlyWeighted(3.0), Cox(), Cox(form="score")):
        assert z_of(statistic, first_dies) == pytest.approx(1.0, rel=1e-12)
    assert z_of(Cox(form="likelihood_ratio"), first_dies) == pytest.approx(math.sqrt(2 * math.log(2)), rel=1e-12)
    # 1 against 0 with one patient each: pooled 1/2
    assert z_of(MilestoneDifference(3.0), first_dies) == pytest.approx(1 / math.sqrt(0.25 * 2), rel=1e-12)
    assert z_of(RMSTDifference(3.0), first_dies) == pytest.approx(1 / math.sqrt(0.25 * 2), rel=1e-12)
    assert z_of(MaxCombo(((0, 0), (1, 0)), exact_p=True), first_dies) == pytest.approx(1.0, rel=1e-6)


# --- one arm -------------------------------------------------------------------------------------------------------------

NULL = Curve.exponential(4.0)


@pytest.mark.parametrize(("variance", "z"), [("mean", 10.954451150103322), ("null", 7.745966692414834), ("observed", 7.745966692414834)])
def test_sixty_expected_and_none_observed(variance, z):
    months = 60 * 4.0 / math.log(2)
    for n in (2, 60):
        o, cut = single_sample([months / n] * n, [0] * n)
        result = OneSampleLogRank(NULL, variance).test(o, cut, 0.025)
        assert (result.code[0], result.events[0], result.estimate[0]) == (Code.OK, 0, 0.0)
        assert result.z[0] == pytest.approx(z, rel=1e-9)
    assert z == pytest.approx({"mean": 10.95, "null": 7.75, "observed": 7.75}[variance], abs=0.005)


@pytest.mark.parametrize("variance", ["mean", "null", "observed"])
def test_nobody_at_risk_is_no_evidence(variance):
    result = OneSampleLogRank(NULL, variance).test(*single_sample([0.0, 0.0], [0, 0]), 0.025)
    assert (result.z[0], result.code[0]) == (0.0, Code.NO_EVENTS)


@pytest.mark.parametrize("n", [2, 10, 60])
@pytest.mark.parametrize("alive", [True, False])
def test_single_arm_tests_at_one_and_at_zero(n, alive):
    # followed for 9 months without an event, or all dead at 2; two more are lost before any horizon
    time, event = [9.0 if alive else 2.0] * n + [1.0] * 2, [0 if alive else 1] * n + [0] * 2
    data = single_sample(time, event)
    s = 1.0 if alive else 0.0
    for transform in TRANSFORMS:
        found = z_of(MilestoneSingleArm(6.0, 0.3, transform), data)
        assert found == pytest.approx((s - 0.3) / math.sqrt(0.3 * 0.7 / n), rel=1e-12)
        assert z_of(BrookmeyerCrowley(6.0, transform), data) == pytest.approx((s - 0.5) * 2 * math.sqrt(n), rel=1e-12)
    area = 6.0 if alive else 2.0
    assert z_of(RMSTSingleArm(6.0, 4.0), data) == pytest.approx((area - 4) / math.sqrt(4 * 2 / n), rel=1e-12)
    assert z_of(RMSTSingleArm(6.0, 4.0, 3.0), data) == pytest.approx((area - 4) / math.sqrt(3 / n), rel=1e-12)
    months = sum(time)
    expected = math.log(2) / 2.8 * months
    z = math.sqrt(expected) if alive else math.sqrt(n) * math.log(expected / n)
    assert z_of(ExponentialMLE(2.8), data) == pytest.approx(z, rel=1e-9)


def test_no_event_is_as_rare_as_its_z_says():
    # the score test is near the exact tail: nobody of n followed to the milestone has an event with probability S0^n
    z = z_of(MilestoneSingleArm(6.0, 0.5), single_sample([9.0] * 5, [0] * 5))
    assert norm.sf(z) == pytest.approx(0.5**5, abs=0.02)


# --- responses -----------------------------------------------------------------------------------------------------------


def responses(control, experimental, n=15):
    answer = [1] * control + [0] * (n - control) + [1] * experimental + [0] * (n - experimental)
    return make([[0.0] * 2 * n], [[1.0] * 2 * n], [[0] * 2 * n], [[0] * n + [1] * n], response=[answer]), np.array([1.0])


@pytest.mark.parametrize("method", [m for m in METHODS if m != "fisher"])
def test_all_respond_against_none(method):
    correction = math.sqrt(29 / 30) if method == "miettinen_nurminen" else 1.0
    assert z_of(ResponseDifference(method), responses(0, 15)) == pytest.approx(correction / math.sqrt(0.25 * 2 / 15), rel=1e-9)
    for nobody in (0, 15):
        result = ResponseDifference(method).test(*responses(nobody, nobody), 0.025)
        assert (result.z[0], result.code[0]) == (0.0, Code.NO_EVENTS)


def test_fisher_of_all_against_none():
    z = z_of(ResponseDifference("fisher"), responses(0, 15))
    assert norm.sf(z) == pytest.approx(1 / math.comb(30, 15), rel=1e-6)


@pytest.mark.parametrize("month", [0.0, 1.9, 2.0, 3.0, 4.5, 9.0])
@pytest.mark.parametrize("excluded", [False, True])
def test_a_response_counts_once_it_is_known(month, excluded):
    entry, answer, seen = [0.0, 1.0, 2.0, 2.5], [1, 1, 0, 1], [1, 0, 1, 1]
    o = make([entry], [[1.0] * 4], [[0] * 4], [[0, 1, 0, 1]], response=[answer])
    o = replace(o, assessment=2.0, evaluable=np.array([seen], dtype=np.uint8) if excluded else None)
    known = [k for k in range(4) if entry[k] + 2.0 <= month and (seen[k] or not excluded)]
    for statistic in (BinomialCount(0.3), ResponseDifference()):
        found = statistic.test(o, np.array([month]), 0.025)
        assert (found.tested[0], found.events[0]) == (len(known), sum(answer[k] for k in known))
        assert found.enrolled[0] == sum(e <= month for e in entry)
        assert (found.code[0] == Code.NO_EVENTS) >= (not known)
