"""Level: twin. Every statistic against a plain version, on random small trials full of ties, with and without strata."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from sim.kernels import cox as cox_kernel
from sim.statistic.brookmeyer_crowley import BrookmeyerCrowley, quantile_interval
from sim.statistic.cox import Cox, cox_fit
from sim.statistic.early_zero import EarlyZero
from sim.statistic.exponential_mle import ExponentialMLE
from sim.statistic.kaplan_meier import TRANSFORMS, kaplan_meier
from sim.statistic.maxcombo import MaxCombo
from sim.statistic.milestone_difference import MilestoneDifference
from sim.statistic.milestone_single_arm import MilestoneSingleArm
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.response_difference import ResponseDifference
from sim.statistic.risk_sets import risk_sets
from sim.statistic.rmst_difference import RMSTDifference
from sim.statistic.rmst_single_arm import RMSTSingleArm
from sim.statistic.statistic import Code
from tests.statistic import naive_cox, naive_maxcombo, naive_response_difference
from tests.statistic import naive_risk_sets as naive
from tests.statistic.data import from_patients, patients, seen

cuts = st.integers(0, 18).map(lambda x: x / 2 + 0.25)
horizons = st.integers(1, 12).map(lambda x: x / 2)
close = {"rel": 1e-9, "abs": 1e-9}


ALL_AGAINST_NONE = [(0, 2, 1, 0, 0)] * 3 + [(0, 16, 0, 1, 0)] * 4
"""Three die at once in one arm, four live in the other."""


def both(rows):
    """The rows of the control and of the experimental arm."""
    return [[r for r in rows if r[2] == arm] for arm in (0, 1)]


@settings(max_examples=60, deadline=None)
@given(patients, cuts, horizons, st.booleans())
def test_kaplan_meier(trial, cut, horizon, stratified):
    o = from_patients(trial)
    rows = seen(o, cut)
    km = kaplan_meier(o, np.array([cut]), horizon, stratified=stratified)
    for s in range(3 if stratified else 1):
        for arm, part in enumerate(both([r for r in rows if r[3] == s or not stratified])):
            assert km.survival[0, s, arm] == pytest.approx(naive.survival(part, horizon), **close)
            assert km.greenwood[0, s, arm] == pytest.approx(naive.greenwood(part, horizon), **close)
            assert km.area[0, s, arm] == pytest.approx(naive.area(part, 0, horizon), **close)
            assert km.area_variance[0, s, arm] == pytest.approx(naive.area_variance(part, horizon), **close)
            assert km.patients[0, s, arm] == len(part)
            assert km.at_risk[0, s, arm] == sum(t >= horizon for t, *_ in part)
            assert km.known[0, s, arm] == naive.known(part, horizon)


def milestone(parts, transform):
    """(difference, variance) of S at the horizon on a scale; the plain one where a curve is at 0 or 1."""
    g, slope = naive.TRANSFORMS["plain" if any(p.s in (0, 1) for p in parts) else transform]
    variance = sum((slope(p.s) * p.s) ** 2 * p.greenwood for p in parts)
    if variance == 0 and all(p.n for p in parts):
        # all against none: the variance were both arms the pooled curve
        pooled = sum(p.n * p.s for p in parts) / sum(p.n for p in parts)
        variance = pooled * (1 - pooled) * sum(1 / p.n for p in parts)
    return g(parts[1].s) - g(parts[0].s), variance


@settings(max_examples=60, deadline=None)
@given(patients, cuts, horizons, st.sampled_from(sorted(TRANSFORMS)))
@example(ALL_AGAINST_NONE, 10.0, 3.0, "loglog")
@example(ALL_AGAINST_NONE, 10.0, 9.0, "loglog")
def test_milestone_difference(trial, cut, horizon, transform):
    o = from_patients(trial)
    rows = seen(o, cut)
    found = MilestoneDifference(horizon, transform).test(o, np.array([cut]), 0.025)
    parts = [
        SimpleNamespace(s=naive.survival(p, horizon), greenwood=naive.greenwood(p, horizon), n=naive.followed(p, horizon))
        for p in both(rows)
    ]
    difference, variance = milestone(parts, transform)
    compare(found, rows, all(naive.known(p, horizon) for p in both(rows)), difference, variance, parts[1].s - parts[0].s)


@settings(max_examples=60, deadline=None)
@given(patients, cuts, horizons, st.sampled_from(["difference", "ratio"]))
@example(ALL_AGAINST_NONE, 10.0, 3.0, "difference")
@example(ALL_AGAINST_NONE, 10.0, 3.0, "ratio")
@example([(0, 0, 1, 0, 0)] * 3 + [(0, 3, 1, 1, 0), (0, 16, 0, 1, 0)], 10.0, 3.0, "ratio")
def test_rmst_difference(trial, cut, horizon, measure):
    o = from_patients(trial)
    rows = seen(o, cut)
    found = RMSTDifference(horizon, measure).test(o, np.array([cut]), 0.025)
    area = [naive.area(p, 0, horizon) for p in both(rows)]
    variance = sum(
        naive.area_variance(p, horizon) / (a**2 if measure == "ratio" and a else 1) for p, a in zip(both(rows), area, strict=True)
    )
    n = [naive.followed(p, horizon) for p in both(rows)]
    if variance == 0 and all(n):
        pooled = naive.area(rows, 0, horizon)
        variance = naive.area_variance(rows, horizon) * sum(n) ** 2 / (n[0] * n[1]) / (pooled**2 if measure == "ratio" and pooled else 1)
    known = all(naive.known(p, horizon) for p in both(rows))
    if measure == "difference":
        estimate = difference = area[1] - area[0]
    elif min(area) > 0:
        estimate, difference = area[1] / area[0], math.log(area[1] / area[0])
    else:
        known, estimate, difference = False, math.nan, math.nan
    compare(found, rows, known, difference, variance, estimate)


@settings(max_examples=60, deadline=None)
@given(patients, cuts, horizons, st.sampled_from(sorted(TRANSFORMS)))
@example([(0, 16, 0, 0, 0)] * 5, 8.0, 3.0, "log")
@example([(0, 2, 1, 0, 0)] * 5, 8.0, 3.0, "log")
@example([(0, 2, 0, 0, 0)] * 2 + [(0, 16, 0, 0, 0)], 8.0, 3.0, "arcsine")
@example([(0, 2, 0, 0, 0)] * 2, 8.0, 3.0, "plain")
def test_single_arm(trial, cut, horizon, transform):
    o = from_patients(trial)
    rows = seen(o, cut)
    s, g = naive.survival(rows, horizon), naive.greenwood(rows, horizon)
    f, slope = naive.TRANSFORMS[transform]
    inside = 0 < s < 1
    known, n = naive.known(rows, horizon), max(naive.followed(rows, horizon), 1)

    def milestone_against(null):
        # at 0 and at 1 the variance under the null, on the plain scale
        return (f(s) - f(null), (slope(s) * s) ** 2 * g) if inside else (s - null, null * (1 - null) / n)

    compare(MilestoneSingleArm(horizon, 0.3, transform).test(o, np.array([cut]), 0.025), rows, known, *milestone_against(0.3), s)
    found = BrookmeyerCrowley(horizon, transform).test(o, np.array([cut]), 0.025)
    median = quantile_interval(o, np.array([cut]))[0, 0]
    compare(found, rows, known, *milestone_against(0.5), median)
    area, variance = naive.area(rows, 0, horizon), naive.area_variance(rows, horizon)
    for null_variance, largest in ((None, horizon * horizon / 4), (0.25, 0.25)):
        assume(largest <= horizon * horizon / 4)
        found = RMSTSingleArm(horizon, horizon / 2, null_variance).test(o, np.array([cut]), 0.025)
        compare(found, rows, known, area - horizon / 2, variance or largest / n, area)


def compare(found, rows, known, difference, variance, estimate):
    """The test's z, estimate, counts and code from the plain parts."""
    assert (found.enrolled[0], found.events[0]) == (len(rows), sum(r[1] for r in rows))
    if known and variance > 0:
        assert found.code[0] == Code.OK
        assert found.z[0] == pytest.approx(difference / math.sqrt(variance), **close)
        assert found.estimate[0] == pytest.approx(estimate, **close)
        return
    assert found.code[0] == (Code.NO_EVENTS if known or found.events[0] == 0 else Code.EMPTY_ARM)
    assert found.z[0] == 0
    assert math.isnan(found.estimate[0])


@settings(max_examples=60, deadline=None)
@given(patients, cuts, st.sampled_from(["plain", "log", "loglog"]))
def test_median_limits(trial, cut, transform):
    o = from_patients(trial)
    rows = seen(o, cut)
    found = quantile_interval(o, np.array([cut]), 0.5, 0.95, transform, "lrstat")[0]
    g, slope = naive.TRANSFORMS[transform]
    expected = [math.inf] * 3
    for t in naive.event_times(rows):
        s = naive.survival(rows, t)
        half = 1.959963984540054 * slope(s) * s * math.sqrt(naive.greenwood(rows, t)) if 0 < s < 1 else 0.0
        middle = g(s) - g(0.5) if 0 < s < 1 else -math.inf
        for k, value in enumerate((s - 0.5 + 2e-8 if s > 0.5 - 1e-9 else -1.0, middle - half, middle + half)):
            if value <= 0 and expected[k] == math.inf:
                expected[k] = t
    assert found.tolist() == expected


@settings(max_examples=60, deadline=None)
@given(patients, cuts, horizons, st.booleans(), st.booleans())
def test_modestly_weighted(trial, cut, t_star, simtrial, capped):
    o = from_patients(trial)
    rows = seen(o, cut)
    s_star = 0.6 if capped else 0.0
    weight = naive.modest(rows, t_star, s_star, simtrial)
    u, v, information = naive.score(rows, weight)
    found = ModestlyWeighted(t_star, s_star or None, "simtrial" if simtrial else "nphRCT").test(o, np.array([cut]), 0.025)
    scored(found, u, v, math.exp(u / information) if information > 1e-12 else math.nan)


@settings(max_examples=60, deadline=None)
@given(patients, cuts, horizons, st.booleans())
def test_modestly_weighted_by_stratum(trial, cut, t_star, simtrial):
    o = from_patients(trial)
    u = v = raw = information = 0.0
    for part in naive.strata(seen(o, cut)):
        us, vs, info = naive.score(part, naive.modest(part, t_star, 0.0, simtrial))
        _, log_rank, _ = naive.score(part, lambda t: 1.0)
        scale = 1.0 if simtrial or vs <= 1e-12 else math.sqrt(log_rank / vs)
        u, v, raw, information = u + scale * us, v + scale**2 * vs, raw + us, information + info
    found = ModestlyWeighted(t_star, None, "simtrial" if simtrial else "nphRCT", True).test(o, np.array([cut]), 0.025)
    scored(found, u, v, math.exp(raw / information) if information > 1e-12 else math.nan)


@settings(max_examples=60, deadline=None)
@given(patients, cuts, horizons, st.booleans())
def test_early_zero(trial, cut, early, stratified):
    o = from_patients(trial)
    rows = seen(o, cut)
    parts = [naive.score(part, lambda t: float(t >= early)) for part in (naive.strata(rows) if stratified else [rows])]
    u, v, information = (sum(part[k] for part in parts) for k in range(3))
    found = EarlyZero(early, stratified).test(o, np.array([cut]), 0.025)
    scored(found, u, v, math.exp(u / information) if information > 1e-12 else math.nan)
    assert (found.code[0] == Code.NO_EVENTS) == (not any(event and t >= early for t, event, *_ in rows))


def scored(found, u, v, estimate):
    if v > 1e-12:
        assert found.code[0] == Code.OK
        assert found.z[0] == pytest.approx(-u / math.sqrt(v), **close)
        assert found.estimate[0] == pytest.approx(estimate, **close)
    else:
        assert found.code[0] in (Code.NO_EVENTS, Code.EMPTY_ARM)
        assert found.z[0] == 0


WEIGHTS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 2.0))


@settings(max_examples=60, deadline=None)
@given(patients, cuts, st.booleans())
def test_maxcombo_parts(trial, cut, stratified):
    o = from_patients(trial)
    u, v = naive_maxcombo.covariance(seen(o, cut), WEIGHTS, stratified)
    z, correlation = MaxCombo(WEIGHTS, stratified).components(risk_sets(o, np.array([cut]), stratified))
    sd = np.sqrt(np.diag(v))
    for a in range(len(WEIGHTS)):
        if sd[a] < 1e-9:
            assert z[0, a] == -np.inf
            continue
        assert z[0, a] == pytest.approx(-u[a] / sd[a], **close)
        for b in range(len(WEIGHTS)):
            if sd[b] > 1e-9:
                assert correlation[0, a, b] == pytest.approx(v[a, b] / sd[a] / sd[b], **close)


@settings(max_examples=40, deadline=None)
@given(patients, st.booleans(), st.sampled_from(["efron", "breslow", "exact"]))
@example([(0, 2, 1, 0, 0), (0, 4, 1, 0, 0), (0, 4, 1, 1, 0), (0, 4, 1, 1, 0)], False, "exact")
@example([(0, 2, 1, 0, 0), (0, 4, 1, 0, 0), (0, 4, 1, 1, 0), (0, 4, 1, 1, 0)], False, "efron")
@example([(0, 2 + k // 2, 1, 0, 0) for k in range(8)] + [(0, 16, 0, 1, 0)] * 8, False, "exact")
@example([(0, 2 + k // 2, 1, 0, 0) for k in range(8)] + [(0, 16, 0, 1, 0)] * 8, False, "efron")
@example([(0, 2 + k // 2, 1, 1, 0) for k in range(8)] + [(0, 16, 0, 0, 0)] * 8, False, "breslow")
def test_cox(trial, stratified, ties):
    o = from_patients(trial)
    rows = seen(o, 30.0)
    fit = cox_fit(risk_sets(o, np.array([30.0]), stratified), ties)
    information = naive_cox.derivatives(rows, 0.0, ties, stratified)[1] if rows else 0.0
    if fit.status[0] == cox_kernel.NO_INFORMATION:
        assert information == pytest.approx(0, abs=1e-5)
        return
    assert fit.information[0] == pytest.approx(information, rel=1e-4, abs=1e-4)
    best = naive_cox.fit(rows, ties, stratified)
    if fit.status[0] == cox_kernel.MONOTONE:
        # the likelihood rises to the end of any interval
        assert abs(best) > 14
        far = math.copysign(30, best)
        gain = naive_cox.log_likelihood(rows, far, ties, stratified) - naive_cox.log_likelihood(rows, 0.0, ties, stratified)
        assert fit.gain[0] == pytest.approx(gain, abs=1e-8)
        score = naive_cox.derivatives(rows, 0.0, ties, stratified)[0]
        expected = {"score": -score / math.sqrt(information), "likelihood_ratio": -math.copysign(math.sqrt(2 * gain), best)}
        for form, z in (expected | {"wald": expected["score"]}).items():
            result = Cox(stratified, ties, form).test(o, np.array([30.0]), 0.025)
            assert result.code[0] == Code.OK
            assert math.isnan(result.estimate[0])
            assert result.z[0] == pytest.approx(z, rel=1e-5, abs=1e-5)
        return
    assert fit.status[0] == cox_kernel.CONVERGED
    # a general minimiser finds a flat maximum to the root of the rounding error
    assert fit.log_hazard_ratio[0] == pytest.approx(best, abs=2e-5)
    score, at_best = naive_cox.derivatives(rows, float(fit.log_hazard_ratio[0]), ties, stratified)
    assert score == pytest.approx(0, abs=1e-5)
    assert fit.standard_error[0] == pytest.approx(1 / math.sqrt(at_best), rel=1e-4)
    gain = naive_cox.log_likelihood(rows, best, ties, stratified) - naive_cox.log_likelihood(rows, 0.0, ties, stratified)
    assert fit.gain[0] == pytest.approx(gain, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(patients, cuts)
def test_exponential(trial, cut):
    o = from_patients(trial)
    rows = seen(o, cut)
    events, months = sum(r[1] for r in rows), sum(r[0] for r in rows)
    found = ExponentialMLE(2.0).test(o, np.array([cut]), 0.025)
    if months == 0:
        assert found.code[0] == Code.NO_EVENTS
        assert found.z[0] == 0
        return
    assert found.code[0] == Code.OK
    if events == 0:
        assert found.estimate[0] == math.inf
        assert found.z[0] == pytest.approx(math.sqrt(math.log(2) * months / 2.0), **close)
        return
    assert found.estimate[0] == pytest.approx(math.log(2) * months / events)
    assert found.z[0] == pytest.approx(math.sqrt(events) * math.log(math.log(2) * months / events / 2.0), **close)


counts = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@settings(max_examples=60, deadline=None)
@given(counts, st.sampled_from([-0.3, -0.1, 0.05, 0.2]))
@example((0, 5, 0, 7), 0.05)
@example((5, 5, 7, 7), -0.1)
def test_response_margin(table, margin):
    x1, n1, x0, n0 = table
    p0 = naive_response_difference.restricted_rate(*table, margin)
    p1 = p0 + margin
    variance = p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0
    arrays = [np.array([x]) for x in table]
    z = ResponseDifference("farrington_manning", margin).compare(*arrays)[0][0]
    # where roots of the cubic meet, the plain version knows them to the root of the rounding error
    assert z == pytest.approx((x1 / n1 - x0 / n0 - margin) / math.sqrt(variance), rel=1e-6, abs=1e-9)
    larger = ResponseDifference("miettinen_nurminen", margin).compare(*arrays)[0][0]
    assert larger == pytest.approx(z * math.sqrt((n1 + n0 - 1) / (n1 + n0)), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_fisher(table):
    z, _, code = ResponseDifference("fisher").compare(*(np.array([x]) for x in table))
    if code[0] == Code.OK:
        exact = naive_response_difference.fisher(*table)
        # 1e-16 is the smallest distance of a quantile's probability from 1
        assert norm.sf(z[0]) == pytest.approx(min(exact, 1 - 1.1e-16), rel=1e-7, abs=1e-15)
    else:
        assert table[0] + table[2] in (0, table[1] + table[3])
