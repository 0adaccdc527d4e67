"""Level: twin. Gauss-Legendre panels against Jennison & Turnbull's own grid; Simpson's rule with r = 64 leaves about 1e-8."""

import math

import numpy as np
import pytest

from sim.boundary.beta_spending import beta_spending_bounds
from sim.boundary.recursive_integration import crossing_probabilities
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming
from tests.boundary import naive_recursive_integration as naive

CASES = {
    "three looks, efficacy only": ((1.0, 2.0, 3.0), (3.71, 2.51, 1.99), (-np.inf,) * 3, 1.2),
    "five looks, both bounds": ((0.2, 0.45, 0.65, 0.85, 1.0), (4.9, 3.1, 2.6, 2.2, 2.0), (-1.3, 0.4, 1.1, 1.7, 2.0), 2.8),
    "looks close together": ((0.5, 0.55, 1.0), (2.5, 2.4, 2.1), (-0.5, 0.0, 2.1), 0.0),
    "a harmful effect": ((0.3, 0.6, 1.0), (3.5, 2.6, 2.0), (-2.0, -1.0, 2.0), -1.5),
}


@pytest.mark.parametrize("name", CASES)
def test_crossing_probabilities(name):
    information, upper, lower, theta = CASES[name]
    above, below = naive.crossing(information, upper, lower, theta)
    found = crossing_probabilities(information, np.array(upper), np.array(lower), theta * math.sqrt(information[-1]))
    assert found.upper == pytest.approx(above, abs=1e-7)
    assert found.lower == pytest.approx(below, abs=1e-7)


@pytest.mark.parametrize("binding", [True, False])
def test_beta_spending_spends_what_it_says(binding):
    t = (0.3, 0.6, 1.0)
    efficacy, futility = LanDeMetsOBrienFleming(), HwangShihDeCani(-2)
    design = beta_spending_bounds(t, 0.025, 0.1, efficacy, futility, binding)
    _, below = naive.crossing(t, design.upper, design.lower, design.drift)
    above, _ = naive.crossing(t, design.upper, design.lower if binding else (-np.inf,) * 3, 0.0)
    assert np.cumsum(below) == pytest.approx(futility.spent(np.array(t), 0.1), abs=1e-7)
    assert np.cumsum(above) == pytest.approx(efficacy.spent(np.array(t), 0.025), abs=1e-7)
