"""Level: independent. Moments against scipy's adaptive quadrature; Weibull curves, whose hazard is not piecewise constant."""

import numpy as np
import pytest
from scipy.integrate import quad

from sim.curve import Curve
from sim.statistic.analytic.one_sample_logrank import moments


def test_moments_of_weibull_curves():
    shape0, scale0, shape1, scale1, accrual, followup, dropout = 0.8, 4.0, 1.3, 7.0, 10.0, 4.0, 0.02
    step = 0.005
    t = np.arange(round(40 / step) + 1) * step
    m = moments(Curve(step, np.exp(-((t / scale0) ** shape0))), Curve(step, np.exp(-((t / scale1) ** shape1))), accrual, followup, dropout)

    def seen(u):
        return min(1.0, (accrual + followup - u) / accrual) * np.exp(-dropout * u - (u / scale1) ** shape1)

    def hazard(u, shape, scale):
        return shape / scale * (u / scale) ** (shape - 1)

    def integral(f):
        return sum(quad(f, a, b, epsabs=1e-12)[0] for a, b in [(0, 1e-4), (1e-4, followup), (followup, accrual + followup)])

    d = integral(lambda u: seen(u) * hazard(u, shape1, scale1))
    e = integral(lambda u: seen(u) * hazard(u, shape0, scale0))
    ee = integral(lambda u: 2 * seen(u) * (u / scale0) ** shape0 * hazard(u, shape0, scale0))
    de = integral(lambda u: seen(u) * (u / scale0) ** shape0 * hazard(u, shape1, scale1))
    # a grid of 0.005 months replaces the hazard by its mean over each step: relative error about step squared
    found = (m.events, m.expected, m.variance_events, m.variance_expected, m.covariance)
    assert found == pytest.approx((d, e, d * (1 - d), ee - e * e, de - d * e), rel=2e-5)
