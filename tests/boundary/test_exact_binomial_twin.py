"""Level: twin. The fast design against sums in rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from sim.boundary.exact_binomial import exact_power_curve, rejection_counts
from tests.boundary import naive_exact_binomial as naive


@pytest.mark.parametrize(("p0", "p1", "alpha"), [("1/5", "2/5", "1/40"), ("1/20", "1/4", "1/10"), ("1/2", "3/4", "1/20")])
def test_rejection_counts_and_power(p0, p1, alpha):
    p0, p1, alpha = Fraction(p0), Fraction(p1), Fraction(alpha)
    n = np.arange(1, 41)
    assert rejection_counts(n, float(p0), float(alpha)).tolist() == [naive.rejection_count(int(k), p0, alpha) for k in n]
    exact = [float(naive.power(int(k), p0, p1, alpha)) for k in n]
    assert exact_power_curve(n, float(p0), float(p1), float(alpha)) == pytest.approx(exact, abs=1e-13)
