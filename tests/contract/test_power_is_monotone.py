"""Level: contract. The better the drug, the higher the power: no test loses its evidence where events become rare.

Every YAML of conf/statistic, and every test that a single-arm design can make; a new one is tested by being there. Cox's Wald test
alone is excused: its z falls where the hazard ratio runs away (Hauck & Donner, JASA 1977;72:851).
"""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from sim.design import single_arm_survival
from sim.effect import PatientHazardRatio
from sim.engine import simulate
from sim.oc import rejections
from sim.statistic import cox, kaplan_meier, one_sample_logrank, response_difference, rmst_difference
from tests.contract.building import options, trial
from tests.contract.test_statistic_options import null_rate, of, single_arm
from tests.statistic.data import make

RATIOS = (1.0, 0.7, 0.5, 0.3, 0.1, 0.05, 0.02)
SIZES = (10, 20, 35, 60)
CONTROL = np.log(2) / 2.8
CHOICES = {
    "transform": tuple(kaplan_meier.TRANSFORMS),
    "ties": cox.TIES,
    "form": cox.TESTS,
    "measure": rmst_difference.MEASURES,
    "method": response_difference.METHODS,
    "variance": one_sample_logrank.VARIANCES,
    "stratified": (False, True),
}
"""Settings that change the test, and what each may be."""


def judged(statistic):
    """The statistic itself, or where it is Cox's Wald test its sisters."""
    return (
        [dataclasses.replace(statistic, form=f) for f in cox.TESTS if f != "wald"]
        if getattr(statistic, "form", "") == "wald"
        else [statistic]
    )


def settings(statistic):
    """The statistic with each of its settings changed alone."""
    own = {field.name for field in dataclasses.fields(statistic)}
    changes = [(name, value) for name, values in CHOICES.items() if name in own for value in values]
    return [s for name, value in changes for s in judged(dataclasses.replace(statistic, **{name: value}))]


def months(statistic):
    """Follow-up of the last patient: a year, or as long as the test looks."""
    return max([12.0, *(getattr(statistic, name, 0.0) for name in ("milestone", "horizon"))])


def powers(statistic, n, m, seed=7, level=0.025):
    """The share of m trials that reject, at every hazard ratio, of the very same patients."""
    rng = np.random.default_rng(seed)
    entry = np.sort(rng.uniform(0, 12, (m, n)), axis=1)
    alone = single_arm(statistic)
    rate = null_rate(statistic) if alone else CONTROL
    arm = np.ones((m, n)) if alone else rng.permuted(np.tile([0, 1], (m, n))[:, :n], axis=1)
    time, u = rng.exponential(1 / rate, (m, n)), rng.random((m, n))
    cut = np.ascontiguousarray(entry[:, -1] + months(statistic))
    out = []
    for ratio in RATIOS:
        better = np.where(arm == 1, ratio, 1.0)
        # 3 of 10 respond; the effect divides the others
        o = make(entry, time / better, np.ones((m, n)), arm, rng.integers(0, 2, (m, n)), 2, u > 0.7 * better)
        out.append(float((statistic.test(o, cut, level).z >= norm.isf(level)).mean()))
    return out


def falls(shares, m):
    """The first step down by more than 3 Monte Carlo errors, or None."""
    for (a, b), (p, q) in zip(pairwise(RATIOS), pairwise(shares), strict=True):
        if q < p - 3 * np.sqrt((p * (1 - p) + q * (1 - q)) / m):
            return f"hazard ratio {a:g} to {b:g}: power {p:.4f} to {q:.4f}"
    return None


def name(statistic):
    return f"{type(statistic).__name__}-{statistic.label}".replace(" ", "_")


OF_YAML = [s for option in options("statistic") for s in judged(of(option))]


@pytest.mark.parametrize("statistic", OF_YAML, ids=name)
@pytest.mark.parametrize("n", [10, 30])
def test_power_rises_with_the_effect(statistic, n):
    shares = powers(statistic, n, 400)
    assert falls(shares, 400) is None, shares
    assert shares[-1] > 0.5 > shares[0]


@pytest.mark.verify
@pytest.mark.parametrize("statistic", [s for option in options("statistic") for s in settings(of(option)) or judged(of(option))], ids=name)
@pytest.mark.parametrize("n", SIZES)
def test_power_rises_with_the_effect_in_every_setting(statistic, n):
    shares = powers(statistic, n, 10_000)
    assert falls(shares, 10_000) is None, shares


def choices(made):
    """A design with each test that it can make by itself; where the test is an object of its own, the design alone.

    Kaplan-Meier tests look at a year: of ten patients alive at six months without any effect nobody dies in a quarter of
    trials, so that no death is then no evidence at this level, whatever a single late death seems to say.
    """
    design = made.design
    out = []
    if hasattr(design, "test"):
        out += [dataclasses.replace(design, test=test, horizon=12.0) for test in single_arm_survival.TESTS]
    if hasattr(design, "variance"):
        out += [dataclasses.replace(design, variance=variance) for variance in one_sample_logrank.VARIANCES]
    return [dataclasses.replace(made, design=d) for d in out] or [made]


def power_of(made, n, ratio, m):
    rejected, analysed = rejections(simulate(dataclasses.replace(made, effect=PatientHazardRatio(ratio)).with_n(n), m, seed=3))
    assert analysed == m
    return rejected / m


def designs_keep_their_power(name, n, m):
    made = trial(f"design={name}", "population=piecewise_exponential", "effect=none")
    if made.plan.cut.looks > 1 or made.plan.hypothesis == "ORR":
        return  # responses are counted exactly; what several looks spend where some are never reached is their designs' matter
    for choice in choices(made):
        shares = [power_of(choice, n, ratio, m) for ratio in RATIOS]
        assert falls(shares, m) is None, (choice.design, shares)


@pytest.mark.parametrize("name", options("design"))
def test_power_of_a_design_rises_with_the_effect(name):
    designs_keep_their_power(name, 10, 1_000)


@pytest.mark.verify
@pytest.mark.parametrize("name", options("design"))
@pytest.mark.parametrize("n", SIZES)
def test_power_of_a_design_rises_with_the_effect_at_every_size(name, n):
    designs_keep_their_power(name, n, 20_000)


def test_the_one_sample_logrank_test_of_ten_patients():
    # known powers: .9995 at a hazard ratio of .1 and 1.000 at .05, where .873 and .645 were found when no event was no evidence
    made = trial("design=single_arm_pfs", "population=piecewise_exponential", "effect=none")
    for ratio, power in ((0.1, 0.9995), (0.05, 1.0)):
        found = power_of(made, 10, ratio, 20_000)
        assert abs(found - power) <= 3 * np.sqrt(power * (1 - power) / 20_000) + 0.0005, found
