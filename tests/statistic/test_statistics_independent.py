"""Level: independent. lifelines, scipy and statsmodels on the same data."""

import numpy as np
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import restricted_mean_survival_time
from scipy.optimize import minimize_scalar
from scipy.stats import chi2_contingency, fisher_exact, norm
from statsmodels.stats.proportion import test_proportions_2indep as proportions

from sim.kernels.normal import fill_upper_quantile, fill_upper_tail
from sim.kernels.transforms import ARCSINE, transform
from sim.statistic.cox import Cox
from sim.statistic.kaplan_meier import kaplan_meier, single_sample
from sim.statistic.response_difference import ResponseDifference
from tests.statistic.data import observations, tables

TWO_ARMS = ["ds01", "ds06", "ds12", "ds17", "ds22", "ds24"]


def frame(dataset):
    d = tables()[0]
    return d[d["dataset"] == dataset][["time", "event", "arm", "stratum"]]


@pytest.mark.parametrize("dataset", TWO_ARMS)
def test_cox_against_lifelines(dataset):
    d = frame(dataset)
    fit = CoxPHFitter().fit(d[["time", "event", "arm"]], "time", "event")
    found = Cox().test(*observations(dataset), 0.025)
    # lifelines stops when the Newton decrement is below 1e-7
    assert np.log(found.estimate[0]) == pytest.approx(fit.params_["arm"], abs=1e-5)
    assert found.z[0] == pytest.approx(-fit.summary["z"]["arm"], abs=1e-4)


@pytest.mark.parametrize("dataset", TWO_ARMS)
def test_stratified_cox_against_lifelines(dataset):
    fit = CoxPHFitter().fit(frame(dataset), "time", "event", strata=["stratum"])
    found = Cox(stratified=True).test(*observations(dataset), 0.025)
    assert found.z[0] == pytest.approx(-fit.summary["z"]["arm"], abs=1e-4)


def test_score_test_without_ties_is_the_logrank_test():
    rng = np.random.default_rng(5)
    time, event, arm = rng.exponential(2, 60), rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    z = Cox(form="score").test(*single_sample(time, event, arm), 0.025).z[0]
    other = logrank_test(time[arm == 1], time[arm == 0], event[arm == 1], event[arm == 0])
    assert z**2 == pytest.approx(other.test_statistic, rel=1e-9)


@pytest.mark.parametrize("dataset", TWO_ARMS)
def test_kaplan_meier_against_lifelines(dataset):
    d = frame(dataset)
    km = kaplan_meier(*observations(dataset), 4.0)
    for arm in (0, 1):
        part = d[d["arm"] == arm]
        fit = KaplanMeierFitter().fit(part["time"], part["event"])
        assert km.survival[0, 0, arm] == pytest.approx(fit.predict(4.0), abs=1e-12)
        assert km.area[0, 0, arm] == pytest.approx(restricted_mean_survival_time(fit, 4.0), abs=1e-9)


TABLES = [(12, 40, 5, 38), (30, 60, 31, 62), (3, 9, 1, 15), (50, 51, 20, 40), (2, 47, 9, 31)]


@pytest.mark.parametrize("table", TABLES)
def test_responses_against_scipy_and_statsmodels(table):
    x1, n1, x0, n0 = table
    arrays = [np.array([x]) for x in table]
    z = ResponseDifference("chi_square").compare(*arrays)[0][0]
    cells = [[x1, n1 - x1], [x0, n0 - x0]]
    assert z**2 == pytest.approx(chi2_contingency(cells, correction=False).statistic, rel=1e-12)
    p = fisher_exact(cells, alternative="greater").pvalue
    assert norm.sf(ResponseDifference("fisher").compare(*arrays)[0][0]) == pytest.approx(p, rel=1e-7)
    # only the margin 0: statsmodels 0.15 has a slip in the cubic's linear coefficient, count0 for nobs0
    for method, correction in (("miettinen_nurminen", True), ("farrington_manning", False)):
        other = proportions(x1, n1, x0, n0, method="score", compare="diff", correction=correction).statistic
        assert ResponseDifference(method).compare(*arrays)[0][0] == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("margin", [-0.1, 0.15])
def test_restricted_likelihood_against_a_minimiser(table, margin):
    x1, n1, x0, n0 = table

    def minus_log_likelihood(p):
        q = p + margin
        return -(x1 * np.log(q) + (n1 - x1) * np.log(1 - q) + x0 * np.log(p) + (n0 - x0) * np.log(1 - p))

    bounds = (max(0, -margin) + 1e-12, min(1, 1 - margin) - 1e-12)
    p = minimize_scalar(minus_log_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    variance = (p + margin) * (1 - p - margin) / n1 + p * (1 - p) / n0
    expected = (x1 / n1 - x0 / n0 - margin) / np.sqrt(variance)
    found = ResponseDifference("farrington_manning", margin).compare(*(np.array([x]) for x in table))[0][0]
    # a minimiser finds a flat minimum to the root of the rounding error
    assert found == pytest.approx(expected, abs=1e-5)


def test_normal_tail_and_quantile():
    x = np.linspace(-9, 36, 20_001)
    out = np.empty_like(x)
    fill_upper_tail(x, out)
    assert np.abs(out - norm.sf(x)).max() < 1e-15
    assert np.abs(out / norm.sf(x) - 1).max() < 1e-8
    p = np.array([1e-12, 1e-3, 0.025, 0.5, 0.9, 1.0])
    z = np.empty_like(p)
    fill_upper_quantile(p, z)
    assert z[:5] == pytest.approx(norm.isf(p[:5]), rel=1e-13, abs=1e-13)
    assert np.isfinite(z[5])


def test_arcsine():
    s = np.linspace(1e-9, 1 - 1e-9, 20_001)
    value, slope = np.empty_like(s), np.empty_like(s)
    transform(s, ARCSINE, value, slope)
    assert value == pytest.approx(np.arcsin(np.sqrt(s)), abs=4e-16)
    assert slope == pytest.approx(0.5 / np.sqrt(s * (1 - s)), rel=1e-12)
