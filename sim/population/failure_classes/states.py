"""The course of patients in classes kept apart by state: the stages of `curves` before they are summed to a survival."""

from __future__ import annotations

import numpy as np

from sim.effect import HazardProfile
from sim.later import later
from sim.population.failure_classes import background, times
from sim.population.failure_classes.curves import averages, convolve, cumulated, progression_free, supportive_care, transplanted
from sim.population.failure_classes.levers import Levers
from sim.population.failure_classes.parameters import ClassParameters
from sim.population.state_courses import Cells, Course, cells, mixture
from sim.types import Array

exp = later("sim.kernels.vectors", "exp")


def until_old_age(course: Course, old: Array) -> Course:
    """Return a course from the start of first line of people who also die of old age, survival of which is `old`."""
    alive = averages(old)
    return Course(
        {name: cells(x.at * old) for name, x in course.states.items()},
        {name: cells(cumulated(np.diff(x.at) * alive)) for name, x in course.events.items()},
    )


def first_line(p: ClassParameters, x: Levers, profile: HazardProfile, t: Array) -> list[Course]:
    """Return the course of each class from the start of first line."""
    free, after, old = progression_free(p, x, profile, t), transplanted(p, t), background.survival(p, t)
    hazard = exp(p.post_shape * (background.log_time(t) + background.log_of(p.post_rate)))
    a, step = p.allo_after_progression_rate, t[1] - t[0]
    relapses = [(1 - c) * (1 - exp(-p.allo_relapse_rate * t)) for c in (p.allo_cured_in_response, p.allo_cured_after_progression)]
    out = []
    for k in range(p.classes):
        progressed, arrivals = (1 - p.exit_death_share) * free.exits[k], free.arrivals[k]
        alone = exp(-hazard * p.frailty[k] * x.after_progression - a * t)
        second = a * averages(alone) * step
        since = Course(
            {
                "second_progression": cells(alone),
                "allo": cells(convolve(second, averages(after.free[1]))),
                "allo_relapse": cells(convolve(second, averages(after.alive[1] - after.free[1]))),
            },
            {"allo_after_progression": cells(cumulated(second)), "allo_relapse": cells(convolve(second, averages(relapses[1])))},
        ).after(cumulated(progressed))
        direct = Course(
            {
                "first_line_no_response": cells(free.none[k]),
                "first_line_response": cells(free.response[k]),
                "allo": cells(convolve(arrivals, averages(after.free[0]))),
                "allo_relapse": cells(convolve(arrivals, averages(after.alive[0] - after.free[0]))),
            },
            {
                "second_progression": cells(cumulated(progressed)),
                "death_on_first_line": cells(cumulated(p.exit_death_share * free.exits[k])),
                "second_line": cells(p.second_line_share * cumulated(progressed)),
                "allo_from_response": cells(cumulated(arrivals)),
                "allo_relapse": cells(convolve(arrivals, averages(relapses[0]))),
            },
        )
        aged = Course({}, {"death_on_first_line": cells(cumulated(averages(free.none[k] + free.response[k]) * -np.diff(old)))})
        out.append(mixture([(1.0, until_old_age(mixture([(1.0, direct), (1.0, since)]), old)), (1.0, aged)]))
    return out


def progression(p: ClassParameters, x: Levers, profile: HazardProfile, t: Array, intended: Array) -> list[Course]:
    """Return the course of each class from progression; intended : float64[K], P(treatment intended)."""
    supportive, average = supportive_care(p, t)
    one, out = cells(np.ones_like(t)), []
    for k, treated in enumerate(first_line(p, x, profile, t)):
        waiting = exp(-(p.start_rate + p.waiting_death_rate * p.frailty[k]) * t)
        share, care = intended[k] * p.started_given_intended[k], Cells(supportive[k], average[k])
        untreated = Course(
            {"waiting": cells(intended[k] * waiting), "supportive_care": care * (1 - intended[k])},
            {
                "first_line": cells(share * (1 - waiting)),
                "death_untreated": (one + care * -1.0) * (1 - intended[k]) + cells((intended[k] - share) * (1 - waiting)),
            },
        )
        out.append(mixture([(share, treated.after(1 - waiting)), (1.0, untreated)]))
    return out


def infusion(p: ClassParameters, x: Levers, t: Array, stratum: int) -> Course:
    """Return the course from infusion of the day-30 refractory (0), or of everybody else (1)."""
    distribution = (times.late if stratum else times.refractory)(p, t)
    mass = np.diff(distribution) * times.class_given_time(p, 0.5 * (t[1:] + t[:-1]))
    parts = [(1.0, Course({"at_risk": cells(1 - distribution)}, {"progression": cells(distribution)}))]
    courses = progression(p, x, x.profiles[stratum], t, p.intended[stratum])
    parts += [(1.0, course.after(cumulated(row))) for course, row in zip(courses, mass, strict=True)]
    if stratum == 0:
        return mixture(parts)
    total = p.bridged * times.fates(p)[0] + (1 - p.bridged) * times.fates(p)[1]
    later, dies, cured = total[1:] / (1 - total[0])
    death, old = times.death(p, t), background.survival(p, t)
    without = Course(
        {"at_risk": cells(dies * (1 - death)), "cured": cells(cured * old)},
        {"death_without_progression": cells(dies * death + cured * (1 - old))},
    )
    return mixture([*((later * w, part) for w, part in parts), (1.0, without)])
