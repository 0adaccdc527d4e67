"""Level: twin. Courses of patients in classes, one patient at a time, from the same words and the same parameters."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from sim.effect import Effect, HazardProfile, Mechanism, NoEffect, PatientHazardRatio, ResponseRateChange
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws

# the kernels' own log, exp and normal quantile differ from the C library's in the last places, more so through powers
RELATIVE = 1e-9
NAME = "zurko2023_classes"


class Patient:
    """The uniforms of one address, by stream."""

    def __init__(self, draws: Draws, row: int, column: int) -> None:
        self.draws, self.row, self.column = draws, row, column

    def uniform(self, stream: str) -> float:
        return (int(self.draws.word(stream)[self.row, self.column]) + 0.5) / 2**32

    def exponential(self, stream: str) -> float:
        return -math.log(self.uniform(stream))


def odds_times(ratio: float, p: float) -> float:
    return p * ratio / (1 + p * (ratio - 1))


class Twin:
    """The model from its parameters' plain numbers."""

    def __init__(self, p: object, effect: tuple[float, float, float] = (1.0, 0.0, 1.0), raised: tuple[float, float] = (0.0, 0.0)) -> None:
        self.p, (self.hr, self.delay, self.after), self.raised = p, effect, raised
        self.odds = self.lasting = 1.0
        edges = [-math.inf, *(NormalDist().inv_cdf(x) for x in np.cumsum(p.class_shares)[:-1]), math.inf]  # type: ignore[attr-defined]
        density = [0.0 if math.isinf(x) else math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in edges]
        self.score = [(density[k] - density[k + 1]) / w for k, w in enumerate(p.class_shares)]  # type: ignore[attr-defined]

    def frailty(self, k: int) -> float:
        return math.exp(self.p.spread * self.score[k])

    def alive(self, t: float) -> float:
        """Share of people of the patients' ages alive t months later: Simpson over the ages."""
        p, n = self.p, 400
        total = weight = 0.0
        for i in range(n + 1):
            z = -7 + 14 * i / n
            w = math.exp(-z * z / 2) * (1 if i in (0, n) else 4 if i % 2 else 2)
            rate = p.background_rate * math.exp(p.background_slope * (p.background_age + p.background_age_sd * z - 60))
            total += w * math.exp(-rate * (math.exp(p.background_slope * t / 12) - 1) / (p.background_slope / 12))
            weight += w
        return total / weight

    def old_age(self, u: float) -> float:
        """The month by which a share u has died, by bisection."""
        low, high = 0.0, 600.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if 1 - self.alive(middle) < u else (low, middle)
        return low

    def invert(self, x: float) -> float:
        return x if x <= self.delay else self.delay + (x - self.delay) / self.hr

    def first_line(self, patient: Patient, k: int) -> tuple[float, float, int, bool]:
        """PFS, OS, kind of response (0, 1 partial, 2 complete), and whether a time of old age is in them."""
        p = self.p
        shares = np.cumsum([r.patients for r in p.regimens]) / sum(r.patients for r in p.regimens)
        i = next(i for i, c in enumerate(shares) if patient.uniform("regimen") < c or i == len(shares) - 1)
        regimen = p.regimens[i]
        response = 1 / (1 + math.exp(-(regimen.intercept - p.class_to_response * self.score[k])))
        old, new = self.raised
        if new > old:
            response = 1 - (1 - response) * (1 - new) / (1 - old)
        complete = response * regimen.complete_response / regimen.response
        response, complete = odds_times(self.odds, response), odds_times(self.odds, complete)
        u = patient.uniform("response")
        kind = int(u < response) + int(u < complete)
        share = odds_times(self.lasting, p.durable_in_complete if kind == 2 else p.durable_in_partial)
        lasts = kind > 0 and patient.uniform("durable") < share
        rate = (
            p.exit_rate * regimen.multiplier * self.frailty(k) * (1, p.partial_ratio, p.partial_ratio * p.complete_to_partial_ratio)[kind]
        )
        leaves = self.invert(patient.exponential("event") / (p.durable_exit_rate if lasts else rate))
        old = self.old_age(patient.uniform("old_age"))
        pfs, os = self.disease(patient, k, kind, lasts, leaves)
        return min(pfs, old), min(os, old), kind, old < os

    def disease(self, patient: Patient, k: int, kind: int, lasts: bool, leaves: float) -> tuple[float, float]:
        """PFS and OS were there no old age."""
        p, cured = self.p, patient.uniform("allo_cured")
        relapse = patient.exponential("allo_relapse") / p.allo_relapse_rate
        last = patient.exponential("after_allo_relapse") / p.allo_death_rate
        if kind and not lasts:
            transplant = patient.exponential("allo_from_response") / p.allo_from_response_rate
            if transplant < leaves:
                relapsed = math.inf if cured < p.allo_cured_in_response else transplant + relapse
                return relapsed, relapsed + last
        if patient.uniform("exit_is_death") < p.exit_death_share:
            return leaves, leaves
        death = (patient.exponential("after_progression") / (self.frailty(k) * self.after)) ** (1 / p.post_shape) / p.post_rate
        transplant = patient.exponential("allo_after_progression") / p.allo_after_progression_rate
        if transplant >= death:
            return leaves, leaves + death
        return leaves, math.inf if cured < p.allo_cured_after_progression else leaves + transplant + relapse + last

    def progression(self, patient: Patient, k: int, intended: float) -> tuple[float, float, int, bool]:
        p, m = self.p, self.frailty(k)
        if patient.uniform("intended") >= intended:
            time = p.supportive_median * (patient.exponential("supportive_care") / (math.log(2) * m)) ** (1 / p.supportive_shape)
            return time, time, 0, False
        total = p.start_rate + p.waiting_death_rate * m
        wait = patient.exponential("waiting") / total
        if patient.uniform("start_or_death") >= p.start_rate / total:
            return wait, wait, 0, False
        pfs, os, kind, aged = self.first_line(patient, k)
        return wait + pfs, wait + os, kind, aged

    def intent(self, group: int, k: int) -> float:
        a = (self.p.intent_refractory, self.p.intent_other)[group]
        return 1 / (1 + math.exp(-(a - self.p.class_to_intent * self.score[k])))

    def infusion(self, patient: Patient, refractory: bool) -> tuple[float, float, bool]:
        p = self.p
        r = p.bridged * p.refractory_bridged + (1 - p.bridged) * p.refractory_not
        z = NormalDist().inv_cdf(patient.uniform("time_to_progression"))
        if refractory:
            progressive = patient.uniform("progressive_at_day30") < p.progressive_at_day30
            median, sigma = (p.progressive_median, p.progressive_sigma) if progressive else (p.stable_median, p.stable_sigma)
            time = median * math.exp(sigma * z)
        else:
            bridged = patient.uniform("bridging") < p.bridged * (1 - p.refractory_bridged) / (1 - r)
            early, late = (p.refractory_bridged, p.late_bridged) if bridged else (p.refractory_not, p.late_not)
            u = patient.uniform("day30_group") * (1 - early)
            if u >= late:
                if u < late + p.death_without_progression:
                    time = p.death_without_progression_median * math.exp(p.death_without_progression_sigma * z)
                    return time, time, False
                time = self.old_age(patient.uniform("cart_background_death"))
                return time, time, True
            time = p.late_progression_shift + p.late_progression_median * math.exp(p.late_progression_sigma * z)
        latent = NormalDist().inv_cdf(patient.uniform("failure_class"))
        k = sum(latent > c + p.time_to_class * math.log(time / 2.5) for c in p.cuts)
        _, os, _, aged = self.progression(patient, k, self.intent(0 if refractory else 1, k))
        return time, time + os, aged


def close(aged: bool) -> float:
    """A time of old age is read from a table, linear between 4,096 shares: three months in the last shares of a life."""
    return 2e-2 if aged else RELATIVE


CASES = [
    (NoEffect(), (1.0, 0.0, 1.0)),
    (PatientHazardRatio(0.45, delay=1.5, hr_after_progression=1.7), (0.45, 1.5, 1.7)),
    (ResponseRateChange(0.2), (1.0, 0.0, 1.0)),
]


@pytest.mark.parametrize(("effect", "numbers"), CASES, ids=["none", "delayed", "response"])
def test_first_line(effect: Effect, numbers: tuple[float, float, float]) -> None:
    population, draws = PostCartFailure(parameters=NAME), Draws(31, 5, 2, 300)
    rate = population.response_rate()
    twin = Twin(population.classes.parameters, numbers, (rate, population.response_rate(effect)))
    stratum = population.sample_strata(draws)
    x = population.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs", "os", "response", "cr"))
    shares = population.classes.classes
    for i in range(2):
        for j in range(300):
            patient, s = Patient(draws, i, j), stratum[i, j]
            steps = np.cumsum(shares[s]) / shares[s].sum()
            k = int(np.sum(patient.uniform("failure_class") >= steps[:-1]))
            pfs, os, kind, aged = twin.first_line(patient, k)
            assert (x.pfs[i, j], x.os[i, j]) == pytest.approx((pfs, os), rel=close(aged), abs=0.1 * aged)  # type: ignore[index]
            assert (x.response[i, j], x.cr[i, j]) == (kind > 0, kind == 2)  # type: ignore[index]


def test_every_lever_at_once() -> None:
    population, draws = PostCartFailure(parameters=NAME), Draws(31, 5, 2, 300)
    hazards = (HazardProfile((0.0,), (0.5,)), HazardProfile((0.0,), (0.8,)))
    effect = Mechanism(hazards, odds_ratio=2.5, durable_odds_ratio=1.8, after_progression=1.4)
    stratum, shares = population.sample_strata(draws), population.classes.classes
    x = population.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs", "os", "response", "cr"))
    twin = Twin(population.classes.parameters, (1.0, 0.0, 1.4))
    twin.odds, twin.lasting = 2.5, 1.8
    for i in range(2):
        for j in range(300):
            patient, s = Patient(draws, i, j), int(stratum[i, j])
            k = int(np.sum(patient.uniform("failure_class") >= (np.cumsum(shares[s]) / shares[s].sum())[:-1]))
            twin.hr = (0.5, 0.8)[s]
            pfs, os, kind, aged = twin.first_line(patient, k)
            assert (x.pfs[i, j], x.os[i, j]) == pytest.approx((pfs, os), rel=close(aged), abs=0.1 * aged)  # type: ignore[index]
            assert (x.response[i, j], x.cr[i, j]) == (kind > 0, kind == 2)  # type: ignore[index]


def test_progression() -> None:
    population, draws = PostCartFailure(parameters=NAME, time_zero="progression"), Draws(31, 5, 2, 300)
    stratum = population.sample_strata(draws)
    x = population.sample(draws, stratum, np.zeros_like(stratum), NoEffect(), ("pfs", "os", "response", "cr"))
    twin, shares = Twin(population.classes.parameters), population.classes.classes
    for i in range(2):
        for j in range(300):
            patient, s = Patient(draws, i, j), int(stratum[i, j])
            k = int(np.sum(patient.uniform("failure_class") >= (np.cumsum(shares[s]) / shares[s].sum())[:-1]))
            pfs, os, kind, aged = twin.progression(patient, k, twin.intent(s, k))
            assert (x.pfs[i, j], x.os[i, j]) == pytest.approx((pfs, os), rel=close(aged), abs=0.1 * aged)  # type: ignore[index]
            assert (x.response[i, j], x.cr[i, j]) == (kind > 0, kind == 2)  # type: ignore[index]


def test_infusion() -> None:
    population, draws = PostCartFailure(parameters=NAME, time_zero="infusion"), Draws(31, 5, 2, 300)
    stratum = population.sample_strata(draws)
    x = population.sample(draws, stratum, np.ones_like(stratum), PatientHazardRatio(0.5, delay=1.0), ("pfs", "os"))
    twin = Twin(population.classes.parameters, (0.5, 1.0, 1.0))
    for i in range(2):
        for j in range(300):
            pfs, os, aged = twin.infusion(Patient(draws, i, j), bool(stratum[i, j] == 0))
            assert (x.pfs[i, j], x.os[i, j]) == pytest.approx((pfs, os), rel=close(aged), abs=0.1 * aged)  # type: ignore[index]
