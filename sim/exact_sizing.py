"""Patients of binomial designs by their exact power, to the unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.boundary.exact_binomial import certain_n, exact_power_curve
from sim.boundary.multi_stage_binomial import stage_probabilities
from sim.design.bayesian_single_arm import BayesianSingleArm
from sim.design.multi_stage_binomial import MultiStageBinomial, smallest_n
from sim.design.simon_two_stage import SimonTwoStage
from sim.design.single_arm_orr import SingleArmORR
from sim.oc import Estimate
from sim.sized import PowerPoint, Size, unreachable
from sim.trial import Trial
from sim.types import InputError

STAYS = 20  # a multi-stage design's power is looked at up to twice the answer and so many patients more


def exact_size(trial: Trial, target: float, n_max: int) -> Size | None:
    """Return the size of a design whose power is computed; None where it has to be simulated.

    Raises
    ------
    InputError : an effect that does not raise the rate, or a target that no n up to n_max reaches (`Unreachable`)
    """
    design = trial.design
    if isinstance(design, SingleArmORR) and (design.not_evaluable == "nonresponder" or design.not_evaluable_share == 0):
        return _single_stage(trial, design, target, n_max)
    if isinstance(design, SimonTwoStage):
        return _two_stage(trial, design, target, n_max)
    if isinstance(design, MultiStageBinomial | BayesianSingleArm):
        return _multi_stage(trial, design, target, n_max)
    return None


def _single_stage(trial: Trial, design: SingleArmORR, target: float, n_max: int) -> Size:
    p0, p1 = design.null(trial.population), design.alternative(trial.population, trial.effect)
    if p1 <= p0:
        raise InputError(
            f"effect: the response rate is {p1:.3f} under the effect and {p0:.3f} under the null; allowed: an effect that raises it"
        )
    last = certain_n(p0, p1, design.level, target)
    if last > 50 * n_max:
        raise unreachable(target, n_max)
    n = np.arange(1, last + 1)
    power = exact_power_curve(n, p0, p1, design.level)
    reached = power >= target
    first = int(n[np.argmax(reached)])
    stays = int(n[~reached][-1]) + 1 if not reached.all() else 1
    if stays > n_max:
        raise unreachable(target, n_max)
    upto = max(2 * stays, 20)
    curve = tuple(PowerPoint(int(k), Estimate(float(p), 0.0, float(p), float(p)), 0) for k, p in zip(n[:upto], power[:upto], strict=True))
    return Size(target, stays, first, stays, stays, stays, curve, exact=True)


def _two_stage(trial: Trial, design: SimonTwoStage, target: float, n_max: int) -> Size:
    """Return the patients of the two-stage design itself: it is the search."""
    if design.kind == "given":
        raise InputError("design.kind is 'given': its n is fixed; allowed with task=size: optimal, minimax, admissible")
    if design.power != target:
        raise InputError(f"design.power is {design.power:g} and task.target_power {target:g}; allowed: the same power in both")
    s = replace(design, n=None).stages(trial.population)
    p = trial.population.response_rate(trial.effect) * (1 - design.not_evaluable_share)
    if abs(p - s.p1) > 1e-9:
        raise InputError(
            f"effect: the response rate is {p:.3f} under the effect and {s.p1:.3f} in the design; allowed with task=size: the same rate"
            " (design.alternative_rate or design.difference)"
        )
    if s.n > n_max:
        raise unreachable(target, n_max)
    points = {}
    for power in sorted({*(k / 20 for k in range(10, 20)), target}):
        if power > design.level:
            found = replace(design, n=None, power=power).stages(trial.population)
            points[found.n] = PowerPoint(found.n, Estimate(found.power, 0.0, found.power, found.power), 0)
    meaning = f"patients in both stages of Simon's {design.kind} design at the design's alpha and power, at most"
    return Size(target, s.n, s.n, s.n, s.n, s.n, tuple(points[n] for n in sorted(points)), exact=True, meaning=meaning)


def _multi_stage(trial: Trial, design: MultiStageBinomial | BayesianSingleArm, target: float, n_max: int) -> Size:
    """Search by the exact power, until it has stayed at the target for as many further n as it took to reach it."""
    p = trial.population.response_rate(trial.effect) * (1 - design.not_evaluable_share)
    if p <= design.null(trial.population):
        raise InputError(
            f"effect: the response rate is {p:.3f} under the effect and {design.null(trial.population):.3f} under the null;"
            " allowed: an effect that raises it"
        )
    points: list[PowerPoint] = []
    first = stays = 0
    start = smallest_n(design.stages) if isinstance(design, MultiStageBinomial) else 1
    for n in range(start, 2 * n_max + STAYS + 1):
        counts = replace(design, n=n).critical_counts(trial.population)
        power = float(stage_probabilities(counts, p)[0].sum())
        points.append(PowerPoint(n, Estimate(power, 0.0, power, power), 0))
        if power < target:
            stays = 0
        elif stays == 0:
            first, stays = first or n, n
        if stays > n_max or (stays == 0 and n >= n_max):
            break
        if stays and n >= 2 * stays + STAYS:
            upto = tuple(point for point in points if point.n <= 2 * stays)
            meaning = f"smallest number of patients from which on the exact power stays at the target or above, looked at up to {n}"
            return Size(target, stays, first, stays, stays, stays, upto, exact=True, meaning=meaning)
    raise unreachable(target, n_max)
