"""A plain twin of the sampling kernels, written for reading, on the same addresses: one patient at a time."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from sim.effect import Effect, NoEffect, PatientHazardRatio, ResponseRateChange
from sim.population import courses
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws

# the kernels' own log, exp and normal quantile differ from the C library's in the last places, more so through powers
RELATIVE = 1e-10


class Patient:
    """The uniforms of one address, by stream."""

    def __init__(self, draws: Draws, row: int, column: int) -> None:
        self.draws, self.row, self.column = draws, row, column

    def uniform(self, stream: str) -> float:
        return (int(self.draws.word(stream)[self.row, self.column]) + 0.5) / 2**32

    def exponential(self, stream: str) -> float:
        return -math.log(self.uniform(stream))


def invert(x: float, hr: float, delay: float) -> float:
    """The time at which a unit hazard, multiplied by hr after `delay`, has accumulated x."""
    return x if x <= delay else delay + (x - delay) / hr


def accumulate(t: float, hr: float, delay: float) -> float:
    return t if t <= delay else delay + (t - delay) * hr


def first_line(
    population: PostCartFailure, patient: Patient, refractory: bool, response: np.ndarray, hr: float, delay: float, after: float = 1.0
) -> tuple[float, float, bool]:
    """PFS, OS and response from the start of first line."""
    p = population.values
    theta = p.theta if refractory else 1.0
    cumulative = np.cumsum([k.patients for k in p.regimens]) / sum(k.patients for k in p.regimens)
    k = next(i for i, c in enumerate(cumulative) if patient.uniform("regimen") < c or i == len(cumulative) - 1)
    responds = patient.uniform("response") < response[k]
    durable = responds and patient.uniform("durable") < p.durable_share
    hazard = p.exit_rate * p.regimens[k].multiplier * theta
    if durable:
        hazard = p.durable_exit_rate
    elif responds:
        hazard *= p.responder_ratio
    leaves = invert(patient.exponential("event") / hazard, hr, delay)
    cured = patient.uniform("allo_cured") < p.allo_cured
    if responds and not durable:
        transplant = patient.exponential("allo_from_response") / p.allo_from_response_rate
        if transplant < leaves:
            if cured:
                return math.inf, math.inf, True
            relapse = invert(accumulate(transplant, hr, delay) + patient.exponential("allo_relapse") / p.allo_relapse_rate, hr, delay)
            return relapse, relapse + patient.exponential("after_allo_relapse") / p.allo_death_rate, True
    if patient.uniform("exit_is_death") < p.exit_death_share:
        return leaves, leaves, responds
    death = (patient.exponential("after_progression") / (theta * after)) ** (1 / p.post_shape) / p.post_rate
    transplant = patient.exponential("allo_after_progression") / p.allo_after_progression_rate
    if transplant < death:
        if cured:
            return leaves, math.inf, responds
        death = (
            transplant
            + patient.exponential("allo_relapse") / p.allo_relapse_rate
            + patient.exponential("after_allo_relapse") / p.allo_death_rate
        )
    return leaves, leaves + death, responds


def progression(population: PostCartFailure, patient: Patient, refractory: bool, effect: tuple[float, float, float]) -> tuple[float, float]:
    """PFS and OS from progression."""
    p = population.values
    theta, intended = (p.theta, p.intended[0]) if refractory else (1.0, p.intended[1])
    if patient.uniform("intended") >= intended:
        death = p.supportive_median * (patient.exponential("supportive_care") / (math.log(2) * theta)) ** (1 / p.supportive_shape)
        return death, death
    total = p.start_rate + p.waiting_death_rate * theta
    wait = patient.exponential("waiting") / total
    if patient.uniform("start_or_death") >= p.start_rate / total:
        return wait, wait
    pfs, os, _ = first_line(population, patient, refractory, population.responses_at_control, *effect)
    return wait + pfs, wait + os


def infusion(population: PostCartFailure, patient: Patient, refractory: bool, effect: tuple[float, float, float]) -> tuple[float, float]:
    """PFS and OS from infusion."""
    p, z = population.values, NormalDist().inv_cdf(patient.uniform("time_to_progression"))
    if refractory:
        time = p.refractory_progression_median * math.exp(p.refractory_progression_sigma * z)
    else:
        bridged = patient.uniform("bridging") < courses.bridging_given_group(p)[1]
        early, late = (p.refractory_bridged, p.late_bridged) if bridged else (p.refractory_not, p.late_not)
        u = patient.uniform("day30_group") * (1 - early)
        if u < late:
            time = p.late_progression_shift + p.late_progression_median * math.exp(p.late_progression_sigma * z)
        elif u < late + p.death_without_progression:
            time = p.death_without_progression_median * math.exp(p.death_without_progression_sigma * z)
            return time, time
        else:
            time = patient.exponential("cart_background_death") / p.background_death_rate
            return time, time
    return time, time + progression(population, patient, refractory, effect)[1]


@pytest.mark.parametrize(
    ("effect", "hr", "delay"),
    [
        (NoEffect(), 1.0, 0.0),
        (PatientHazardRatio(0.6), 0.6, 0.0),
        (PatientHazardRatio(0.45, delay=1.5), 0.45, 1.5),
        (ResponseRateChange(0.2), 1.0, 0.0),
    ],
)
def test_first_line(effect: Effect, hr: float, delay: float) -> None:
    population, draws = PostCartFailure(), Draws(31, 5, 2, 400)
    stratum = population.sample_strata(draws)
    x = population.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs", "os", "response"))
    for i in range(2):
        for j in range(400):
            twin = first_line(population, Patient(draws, i, j), bool(stratum[i, j] == 0), population.responses(effect), hr, delay)
            assert (x.pfs[i, j], x.os[i, j]) == pytest.approx(twin[:2], rel=RELATIVE)  # type: ignore[index]
            assert bool(x.response[i, j]) == twin[2]  # type: ignore[index]


@pytest.mark.parametrize(("time_zero", "twin"), [("progression", progression), ("infusion", infusion)])
def test_earlier_time_zeros(time_zero: str, twin: object) -> None:
    population, draws = PostCartFailure(time_zero=time_zero), Draws(31, 5, 2, 400)
    stratum = population.sample_strata(draws)
    arm = np.tile(np.array([0, 1], dtype=np.uint8), (2, 200))
    x = population.sample(draws, stratum, arm, PatientHazardRatio(0.5, delay=1.0, hr_after_progression=1.7), ("pfs", "os"))
    for i in range(2):
        for j in range(400):
            effect = (0.5, 1.0, 1.7) if arm[i, j] else (1.0, 0.0, 1.0)
            expected = twin(population, Patient(draws, i, j), bool(stratum[i, j] == 0), effect)  # type: ignore[operator]
            assert (x.pfs[i, j], x.os[i, j]) == pytest.approx(expected, rel=RELATIVE)  # type: ignore[index]
