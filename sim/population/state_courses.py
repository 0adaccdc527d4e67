"""The course of the disease kept apart by state, from each clock's start: the stages of `multi_state` before they are summed to a survival.

A course is a list of probabilities on the grid of `multi_state`; its convolution takes a course back to an earlier start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.effect import HazardProfile, Mechanism
from sim.later import later
from sim.population.multi_state import (
    UNCHANGED,
    after_allo_by_state,
    averages,
    convolve,
    fate_shares,
    post_progression_by_state,
    progression_free,
    supportive_care,
    time_distributions,
)
from sim.population.parameters import Parameters
from sim.types import Array

exp = later("sim.kernels.vectors", "exp")


@dataclass(frozen=True, eq=False)
class Cells:
    """A function of time on the grid, float64[k], and its average over each cell, float64[k - 1]: what a convolution needs."""

    at: Array
    average: Array

    def __mul__(self, share: float) -> Cells:
        return Cells(share * self.at, share * self.average)

    def __add__(self, other: Cells) -> Cells:
        return Cells(self.at + other.at, self.average + other.average)


def cells(values: Array) -> Cells:
    """Make cells of a smooth function of time: averages by the trapezoid."""
    return Cells(values, averages(values))


@dataclass(frozen=True, eq=False)
class Course:
    """Probability of being in each state, and of each later event having happened, by time since a start; those left out are 0."""

    states: dict[str, Cells]
    events: dict[str, Cells]

    def after(self, distribution: Array) -> Course:
        """Return the same by time since an earlier moment, from which the start's distribution function is `distribution`."""

        def later(parts: dict[str, Cells]) -> dict[str, Cells]:
            return {name: cells(convolve(distribution, x.average)) for name, x in parts.items()}

        return Course(later(self.states), later(self.events))


def mixture(parts: list[tuple[float, Course]]) -> Course:
    """Return the weighted sum of courses."""

    def total(all_parts: list[tuple[float, dict[str, Cells]]]) -> dict[str, Cells]:
        out: dict[str, Cells] = {}
        for weight, part in all_parts:
            for name, x in part.items():
                out[name] = out[name] + x * weight if name in out else x * weight
        return out

    return Course(total([(w, c.states) for w, c in parts]), total([(w, c.events) for w, c in parts]))


def from_first_line(
    p: Parameters, group: int, weights: Array, response: Array, profile: HazardProfile, t: Array, after_progression: float = 1.0
) -> Course:
    """Return the course of a day-30 group from the start of first line; arguments as in `multi_state.from_first_line`."""
    free = progression_free(p, group, weights, response, profile, t)
    progressed = (1 - p.exit_death_share) * free.exits
    alone, transplanted = post_progression_by_state(p, group, t, after_progression)
    remission, relapsed = (convolve(transplanted, averages(x)) for x in after_allo_by_state(p, t))
    relapse = convolve(transplanted, averages((1 - p.allo_cured) * (1 - exp(-p.allo_relapse_rate * t))))
    since = Course(
        {"second_progression": cells(alone), "allo": cells(remission), "allo_relapse": cells(relapsed)},
        {"allo_after_progression": cells(transplanted), "allo_relapse": cells(relapse)},
    ).after(progressed)
    early = np.concatenate([[0.0], np.cumsum(free.relapses)])
    direct = Course(
        {
            "first_line_no_response": cells(free.pfs - free.response - free.remission),
            "first_line_response": cells(free.response),
            "allo": cells(free.remission),
            "allo_relapse": cells(convolve(early, averages(exp(-p.allo_death_rate * t)))),
        },
        {
            "second_progression": cells(progressed),
            "death_on_first_line": cells(p.exit_death_share * free.exits),
            "second_line": cells(p.second_line_share * progressed),
            "allo_from_response": cells(free.allo),
            "allo_relapse": cells(early),
        },
    )
    return mixture([(1.0, direct), (1.0, since)])


def from_progression(p: Parameters, group: int, weights: Array, response: Array, t: Array, effect: Mechanism = UNCHANGED) -> Course:
    """Return the course of a day-30 group from progression after CAR-T; the effect acts from the start of first line."""
    waiting = exp(-(p.start_rate + p.waiting_death_rate * p.hazard_ratios[group]) * t)
    treated = from_first_line(p, group, weights, response, effect.hazard_of(group), t, effect.after_progression).after(1 - waiting)
    share, intended = p.treated[group], p.intended[group]
    supportive = Cells(*supportive_care(p, group, t))
    one = cells(np.ones_like(t))
    untreated = Course(
        {"waiting": cells(intended * waiting), "supportive_care": supportive * (1 - intended)},
        {
            "first_line": cells(share * (1 - waiting)),
            "death_untreated": (one + supportive * -1.0) * (1 - intended) + cells((intended - share) * (1 - waiting)),
        },
    )
    return mixture([(share, treated), (1.0, untreated)])


def from_infusion(p: Parameters, group: int, progressed: Course, t: Array) -> Course:
    """Return the course of a day-30 group (1: everybody who is not refractory) from infusion; `progressed`: that from progression."""
    refractory, late, death = time_distributions(p, t)
    if group == 0:
        return mixture([(1.0, _until_progression(refractory)), (1.0, progressed.after(refractory))])
    shares = fate_shares(p)
    total = p.bridged * shares[0] + (1 - p.bridged) * shares[1]
    later, dies, cured = total[1:] / (1 - total[0])
    background = exp(-p.background_death_rate * t)
    without = Course(
        {"at_risk": cells(dies * (1 - death)), "cured": cells(cured * background)},
        {"death_without_progression": cells(dies * death + cured * (1 - background))},
    )
    return mixture([(later, _until_progression(late)), (later, progressed.after(late)), (1.0, without)])


def _until_progression(distribution: Array) -> Course:
    return Course({"at_risk": cells(1 - distribution)}, {"progression": cells(distribution)})
