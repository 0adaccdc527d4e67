"""The first model of the course after CAR-T: day-30 groups that differ by one hazard ratio; sampler and exact curves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.benchmark import Benchmark
from sim.effect import Mechanism
from sim.population import courses, rates, state_courses
from sim.population.course_model import Choices, CourseModel
from sim.population.describe_post_cart_failure import describe
from sim.population.multi_state import (
    END,
    STEP,
    UNCHANGED,
    FirstLine,
    from_first_line,
    from_infusion,
    from_progression,
    grid,
    os_from_progression_average,
)
from sim.population.parameters import Parameters, fingerprint, mix_weights
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError

STRATA = ("day-30 refractory", "other")


@dataclass(frozen=True, eq=False)
class Day30Groups(CourseModel):
    """Patients in two day-30 groups.

    Parameters
    ----------
    parameters : of the model
    choices : time zero, mix and shares; strata are the day-30 groups, and marks at failure are not part of this model
    """

    parameters: Parameters
    choices: Choices

    def __post_init__(self) -> None:
        if self.choices.stratify_by != "day30":
            raise InputError(f"population.stratify_by is {self.choices.stratify_by!r} with parameters of day-30 groups; allowed: day30")
        if any(x is not None for x in self.choices.eligible.values()):
            raise InputError(
                "population.eligible needs a model with marks at failure; allowed: null, or parameters of the model failure_classes"
            )

    @property
    def regimens(self) -> tuple[str, ...]:
        return tuple(k.name for k in self.parameters.regimens)

    @property
    def digest(self) -> str:
        return fingerprint(self.parameters)

    @property
    def marks(self) -> Mapping[str, Any]:
        return self.parameters.marks

    @property
    def strata(self) -> tuple[str, ...]:
        return STRATA

    @property
    def share_at_progression(self) -> float:
        """Day-30 refractory among patients at progression (the untruncated share unless `refractory_share` is set)."""
        return self.parameters.refractory_share if self.choices.refractory_share is None else float(self.choices.refractory_share)

    @property
    def strata_shares(self) -> Array:
        p = self.parameters
        if self.choices.time_zero == "infusion":
            r = p.bridged * p.refractory_bridged + (1 - p.bridged) * p.refractory_not
            return np.array([r, 1 - r])
        w = np.array([self.share_at_progression, 1 - self.share_at_progression])
        if self.choices.time_zero == "first_line_start":
            w = w * p.treated
        return w / w.sum()

    @property
    def weights(self) -> Array:
        """float64[K], share of each first-line regimen."""
        p, regimen = self.parameters, self.choices.regimen
        return mix_weights(p)[0] if regimen == "mix" else np.array([float(k.name == regimen) for k in p.regimens])

    @property
    def responses_at_control(self) -> Array:
        """float64[K], response rate of each regimen as published."""
        return mix_weights(self.parameters)[1]

    def responses(self, effect: Mechanism) -> Array:
        """Return the response rate of each regimen under `effect`, float64[K]."""
        return rates.changed(self.weights, self.responses_at_control, effect)

    def response_rate(self, effect: Mechanism, stratum: int | None = None, complete: bool = False) -> float:
        p = self.parameters
        responses = self.responses(effect)
        if complete:
            responses = rates.complete_by_regimen(p.regimens, self.weights, self.responses_at_control, effect)
        rate = float(np.sum(self.weights * responses))
        if self.choices.time_zero == "first_line_start":
            return rate
        self.choices.refuse_response(effect)
        if self.choices.time_zero == "progression":
            treated = np.array(p.treated)
            return rate * float(np.sum(self.strata_shares * treated) if stratum is None else treated[stratum])
        raise InputError("population: response to first line is not defined from infusion; use time_zero progression or first_line_start")

    def durable_share(self, effect: Mechanism) -> float:
        return effect.durable(self.parameters.durable_share)

    def therapy(self, effect: Mechanism = UNCHANGED) -> courses.Therapy:
        """Return first-line therapy of both arms."""
        return courses.Therapy(self.weights, self.responses(UNCHANGED), self.responses(effect), effect)

    def sample_strata(self, draws: Draws) -> Flags:
        share = self.strata_shares[0]
        # a word below share 2^32 is refractory: the same test as uniform(word) < share, in integers
        limit = min(round(share * 2**32), 2**32)
        word = draws.word("stratum")
        return (word >= np.uint32(limit)).view(np.uint8) if limit < 2**32 else np.zeros(word.shape, dtype=np.uint8)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Mechanism, wants: Collection[str]) -> Courses:
        start = {"first_line_start": courses.from_first_line, "progression": courses.from_progression, "infusion": courses.from_infusion}
        return start[self.choices.time_zero](self.parameters, self.therapy(effect), draws, stratum, arm, wants)

    def curves(self, effect: Mechanism) -> dict[str, tuple[Array, ...]]:
        t, p, weights, responses = grid(STEP, END), courses.treated(self.parameters, effect), self.weights, self.responses(effect)
        if self.choices.time_zero == "first_line_start":
            a, b = (from_first_line(p, g, weights, responses, effect.hazard_of(g), t, effect.after_progression) for g in (0, 1))
            return {"pfs": (a.pfs, b.pfs), "os": (a.os, b.os)}
        self.choices.refuse_response(effect)
        r, o = (from_progression(p, g, weights, responses, t, effect) for g in (0, 1))
        if self.choices.time_zero == "progression":
            return {"pfs": (r.pfs, o.pfs), "os": (r.os, o.os)}
        averaged = [os_from_progression_average(p, g, x) for g, x in ((0, r), (1, o))]
        x = from_infusion(p, (r.os, averaged[0]), (o.os, averaged[1]), t)
        return {name: tuple(pair) for name, pair in courses.infusion_strata(p, x, averaged).items()}

    def states(self, effect: Mechanism, stratum: int, t: Array) -> state_courses.Course:
        p, weights, response = courses.treated(self.parameters, effect), self.weights, self.responses(effect)
        if self.choices.time_zero == "first_line_start":
            return state_courses.from_first_line(p, stratum, weights, response, effect.hazard_of(stratum), t, effect.after_progression)
        progressed = state_courses.from_progression(p, stratum, weights, response, t, effect)
        return progressed if self.choices.time_zero == "progression" else state_courses.from_infusion(p, stratum, progressed, t)

    def first_line(self, stratum: int, effect: Mechanism = UNCHANGED) -> FirstLine:
        """Return the curves of a stratum from the start of first line, transplants and progressions included."""
        p, profile = courses.treated(self.parameters, effect), effect.hazard_of(stratum)
        return from_first_line(p, stratum, self.weights, self.responses(effect), profile, grid(STEP, END), effect.after_progression)

    def describe(self, notes: Mapping[str, Any], benchmark: Benchmark) -> list[Assumption]:
        return describe(self.parameters, self.choices, notes, benchmark, self.share_at_progression, self.strata_shares)
