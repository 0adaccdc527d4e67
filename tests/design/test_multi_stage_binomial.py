"""Level: twin and reference. Multi-stage binomial designs by enumerating every path, Fleming's published design, and simulated trials."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sim.accrual import UniformAccrual
from sim.boundary.exact_binomial import rejection_count
from sim.boundary.multi_stage_binomial import MultiStage, exact_spending, fleming, stage_probabilities
from sim.boundary.simon import two_stage
from sim.boundary.spending import HwangShihDeCani, KimDeMets, LanDeMetsOBrienFleming
from sim.design.multi_stage_binomial import MultiStageBinomial
from sim.effect import NoEffect, ResponseRateChange
from sim.engine import simulate
from sim.followup import NoDropout
from sim.oc import Subject, operating_characteristics
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.sizing import size
from sim.trial import Trial
from sim.types import InputError

N_SIM = 30_000


def by_paths(design, p, obey=True):
    """Every combination of responders by stage, followed one at a time."""
    sizes = np.diff((0, *design.n))
    reject, accept = [0.0] * len(design.n), [0.0] * len(design.n)
    for path in itertools.product(*(range(s + 1) for s in sizes)):
        chance, total = math.prod(binom.pmf(x, s, p) for x, s in zip(path, sizes, strict=True)), 0
        for j, x in enumerate(path):
            total += x
            if total >= design.reject[j]:
                reject[j] += chance
                break
            if total <= design.accept[j] and (obey or j == len(path) - 1):
                accept[j] += chance
                break
    return reject, accept


@pytest.mark.parametrize("obey", [True, False])
@pytest.mark.parametrize("p", [0.1, 0.35])
@pytest.mark.parametrize("design", [MultiStage((8, 15), (0, 3), (4, 4)), MultiStage((5, 9, 14), (-1, 1, 3), (5, 5, 4))], ids=str)
def test_probabilities_by_paths(design, p, obey):
    for ours, theirs in zip(stage_probabilities(design, p, obey), by_paths(design, p, obey), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12)


def test_two_stages_with_futility_alone_are_simons():
    s = two_stage(1, 10, 5, 29, 0.1, 0.3)
    design = MultiStage((10, 29), (1, 5), (11, 6))
    for p, error, pet in ((0.1, s.type_i_error, s.pet_p0), (0.3, s.power, s.pet_p1)):
        reject, accept = stage_probabilities(design, p)
        assert (reject.sum(), accept[0]) == pytest.approx((error, pet), abs=1e-12)


def test_flemings_published_design():
    # Fleming 1982: p0 .05, p1 .20, two stages of 20: (0, 4) and (4, 5), level .052, power .92
    design = fleming((20, 40), 0.05, 0.05)
    assert (design.accept, design.reject) == ((0, 4), (4, 5))
    assert stage_probabilities(design, 0.05)[0].sum() == pytest.approx(0.052, abs=5e-4)
    assert stage_probabilities(design, 0.20)[0].sum() == pytest.approx(0.92, abs=5e-3)


SPENDINGS = st.sampled_from([None, KimDeMets(1.0), KimDeMets(3.0), HwangShihDeCani(-4.0), LanDeMetsOBrienFleming()])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(3, 25), min_size=1, max_size=4),
    st.floats(0.05, 0.6),
    st.floats(0.05, 0.3),
    st.floats(0.01, 0.2),
    SPENDINGS,
    SPENDINGS,
    st.booleans(),
)
def test_exact_spending_never_exceeds_what_is_allowed(sizes, p0, gain, alpha, efficacy, futility, binding):
    n = tuple(int(x) for x in np.cumsum(sizes))
    p1, beta, t = p0 + gain, 0.2, np.array(n) / n[-1]
    design = exact_spending(n, p0, alpha, efficacy, p1, beta, futility, binding)
    reject = np.cumsum(stage_probabilities(design, p0, obey_futility=binding)[0])
    allowed = np.zeros(len(n)) if efficacy is None else efficacy.spent(t, alpha)
    allowed[-1] = alpha
    assert (reject <= allowed + 1e-12).all()
    # one responder fewer would be too few at the last stage, unless an earlier one gave up with as many
    looser = MultiStage(n, (*design.accept[:-1], design.reject[-1] - 2), (*design.reject[:-1], design.reject[-1] - 1))
    too_many = stage_probabilities(looser, p0, obey_futility=binding)[0].sum() > alpha - 1e-12
    assert too_many or (binding and looser.reject[-1] <= max(design.accept[:-1], default=-1))
    if len(n) > 1:
        given_up = np.cumsum(stage_probabilities(design, p1)[1])[:-1]
        assert (given_up <= (0 if futility is None else futility.spent(t, beta)[:-1]) + 1e-12).all()


def test_one_stage_is_the_exact_test():
    assert exact_spending((66,), 0.3, 0.025, None).reject == (rejection_count(66, 0.3, 0.025),) == (28,)


def trial(effect=True, **design):
    population = PiecewiseExponential(medians=(2.8,), response_rates=(0.2,))
    change = ResponseRateChange(0.2) if effect else NoEffect()
    return Trial(population, UniformAccrual(rate=5.0), NoDropout(), change, MultiStageBinomial(**{"n": 45, **design}))


EXACT = {"method": "spending", "spending": KimDeMets(2.0), "futility_spending": KimDeMets(1.5)}


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize(
    "design", [{}, {"stages": (0.3, 0.6, 1.0)}, EXACT, {**EXACT, "binding": True}], ids=["fleming", "fleming 3", "nonbinding", "binding"]
)
def test_simulated_against_exact(design, effect):
    made = trial(effect, **design)
    counts, p = made.design.critical_counts(made.population), 0.4 if effect else 0.2
    reject, accept = stage_probabilities(counts, p)
    ignored = stage_probabilities(counts, p, obey_futility=False)[0].sum() if made.plan.nonbinding_futility else reject.sum()
    rejection, suffix = ("power", "") if effect else ("type_i_error", "_no_effect")
    found = operating_characteristics(
        Subject("s", "c", "ORR", rejection), simulate(made, N_SIM, seed=21), made.plan.cut.looks, made.plan.nonbinding_futility
    )
    table = {(r["metric"], r["look"]): r["estimate"] for r in found}
    expected = {rejection: reject.sum() if effect else ignored, f"early_futility{suffix}": accept[:-1].sum()}
    if not effect and made.plan.nonbinding_futility:
        expected["type_i_error_obeyed"] = reject.sum()
    if reject[:-1].sum() > 0:
        expected[f"early_efficacy{suffix}"] = reject[:-1].sum()
    for metric, exact in expected.items():
        assert abs(table[metric, 0] - exact) < 4 * math.sqrt(exact * (1 - exact) / N_SIM) + 1e-9, metric
    n, ends = np.array(counts.n), reject + accept
    mean = float(ends @ n)
    spread = math.sqrt(float(ends @ (n - mean) ** 2) / N_SIM)
    assert abs(table[f"expected_n{suffix}", 0] - mean) < 4 * spread


def test_accrual_halts_between_all_stages():
    plan = trial(stages=(0.3, 0.6, 1.0), assessment=2.5).plan
    assert plan.pauses == ((14, 2.5), (27, 2.5))
    assert trial(pause=False).plan.pauses == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"stages": (0.5, 0.9)},
        {"n": 1},
        {"method": "pocock"},
        {"spending": KimDeMets(2.0)},
        {"binding": True},
        {"alternative_rate": 0.1},
        {"power": 1.0},
    ],
)
def test_refuses(wrong):
    with pytest.raises(InputError, match="allowed"):
        trial(**wrong)


@pytest.mark.parametrize("design", [{}, EXACT], ids=["fleming", "spending"])
def test_sizing_is_exact(design):
    answer = size(trial(**design), 0.8, None, 1)

    def power(n):
        made = trial(**{**design, "n": n})
        return stage_probabilities(made.design.critical_counts(made.population), 0.4)[0].sum()

    powers = {n: power(n) for n in range(4, 2 * answer.n)}
    assert answer.exact
    assert answer.n_first == min(n for n, p in powers.items() if p >= 0.8)
    assert answer.n == 1 + max(n for n, p in powers.items() if p < 0.8)
    for point in answer.curve:
        if point.n in powers:
            assert point.power.value == pytest.approx(powers[point.n], abs=1e-12)
    with pytest.raises(InputError, match="n_max"):
        size(trial(**design), 0.8, None, 1, n_max=answer.n - 1)
    with pytest.raises(InputError, match="raises it"):
        size(trial(effect=False, **design), 0.8, None, 1)
