"""The model with latent classes at failure: sampler and exact curves from each time zero."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sim.benchmark import Benchmark
from sim.effect import HazardProfile, Mechanism
from sim.population.course_model import Choices, CourseModel
from sim.population.failure_classes import courses, curves, infusion, levers, marks, states, times
from sim.population.failure_classes.describe import describe
from sim.population.failure_classes.levers import Levers
from sim.population.failure_classes.parameters import ClassParameters, fingerprint
from sim.population.multi_state import END, STEP, grid
from sim.population.state_courses import Course, mixture
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError

DAY30, BY_TIME = ("day-30 refractory", "other"), times.TIME_CLASSES
STRATIFY_BY = {"day30": DAY30, "time_to_failure": BY_TIME}


@dataclass(frozen=True, eq=False)
class FailureClasses(CourseModel):
    """Patients in classes given their time to failure; the class decides treatment, response, and every clock after failure.

    Parameters
    ----------
    parameters : of the model
    choices : time zero, mix, strata and who is eligible

    Notes
    -----
    Given the class nothing after failure depends on the day-30 group, except whether treatment is intended, or on the time to
    failure. So strata, eligibility and another share of the day-30 refractory are weights of the same curves.
    """

    parameters: ClassParameters
    choices: Choices

    def __post_init__(self) -> None:
        choices = self.choices
        if choices.stratify_by not in STRATIFY_BY:
            raise InputError(f"population.stratify_by is {choices.stratify_by!r}; allowed: {', '.join(STRATIFY_BY)}")
        marks.check(self.parameters, choices.eligible)
        if choices.time_zero == "infusion":
            if choices.stratify_by != "day30":
                raise InputError(
                    f"population.stratify_by is {choices.stratify_by!r} with time_zero infusion; allowed there: day30 (nobody has failed yet)"
                )
            if any(x is not None for x in choices.eligible.values()):
                raise InputError("population.eligible is about marks at failure; allowed with time_zero progression or first_line_start")
        elif float(np.sum(self.cells)) <= 0:
            raise InputError("population.eligible leaves nobody; allowed: levels that some patients have")

    @cached_property
    def _kept(self) -> dict[object, Any]:
        return {}

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
        return STRATIFY_BY[self.choices.stratify_by]

    @cached_property
    def at_progression(self) -> Array:
        """float64[2, 4, K], shares of patients at progression by day-30 group, time to failure and class, before eligibility."""
        shares = times.eventual(self.parameters, grid(STEP, END))
        wanted = self.choices.refractory_share
        if wanted is not None:
            group = np.sum(shares, axis=(1, 2))
            shares = shares * (np.array([wanted, 1 - wanted]) / group)[:, None, None]
        return shares

    @cached_property
    def cells(self) -> Array:
        """float64[2, 4, K], the same among the eligible at time zero, adding to 1; all zero when there are none."""
        shares = self.at_progression * marks.weights(self.parameters, self.choices.eligible)
        if self.choices.time_zero == "first_line_start":
            shares = shares * self.parameters.treated[:, None, :]
        total = np.sum(shares)
        return shares / total if total > 0 else shares

    def _in_strata(self, cells: Array) -> Array:
        """Sum cells to float64[S, K]."""
        out: Array = np.sum(cells, axis=1 if self.choices.stratify_by == "day30" else 0)
        return out

    @cached_property
    def classes(self) -> Array:
        """float64[S, K], shares of stratum and class at time zero."""
        return self._in_strata(self.cells)

    @cached_property
    def intended(self) -> Array:
        """float64[S, K], P(treatment intended | stratum, class) at progression."""
        w = self.classes
        mean = self._in_strata(self.cells * self.parameters.intended[:, None, :])
        return np.where(w > 0, mean / np.where(w > 0, w, 1.0), 0.0)

    @cached_property
    def starting(self) -> Array:
        """float64[S, K], share of stratum and class of those who start first line; of everybody at time zero, so not all need to."""
        if self.choices.time_zero == "first_line_start":
            return self.classes
        return self.classes * self.intended * self.parameters.started_given_intended

    @property
    def strata_shares(self) -> Array:
        if self.choices.time_zero == "infusion":
            p = self.parameters
            r = p.bridged * p.refractory_bridged + (1 - p.bridged) * p.refractory_not
            return np.array([r, 1 - r])
        out: Array = np.sum(self.classes, axis=1)
        return out

    @property
    def refractory_share(self) -> float:
        """Day-30 refractory at progression."""
        return float(np.sum(self.at_progression[0]))

    @property
    def weights(self) -> Array:
        """float64[R], share of each regimen."""
        p = self.parameters
        return p.mix if self.choices.regimen == "mix" else np.array([float(k.name == self.choices.regimen) for k in p.regimens])

    def levers(self, effect: Mechanism) -> Levers:
        """Return what the effect moves."""
        return levers.experimental(self.parameters, self.weights, len(self.strata), effect, np.sum(self.starting, axis=0))

    def arms(self, effect: Mechanism) -> courses.Arms:
        """Return both arms as the kernels read them."""
        key = ("arms", effect)
        if key not in self._kept:
            control = levers.control(self.parameters, self.weights, len(self.strata))
            self._kept[key] = courses.arms(self.parameters, control, self.levers(effect))
        out: courses.Arms = self._kept[key]
        return out

    def response_rate(self, effect: Mechanism, stratum: int | None = None, complete: bool = False) -> float:
        if self.choices.time_zero == "infusion":
            raise InputError(
                "population: response to first line is not defined from infusion; use time_zero progression or first_line_start"
            )
        self.choices.refuse_response(effect)
        starting = self.starting
        w = np.sum(starting, axis=0) if stratum is None else starting[stratum] / np.sum(self.classes[stratum])
        return levers.response_rate(self.levers(effect), w, complete)

    def durable_share(self, effect: Mechanism) -> float:
        return levers.durable_share(self.levers(effect), np.sum(self.starting, axis=0))

    def rates_by_regimen(self) -> dict[str, tuple[float, float]]:
        """Return P(response) and P(complete response) of each regimen among those who start first line."""
        p, treated = self.parameters, np.sum(self.at_progression * self.parameters.treated[:, None, :], axis=(0, 1))
        w = treated / np.sum(treated)
        both = [np.sum(w[:, None] * x, axis=0) for x in (p.response, p.complete_response)]
        return {k.name: (float(a), float(b)) for k, a, b in zip(p.regimens, *both, strict=True)}

    def sample_strata(self, draws: Draws) -> Flags:
        word = draws.word("stratum")
        out = np.zeros(word.shape, dtype=np.uint8)
        for share in np.cumsum(self.strata_shares)[:-1]:
            limit = round(float(share) * 2**32)
            if limit < 2**32:
                out += (word >= np.uint32(limit)).view(np.uint8)
        return out

    def sample_classes(self, draws: Draws, stratum: Flags) -> Flags:
        """Return uint8[m n], the class of each addressed patient at progression or first line."""
        return courses.choose_class(draws, stratum, self.classes)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Mechanism, wants: Collection[str]) -> Courses:
        stratum, arm = np.ascontiguousarray(stratum), np.ascontiguousarray(arm)
        shape, x, os = stratum.shape, self.arms(effect), "os" in wants
        if self.choices.time_zero == "infusion":
            z = courses.infusion(self.parameters, x, draws, stratum, arm, os)
            return Courses(stratum, z.time.reshape(shape) if "pfs" in wants else None, z.os.reshape(shape) if os else None)
        class_ = self.sample_classes(draws, stratum)
        if self.choices.time_zero == "first_line_start":
            y = courses.first_line(self.parameters, x, draws, stratum, class_, arm, os)
            pfs, death, treated = y.pfs, y.os, np.uint8(1)
        else:
            after = courses.progression(self.parameters, x, self.intended, draws, stratum, class_, arm, os)
            y, treated = after.first_line, (after.path == 2).view(np.uint8)
            pfs, death = after.pfs, after.os if os else None
        kind = y.marks[1].reshape(shape)
        return Courses(
            stratum,
            pfs.reshape(shape) if "pfs" in wants else None,
            death.reshape(shape) if death is not None else None,
            (np.minimum(kind, 1) * np.reshape(treated, shape if np.ndim(treated) else ())).astype(np.uint8)
            if "response" in wants
            else None,
            ((kind == 2) * np.reshape(treated, shape if np.ndim(treated) else ())).astype(np.uint8) if "cr" in wants else None,
        )

    def by_class(self, effect: Mechanism, stratum: int = 0) -> tuple[Array, Array]:
        """Return PFS and OS of each class in a stratum from time zero (progression or first line), float64[K, n]."""
        x = self.levers(effect)
        return self._by_class(self._first_line(x, x.profiles[stratum]), stratum)

    def _first_line(self, x: Levers, profile: HazardProfile) -> Any:
        """Return the curves of each class that have the time zero, whatever the mix of the stratum."""
        of = curves.first_line if self.choices.time_zero == "first_line_start" else curves.from_progression
        return of(self.parameters, x, profile, grid(STEP, END))

    def _by_class(self, y: Any, stratum: int) -> tuple[Array, Array]:
        if self.choices.time_zero == "first_line_start":
            return y.pfs, y.os
        if self.choices.time_zero == "progression":
            intended = self.intended[stratum]
            out: tuple[Array, Array] = y.survival(intended * self.parameters.started_given_intended, intended)
            return out
        raise InputError("population: no curves by class from infusion; allowed: time_zero progression or first_line_start")

    def curves(self, effect: Mechanism) -> dict[str, tuple[Array, ...]]:
        x = self.levers(effect)
        # strata under the same hazard ratio differ by weights alone
        distinct = {profile: self._first_line(x, profile) for profile in dict.fromkeys(x.profiles)}
        each = [distinct[profile] for profile in x.profiles]
        if self.choices.time_zero == "infusion":
            return infusion.by_stratum(self.parameters, (each[0], each[1]), grid(STEP, END))
        pfs: list[Array] = []
        os: list[Array] = []
        for s, row in enumerate(self.classes):
            w = row / np.sum(row) if np.sum(row) > 0 else np.array(self.parameters.class_shares)
            for out, curve in zip((pfs, os), self._by_class(each[s], s), strict=True):
                out.append(np.sum(w[:, None] * curve, axis=0))
        return {"pfs": tuple(pfs), "os": tuple(os)}

    def states(self, effect: Mechanism, stratum: int, t: Array) -> Course:
        p, x = self.parameters, self.levers(effect)
        if self.choices.time_zero == "infusion":
            return states.infusion(p, x, t, stratum)
        row = self.classes[stratum] / np.sum(self.classes[stratum])
        if self.choices.time_zero == "first_line_start":
            by_class = states.first_line(p, x, x.profiles[stratum], t)
        else:
            by_class = states.progression(p, x, x.profiles[stratum], t, self.intended[stratum])
        return mixture([(float(w), course) for w, course in zip(row, by_class, strict=True)])

    def describe(self, notes: Mapping[str, Any], benchmark: Benchmark) -> list[Assumption]:
        return describe(self.parameters, self.choices, notes, benchmark, self.refractory_share, self.strata_shares)
