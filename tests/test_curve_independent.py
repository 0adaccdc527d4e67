"""Level: independent. Curves on a grid, marginal effects and the textbook population's curves against closed forms and samples."""

import math

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from scipy import integrate

from sim.curve import Curve
from sim.effect import NO_EFFECT, PatientHazardRatio
from sim.effect_summary import average_hazard_ratio
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.types import InputError

MIX = PiecewiseExponential(medians=(2.9, 8.0), shares=(0.4, 0.6), names=("refractory", "other"), response_rates=(0.2, 0.4))
PLATEAU = PiecewiseExponential(hazards=((0.3, 0.0, 0.1),), breaks=(0.0, 2.0, 6.0), survival_after_progression_median=4.0)


def mixture(t):
    return 0.4 * 2 ** (-t / 2.9) + 0.6 * 2 ** (-t / 8)


def test_exponential():
    curve = Curve.exponential(2.8)
    for t in (0.0, 0.013, 1.0, 2.8, 30.0, 119.99):
        assert float(curve.at(t)) == pytest.approx(2 ** (-t / 2.8), rel=1e-12)
    assert curve.quantile(0.9) == pytest.approx(2.8 * math.log2(10), rel=1e-12)
    scale = 2.8 / math.log(2)
    # the trapezoid on steps of 0.02 months: relative error (step / scale)^2 / 12
    assert curve.rmst(12.0) == pytest.approx(scale * (1 - 2 ** (-12 / 2.8)), rel=1e-5)
    # beyond the grid the last hazard goes on
    assert float(Curve.exponential(80.0).at(200.0)) == pytest.approx(2 ** (-200 / 80), rel=1e-9)
    assert Curve.exponential(1000.0).median() == math.inf


def test_mixture_between_grid_points():
    curve = MIX.curve("pfs")
    t = np.random.default_rng(1).uniform(0, 60, 2000)
    # a straight cumulative hazard in steps of 0.01 months: error (step^2 / 8) |H''|, and |H''| is below 0.01 here
    np.testing.assert_allclose(-np.log(curve.at(t)), -np.log(mixture(t)), atol=2e-7)
    assert mixture(curve.median()) == pytest.approx(0.5, abs=1e-7)
    assert curve.rmst(10.0) == pytest.approx(integrate.quad(mixture, 0, 10)[0], rel=1e-5)


def test_plateau():
    curve = PLATEAU.curve("pfs")
    for t, h in ((1.0, 0.3), (2.0, 0.6), (5.0, 0.6), (8.0, 0.8)):
        assert float(curve.at(t)) == pytest.approx(math.exp(-h), rel=1e-9)
    half = PLATEAU.curve("pfs", PatientHazardRatio(0.5, delay=1.0))
    for t, h in ((1.0, 0.3), (2.0, 0.45), (5.0, 0.45), (8.0, 0.55)):
        assert float(half.at(t)) == pytest.approx(math.exp(-h), rel=1e-9)


@pytest.mark.parametrize("effect", [NO_EFFECT, PatientHazardRatio(0.5, delay=1.0)])
@pytest.mark.parametrize("endpoint", ["pfs", "os"])
def test_samples_follow_the_stated_curves(effect, endpoint):
    draws = Draws(3, 0, 500, 200)
    stratum = PLATEAU.sample_strata(draws)
    courses = PLATEAU.sample(draws, stratum, np.ones_like(stratum), effect, {"pfs", "os"})
    assert (courses.os >= courses.pfs).all()
    times = np.sort(getattr(courses, endpoint).ravel())
    seen = times < 40
    empirical = np.arange(1, times.size + 1)[seen] / times.size
    # Kolmogorov-Smirnov: 2.2 / sqrt(n) has probability 1e-4
    assert np.abs(1 - PLATEAU.curve(endpoint, effect).at(times[seen]) - empirical).max() < 2.2 / math.sqrt(times.size)


def test_lifelines_draws_the_same_curve():
    draws = Draws(4, 0, 20, 200)
    stratum = MIX.sample_strata(draws)
    time = MIX.sample(draws, stratum, np.zeros_like(stratum), NO_EFFECT, {"pfs"}).pfs.ravel()
    fit = KaplanMeierFitter().fit(np.minimum(time, 24), time <= 24)
    for t in (1.0, 3.0, 6.0, 12.0):
        s = float(mixture(t))
        assert abs(fit.predict(t) - s) < 4 * math.sqrt(s * (1 - s) / time.size)


def test_average_hazard_ratio():
    control, experimental = MIX.curve("pfs"), MIX.curve("pfs", PatientHazardRatio(0.6))

    def s0(t):
        return mixture(t)

    def s1(t):
        return 0.4 * 2 ** (-0.6 * t / 2.9) + 0.6 * 2 ** (-0.6 * t / 8)

    def density(s, t):
        return (s(t - 1e-5) - s(t + 1e-5)) / 2e-5

    top = integrate.quad(lambda t: s0(t) * density(s1, t), 1e-5, 12)[0]
    bottom = integrate.quad(lambda t: s1(t) * density(s0, t), 1e-5, 12)[0]
    assert average_hazard_ratio(control, experimental, 12.0) == pytest.approx(top / bottom, rel=1e-4)
    # patients differ, so the ratio of the whole population is nearer to 1 than each patient's own
    assert 0.6 < average_hazard_ratio(control, experimental, 12.0) < 0.7
    one = PiecewiseExponential(medians=(2.8,))
    control, experimental = one.curve("pfs"), one.curve("pfs", PatientHazardRatio(0.6))
    assert average_hazard_ratio(control, experimental, 12.0) == pytest.approx(0.6, rel=1e-9)
    assert (control.median(), experimental.median()) == pytest.approx((2.8, 2.8 / 0.6), rel=1e-9)


@pytest.mark.parametrize("survival", [[1.0, 1.1], [1.0, 0.5, 0.6], [1.0], [1.0, -0.1], [1.2, 1.0]])
def test_what_is_no_survival_curve_is_refused(survival):
    with pytest.raises(InputError, match="curve"):
        Curve(0.1, np.array(survival))
    with pytest.raises(InputError, match="curve"):
        Curve(0.0, np.array([1.0, 0.5]))
