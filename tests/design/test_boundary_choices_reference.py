"""Level: reference. A design's bounds from its choices: rows of gs_bounds.csv, and the probabilities that each rule promises.

Tolerances: 1e-5 on rows with futility (their root searches stop there), 1e-6 on classical ones; 1e-8 where both sides are ours.
"""

import numpy as np
import pytest
from scipy.stats import norm

from sim.boundary.futility import BetaSpending, ConditionalPower, FixedHazardRatio, FixedZ, PredictivePower
from sim.boundary.group_sequential import planned_boundary
from sim.boundary.monitoring import Monitor
from sim.boundary.recursive_integration import crossing_probabilities
from sim.boundary.shapes import HaybittlePeto, OBrienFleming, Pocock, WangTsiatis
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock
from sim.types import InputError
from tests.boundary.spendings import named
from tests.reference.read import rows, vector

BETA = [r for r in rows("gs_bounds") if r["futility"] != "none"]
CLASSICAL = [r for r in rows("gs_bounds") if r["family"].startswith("classical")]
FRACTIONS, ALPHA, EVENTS = (0.4, 0.75, 1.0), 0.025, 200
OBF = LanDeMetsOBrienFleming()
RULES = [
    FixedZ((0.0,)),
    FixedZ((-0.3, 0.4)),
    FixedHazardRatio(1.1),
    ConditionalPower(0.2),
    ConditionalPower(0.1, hr=0.6),
    PredictivePower(0.15),
    BetaSpending(0.2, HwangShihDeCani(-2.0)),
]


@pytest.mark.parametrize("row", BETA, ids=lambda r: r["id"])
def test_beta_spending(row):
    t = vector(row["information_rates"])
    futility = BetaSpending(float(row["beta"]), named(row["futility_spending"], row["futility_parameter"]))
    efficacy = named(row["spending"], row["parameter"])
    b = planned_boundary(t, float(row["alpha"]), efficacy, futility, binding=row["futility"] == "binding")
    assert b.upper == pytest.approx(vector(row["upper_z"]), abs=1e-5)
    assert b.lower[:-1] == pytest.approx(vector(row["lower_z"])[:-1], abs=1e-5)
    assert b.lower[-1] == -np.inf


@pytest.mark.parametrize("row", CLASSICAL, ids=lambda r: r["id"])
def test_shapes(row):
    shape = {"P": Pocock(), "OF": OBrienFleming()}.get(row["spending"]) or WangTsiatis(float(row["parameter"]))
    bounds = planned_boundary(vector(row["information_rates"]), float(row["alpha"]), shape).upper
    assert bounds == pytest.approx(vector(row["upper_z"]), abs=1e-5 if row["package"] == "lrstat" else 1e-6)


def test_haybittle_peto_keeps_alpha():
    bounds = planned_boundary(FRACTIONS, ALPHA, HaybittlePeto(3.0)).upper
    assert bounds[:-1].tolist() == [3.0, 3.0]
    assert crossing_probabilities(FRACTIONS, bounds).upper.sum() == pytest.approx(ALPHA, abs=1e-9)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.label)
def test_alpha_is_kept_as_the_kind_says(rule):
    ignored = planned_boundary(FRACTIONS, ALPHA, OBF, rule, EVENTS / 4)
    assert crossing_probabilities(FRACTIONS, ignored.upper).upper.sum() == pytest.approx(ALPHA, abs=1e-9)
    np.testing.assert_array_equal(ignored.upper, planned_boundary(FRACTIONS, ALPHA, OBF).upper)
    bound = planned_boundary(FRACTIONS, ALPHA, OBF, rule, EVENTS / 4, binding=True)
    assert crossing_probabilities(FRACTIONS, bound.upper, bound.lower).upper.sum() == pytest.approx(ALPHA, abs=1e-9)
    assert (bound.upper <= ignored.upper + 1e-12).all()
    assert bound.upper[-1] < ignored.upper[-1]


def chance_of_rejecting(z, t, final, drift):
    """P(Z at the end >= final | Z = z at fraction t), by the increment of the score process: no formula of the rule's."""
    score, variance = z * np.sqrt(t), 1 - t
    return norm.sf(final, loc=score + drift * variance, scale=np.sqrt(variance))


@pytest.mark.parametrize("look", [0, 1])
def test_conditional_and_predictive_power_at_the_bound(look):
    t, final = FRACTIONS[look], planned_boundary(FRACTIONS, ALPHA, OBF).upper[-1]

    def bound(rule):
        return planned_boundary(FRACTIONS, ALPHA, OBF, rule, EVENTS / 4).lower[look]

    z = bound(ConditionalPower(0.2))
    assert chance_of_rejecting(z, t, final, z / np.sqrt(t)) == pytest.approx(0.2, abs=1e-9)
    z = bound(ConditionalPower(0.1, hr=0.6))
    assert chance_of_rejecting(z, t, final, -np.log(0.6) * np.sqrt(EVENTS / 4)) == pytest.approx(0.1, abs=1e-9)
    z = bound(PredictivePower(0.15))
    # the drift's posterior under a flat prior: normal about z / sqrt(t) with variance 1 / t
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    drift = z / np.sqrt(t) + nodes / np.sqrt(t)
    assert (chance_of_rejecting(z, t, final, drift) @ weights) / weights.sum() == pytest.approx(0.15, abs=1e-6)


def monitor(rule, binding):
    planned = planned_boundary(FRACTIONS, ALPHA, OBF, rule, EVENTS / 4, binding)
    return planned, Monitor(EVENTS, ALPHA, OBF, rule, binding, planned.drift, float(planned.upper[-1]), 0.25)


@pytest.mark.parametrize("binding", [False, True])
@pytest.mark.parametrize("rule", [None, *RULES], ids=lambda r: r.label if r else "none")
def test_recomputed_at_the_plan_is_the_plan(rule, binding):
    planned, watching = monitor(rule, binding and rule is not None)
    events = tuple(t * EVENTS for t in FRACTIONS)
    found = [watching.bounds(events[: k + 1], last=k == 2) for k in range(3)]
    assert [u for u, _ in found] == pytest.approx(planned.upper, abs=1e-8)
    assert [low for _, low in found] == pytest.approx(planned.lower, abs=1e-8)


@pytest.mark.parametrize("binding", [False, True])
@pytest.mark.parametrize("rule", [None, *RULES], ids=lambda r: r.label if r else "none")
@pytest.mark.parametrize("events", [(80, 150, 200), (61, 170), (95,), (80, 150, 231), (12, 140, 141), (80, 150, 190)], ids=str)
def test_alpha_is_kept_whatever_the_looks_find(rule, binding, events):
    binding = binding and rule is not None
    _, watching = monitor(rule, binding)
    found = [watching.bounds(events[: k + 1], last=k == len(events) - 1) for k in range(len(events))]
    upper, lower = np.array([u for u, _ in found]), np.array([low for _, low in found])
    # also where the rule looks at the planned last bound: what was spent early is what was allowed
    assert crossing_probabilities(events, upper, lower if binding else None).upper.sum() == pytest.approx(ALPHA, abs=1e-9)


def test_a_look_that_finds_nothing_new_takes_the_place_of_the_one_before():
    _, watching = monitor(None, False)
    assert watching.bounds((80, 80), last=False) == watching.bounds((80,), last=False)
    assert watching.bounds((80, 150, 150), last=True) == watching.bounds((80, 150), last=True)
    assert watching.bounds((0, 80), last=False) == watching.bounds((80,), last=False)
    assert watching.bounds((0, 0), last=True) == (np.inf, -np.inf)


@pytest.mark.parametrize(
    ("efficacy", "rule", "binding"),
    [(Pocock(), FixedZ(), True), (Pocock(), BetaSpending(), False), (LanDeMetsPocock(), FixedZ((0.0, 0.0, 0.0)), False)],
)
def test_refuses_what_does_not_go_together(efficacy, rule, binding):
    with pytest.raises(InputError, match="allowed"):
        planned_boundary(FRACTIONS, ALPHA, efficacy, rule, 50.0, binding)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BetaSpending(0.0),
        lambda: FixedZ(()),
        lambda: FixedZ((float("nan"),)),
        lambda: FixedHazardRatio(0.0),
        lambda: ConditionalPower(1.0),
        lambda: ConditionalPower(0.2, hr=-1.0),
        lambda: PredictivePower(0.0),
        lambda: WangTsiatis(11.0),
        lambda: HaybittlePeto(0.0),
    ],
)
def test_refuses_bad_numbers(make):
    with pytest.raises(InputError, match="design"):
        make()
