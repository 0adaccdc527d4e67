"""Level: independent. Weighted log-rank power with both informations against scipy's adaptive quadrature, from the formulas of Yung & Liu."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from sim.statistic.analytic import weighted_logrank
from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.statistic.analytic.weights import EarlyZero, FlemingHarrington, ModestlyWeighted
from sim.types import InputError

plans = st.builds(
    lambda control, early, late, change, months, ratio, lost: TwoArmPlan(
        PiecewiseRate((0.0, 2.0), (8.0, 12.0)),
        months,
        PiecewiseRate((0.0,), (control,)),
        PiecewiseRate((0.0, change), (control * early, control * late)),
        ratio,
        lost,
        2 * lost,
    ),
    st.floats(0.05, 0.4),
    st.floats(0.5, 1.4),
    st.floats(0.3, 1.0),
    st.floats(0.5, 4.0),
    st.floats(8.0, 20.0),
    st.floats(0.4, 2.5),
    st.floats(0.0, 0.03),
)
WEIGHTS = {
    "log-rank": (FlemingHarrington(), lambda t, s, at_star: 1.0),
    "FH(0,1)": (FlemingHarrington(0, 1), lambda t, s, at_star: 1 - s),
    "FH(1,1)": (FlemingHarrington(1, 1), lambda t, s, at_star: s * (1 - s)),
    "modest": (ModestlyWeighted(2.5), lambda t, s, at_star: 1 / max(s, at_star)),
    "modest, to s*": (ModestlyWeighted(s_star=0.6), lambda t, s, at_star: 1 / max(s, 0.6)),
    "from 1 month": (EarlyZero(1.0), lambda t, s, at_star: float(t >= 1.0)),
}


def plain_power(plan, calendar, alpha, weigh):
    """The formulas by hand, one time at a time."""
    share = plan.ratio / (1 + plan.ratio)
    change = plan.experimental.breaks[1]
    control, (early, late) = plan.control.rates[0], plan.experimental.rates

    def curves(t):
        s0, s1 = math.exp(-control * t), math.exp(-early * min(t, change) - late * max(t - change, 0))
        return s0, s1, early if t < change else late

    def pooled(t):
        s0, s1, _ = curves(t)
        return (1 - share) * s0 + share * s1

    def weight(t, curve):
        return weigh(t, curve(t), curve(2.5))

    def enrolled(t):
        x = max(min(calendar - t, plan.accrual_duration), 0.0)
        return 8 * min(x, 2) + 12 * max(x - 2, 0)

    def mean_hazard(t):
        # both arms have it where there is no effect
        return (1 - share) * control + share * curves(t)[2]

    def mean_curve(t):
        return math.exp(-(mean_hazard(0) * min(t, change) + mean_hazard(change) * max(t - change, 0)))

    def at(t, null):
        s0, s1, h1 = curves(t)
        h0 = control
        if null:
            s0 = s1 = mean_curve(t)
            h0 = h1 = mean_hazard(t)
        n0 = enrolled(t) * (1 - share) * s0 * math.exp(-plan.dropout_control * t)
        n1 = enrolled(t) * share * s1 * math.exp(-plan.dropout_experimental * t)
        return n0, n1, h0, h1

    def score(t):
        n0, n1, h0, h1 = at(t, False)
        return weight(t, pooled) * n0 * n1 / (n0 + n1) * (h0 - h1) if n0 + n1 > 0 else 0.0

    def variance(t, null):
        n0, n1, h0, h1 = at(t, null)
        w = weight(t, mean_curve if null else pooled)
        return w**2 * n0 * n1 / (n0 + n1) ** 2 * (n0 * h0 + n1 * h1) if n0 + n1 > 0 else 0.0

    # quad is told nothing of kinks but those of the plan: it finds the weight's own by bisection
    points = sorted(x for x in (change, 1.0, 2.5, calendar - 2, calendar - plan.accrual_duration) if 0 < x < calendar)

    def integral(f):
        edges = [0.0, *points, calendar]
        return sum(quad(f, a, b, epsabs=1e-11, epsrel=1e-11, limit=300)[0] for a, b in pairwise(edges))

    u, v, v0 = integral(score), integral(lambda t: variance(t, False)), integral(lambda t: variance(t, True))
    z = norm.ppf(alpha)
    return norm.cdf(u / math.sqrt(v) + z), norm.cdf(u / math.sqrt(v) + z * math.sqrt(v / v0))


@pytest.mark.parametrize("name", WEIGHTS)
@settings(max_examples=6, deadline=None)
@given(plan=plans, calendar=st.floats(10.0, 30.0), alpha=st.sampled_from([0.01, 0.025, 0.05]))
def test_power(name, plan, calendar, alpha):
    weight, weigh = WEIGHTS[name]
    expected = plain_power(plan, calendar, alpha, weigh)
    found = [weighted_logrank.power(plan, calendar, alpha, weight, information) for information in ("alternative", "both")]
    assert found == pytest.approx(expected, abs=1e-7)


def test_bad_input_is_named():
    flat = PiecewiseRate((0.0,), (0.2,))
    plan = TwoArmPlan(flat, 10.0, flat, flat)
    for call in (
        lambda: weighted_logrank.power(plan, 20.0, 0.0),
        lambda: weighted_logrank.power(plan, 20.0, information="null"),
        lambda: EarlyZero(-1.0),
        lambda: ModestlyWeighted(-1.0),
        lambda: ModestlyWeighted(float("nan")),
        lambda: ModestlyWeighted(s_star=1.5),
    ):
        with pytest.raises(InputError, match="allowed"):
            call()
    assert np.isclose(weighted_logrank.power(plan, 20.0, information="both"), 0.025)
