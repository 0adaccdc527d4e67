"""Level: independent. Endpoints and tests of the one-look designs: levels, powers by formula, and what they refuse."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact, norm
from statsmodels.stats.proportion import proportions_ztest

from sim.accrual import UniformAccrual
from sim.design.design import REJECT
from sim.design.randomised_orr import RandomisedORR
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_survival import SingleArmSurvival
from sim.effect import NoEffect, PatientHazardRatio, ResponseRateChange
from sim.engine import simulate
from sim.followup import NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.rng import Draws
from sim.statistic.response_difference import ResponseDifference
from sim.trial import Trial, enrol, final_rows
from sim.types import InputError

N_SIM = 20_000
LN2 = math.log(2)


def population(medians=(3.0,), after=6.0, rate=0.3):
    return PiecewiseExponential(medians=medians, response_rates=(rate,), survival_after_progression_median=after)


def trial(design, effect=None, **people):
    return Trial(population(**people), UniformAccrual(rate=10.0), NoDropout(), effect or NoEffect(), design)


def share_rejecting(made, n_sim=N_SIM):
    return float((final_rows(simulate(made, n_sim, seed=12).rows)["decision"] == REJECT).mean())


class TestOverallSurvival:
    def test_deaths_are_counted_not_progressions(self):
        made = trial(RandomisedSurvival(100, endpoint="os", events=(50,)))
        o = enrol(made, Draws(12, 0, 1, 100))
        deaths = enrol(trial(RandomisedSurvival(100, endpoint="pfs", events=(50,))), Draws(12, 0, 1, 100))
        assert (o.time > deaths.time).all()
        row = simulate(made, 1, seed=12).rows[0]
        assert row["month"] == np.sort((o.entry + o.time)[0])[49]
        assert made.plan.hypothesis == "OS"

    def test_levels(self):
        arms = trial(RandomisedSurvival(100, endpoint="os", events=(70,), stratified_randomisation=False))
        assert abs(share_rejecting(arms) - 0.0262) < 4 * math.sqrt(0.025 / N_SIM) + 0.001
        arm = trial(SingleArmSurvival(60, endpoint="os"))
        # definition 24: .0257 at 60 patients
        assert abs(share_rejecting(arm) - 0.0257) < 4 * math.sqrt(0.025 / N_SIM) + 0.001

    def test_a_population_that_does_not_know_how_long_patients_live_is_refused_at_once(self):
        with pytest.raises(InputError, match="survival_after_progression_median"):
            trial(RandomisedSurvival(100, endpoint="os", events=(50,)), after=None)


class TestSingleArmTests:
    @pytest.mark.parametrize("statistic", ["one_sample_logrank", "milestone", "rmst", "exponential_mle"])
    def test_level_and_null_value(self, statistic):
        design = SingleArmSurvival(120, test=statistic, horizon=4.0, followup=8.0)
        made = trial(design)
        test = made.plan.statistic
        # the null value of the exponential curve with median 3, by its formula
        if statistic == "milestone":
            assert test.null_survival == pytest.approx(2 ** (-4 / 3), abs=1e-6)
        if statistic == "rmst":
            assert test.null_rmst == pytest.approx(3 / LN2 * (1 - 2 ** (-4 / 3)), abs=1e-4)
        if statistic == "exponential_mle":
            assert test.null_median == pytest.approx(3.0, abs=1e-6)
        # each is asymptotic: a few tenths of a percent at 120 patients
        assert abs(share_rejecting(made) - 0.025) < 4 * math.sqrt(0.025 / N_SIM) + 0.006

    def test_power_of_the_milestone_test(self):
        design = SingleArmSurvival(100, test="milestone", horizon=4.0, followup=8.0)
        s0, s1 = 2 ** (-4 / 3), 2 ** (-4 / 3 * 0.6)
        # everybody is watched past the horizon: a proportion, on the arcsine scale
        expected = norm.cdf(2 * math.sqrt(100) * (math.asin(math.sqrt(s1)) - math.asin(math.sqrt(s0))) - norm.isf(0.025))
        assert abs(share_rejecting(trial(design, PatientHazardRatio(0.6))) - expected) < 4 * math.sqrt(0.25 / N_SIM) + 0.01

    def test_power_of_the_exponential_test(self):
        design = SingleArmSurvival(60, test="exponential_mle", followup=120.0)
        # everybody fails: sum of 60 exponentials, log median normal with variance 1 / 60
        expected = norm.sf(norm.isf(0.025) - math.sqrt(60) * math.log(1 / 0.7))
        assert abs(share_rejecting(trial(design, PatientHazardRatio(0.7))) - expected) < 4 * math.sqrt(0.25 / N_SIM) + 0.01

    def test_the_smallest_effect_is_said(self):
        for statistic, words in (("milestone", "survival at 4"), ("rmst", "restricted mean"), ("exponential_mle", "median that rejects")):
            design = SingleArmSurvival(100, test=statistic, horizon=4.0)
            assert words in design.smallest_effect(trial(design).setting).what

    @pytest.mark.parametrize(
        "wrong",
        [
            {"test": "cox"},
            {"test": "milestone", "horizon": 13.0},
            {"test": "rmst", "horizon": 0.0},
            {"test": "milestone", "transform": "square"},
            {"endpoint": "ttnt"},
        ],
    )
    def test_refuses(self, wrong):
        with pytest.raises(InputError, match="allowed"):
            SingleArmSurvival(60, **wrong)


class TestRandomisedResponse:
    def responders(self, made, count=200):
        o = enrol(made, Draws(12, 0, count, made.plan.n))
        x1 = ((o.response == 1) & (o.arm == 1)).sum(axis=1)
        return x1, (o.response == 1).sum(axis=1) - x1

    def test_chi_square_is_the_pooled_z_test(self):
        made = trial(RandomisedORR(80, stratified_randomisation=False), ResponseRateChange(0.2))
        found = simulate(made, 200, seed=12).rows
        for row, x1, x0 in zip(found, *self.responders(made), strict=True):
            z, p = proportions_ztest([x1, x0], [40, 40], alternative="larger")
            assert row["z"] == pytest.approx(z, abs=1e-9)
            assert (row["decision"] == REJECT) == (p <= 0.025)

    def test_fisher_is_exact(self):
        made = trial(RandomisedORR(80, statistic=ResponseDifference("fisher")), ResponseRateChange(0.2))
        found = simulate(made, 200, seed=12).rows
        for row, x1, x0 in zip(found, *self.responders(made), strict=True):
            p = fisher_exact([[x1, 40 - x1], [x0, 40 - x0]], alternative="greater").pvalue
            assert (row["decision"] == REJECT) == (p <= 0.025)

    @pytest.mark.parametrize("effect", [0.0, 0.2])
    def test_rate_of_rejection_by_enumeration(self, effect):
        made = trial(RandomisedORR(80), ResponseRateChange(effect) if effect else NoEffect())
        x = np.arange(41)
        x1, x0 = np.meshgrid(x, x, indexing="ij")
        pooled = (x1 + x0) / 80
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (x1 - x0) / 40 / np.sqrt(pooled * (1 - pooled) * 2 / 40)
        mass = binom.pmf(x1, 40, 0.3 + effect) * binom.pmf(x0, 40, 0.3)
        exact = float(mass[z >= norm.isf(0.025)].sum())
        assert abs(share_rejecting(made) - exact) < 4 * math.sqrt(exact * (1 - exact) / N_SIM)

    def test_analysis_waits_for_the_last_assessment(self):
        made = trial(RandomisedORR(40, assessment=3.0))
        rows = simulate(made, 50, seed=12).rows
        np.testing.assert_allclose(rows["month"], enrol(made, Draws(12, 0, 50, 40)).entry[:, -1] + 3.0)

    def test_a_margin_is_no_null_of_no_effect(self):
        made = trial(RandomisedORR(80, statistic=ResponseDifference("farrington_manning", margin=-0.1)))
        assert not made.plan.null_is_population
        assert trial(RandomisedORR(80)).plan.null_is_population

    def test_the_smallest_difference_that_rejects(self):
        line = RandomisedORR(80).smallest_effect(trial(RandomisedORR(80)).setting)
        assert line.what.startswith("smallest observed")
        k = int(line.value.split("(")[1].split(" ")[0])
        assert proportions_ztest([k, 12], [40, 40], alternative="larger")[1] <= 0.025
        assert proportions_ztest([k - 1, 12], [40, 40], alternative="larger")[1] > 0.025

    @pytest.mark.parametrize(
        "wrong",
        [{"n": 0}, {"ratio": (1,)}, {"block_size": 3}, {"not_evaluable": "dropped"}, {"not_evaluable_share": 2.0}, {"assessment": -1.0}],
    )
    def test_refuses(self, wrong):
        with pytest.raises(InputError, match="allowed"):
            replace(RandomisedORR(80), **wrong)
