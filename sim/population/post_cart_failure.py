"""Patients after CD19 CAR-T, calibrated to a published series: `PostCartFailure`, sampler and exact curves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sim.benchmark import Benchmark, conf_folder, zurko2023
from sim.curve import Curve
from sim.effect import NO_EFFECT, Effect, Mechanism
from sim.population import courses, day30_groups
from sim.population.course_model import Choices, CourseModel
from sim.population.day30_groups import Day30Groups
from sim.population.failure_classes import parameters as class_parameters
from sim.population.failure_classes.model import FailureClasses
from sim.population.multi_state import STEP, FirstLine
from sim.population.parameter_draws import path_beside, read_draws
from sim.population.parameters import DENOMINATORS, MODEL, Parameters, from_mapping, mix_weights, model_of, named, notes_of, read_content
from sim.population.population import Population
from sim.population.prognostic import with_prognosis
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError

TIME_ZEROS = ("infusion", "progression", "first_line_start")
ENDPOINTS = ("pfs", "os")


def sum_of(weights: Array, curves: tuple[Array, ...]) -> Array:
    """Return the weighted sum of curves; a matrix product would round as the processor's library likes."""
    out: Array = weights[0] * curves[0]
    for w, curve in zip(weights[1:], curves[1:], strict=True):
        out = out + w * curve
    return out


STRATA = day30_groups.STRATA


@dataclass(frozen=True, eq=False)
class PostCartFailure(Population):
    """Sample and describe patients whose lymphoma was treated with CD19 CAR-T, from the chosen time zero.

    Parameters
    ----------
    time_zero : `infusion`, `progression` after CAR-T, or `first_line_start`, the start of first-line therapy after it
    denominator : reading of the benchmark under which the parameters were fitted
    refractory_share : day-30 refractory among patients at progression; None = the model's own, untruncated share
    regimen : `mix` as published, or one first-line regimen for everybody
    parameters : name of a set in conf/benchmark/parameters, or the path of a parameter file
    stratify_by : `day30`, or `time_to_failure`: within 1 month, 1 to 3, 3 to 6, later (models with classes at failure)
    eligible : mark at failure -> the levels that may enter, null = all (models with classes at failure)
    prognostic : more than 2 lines (hazard ratio 1.89) and neither double hit nor expressor (0.42) act on first line, solved so that a
        Cox regression of the authors' patients tends to these
    draws : how many parameter sets of the bootstrap of the study `task=power` and `task=size` put in the place of the truth; None = none

    Notes
    -----
    Which model the parameters belong to, their file says: `failure_classes` (latent classes at failure) or the first one,
    `day30_groups`. Both are clock-reset multi-state models: every transition starts a new clock, so a start at progression or at first line
    samples the conditional law directly, with the day-30 groups reweighted by who lives to start. PFS ends at the
    first progression or death after time zero; the untreated have no further progression on record, so theirs is death.

    References
    ----------
    Zurko et al., Blood Advances 2023;7(12):2657. Putter, Fiocco & Geskus, Statistics in Medicine 2007;26:2389, section 3.

    Examples
    --------
    >>> trial = PostCartFailure(time_zero="first_line_start")
    >>> round(trial.curve("pfs").median(), 1), round(trial.curve("os").median(), 1)
    (2.0, 8.4)
    """

    time_zero: str = "first_line_start"
    denominator: str = "progressed"
    refractory_share: float | None = None
    regimen: str = "mix"
    parameters: str = "zurko2023"
    stratify_by: str = "day30"
    eligible: Mapping[str, Any] | None = None
    prognostic: bool = False
    # not compared: it decides no patient of this population, only which others are simulated beside it
    draws: int | None = field(default=None, compare=False)
    # of the benchmark, see `with_benchmark`; None = of the shipped one
    _published: tuple[tuple[str, float], ...] | None = field(default=None, repr=False)
    # for the report's words, see `with_benchmark`; it decides no patient
    _benchmark: Benchmark | None = field(default=None, repr=False, compare=False)
    _cache: dict[object, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.time_zero not in TIME_ZEROS:
            raise InputError(f"population.time_zero is {self.time_zero!r}; allowed: {', '.join(TIME_ZEROS)}")
        if self.denominator not in DENOMINATORS:
            raise InputError(f"population.denominator is {self.denominator!r}; allowed: {', '.join(DENOMINATORS)}")
        if self.denominator == "failures" and self.time_zero == "infusion":
            raise InputError(
                "population.time_zero is 'infusion' under denominator 'failures'; allowed there: progression, first_line_start (deaths without progression cannot be treated)"
            )
        share = self.refractory_share
        if share is not None and (isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1):
            raise InputError(f"population.refractory_share is {share!r}; allowed: null or a share within [0, 1]")
        if share is not None and self.time_zero == "infusion":
            raise InputError(
                "population.refractory_share is a share at progression; allowed with time_zero progression or first_line_start"
            )
        if not isinstance(self.prognostic, bool):
            raise InputError(f"population.prognostic is {self.prognostic!r}; allowed: true or false")
        if self.eligible is not None and not isinstance(self.eligible, Mapping):
            raise InputError(f"population.eligible is {self.eligible!r}; allowed: null, or a mark at failure -> a list of its levels")
        names = self.course.regimens
        if self.regimen not in ("mix", *names):
            raise InputError(f"population.regimen is {self.regimen!r}; allowed: mix, {', '.join(names)}")
        if self.draws is not None:
            self._check_draws(self.draws)

    def _check_draws(self, draws: int) -> None:
        if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
            raise InputError(f"population.draws is {draws!r}; allowed: a whole number, 1 or more, or null")
        if self.time_zero == "infusion":
            raise InputError(
                "population.draws: some draws read the paper under denominator 'failures', which has no course from infusion; allowed with time_zero progression or first_line_start"
            )
        if not path_beside(self.path).exists():
            raise InputError(
                f"population.draws: there are no draws around {self.path.name}; allowed: zurko2023 under denominator progressed"
            )
        if draws > len(self.drawn):
            raise InputError(f"population.draws is {draws}; allowed: up to {len(self.drawn)}, all of {path_beside(self.path).name}")

    @property
    def path(self) -> Path:
        """The parameter file."""
        path = Path(self.parameters)
        if not path.suffix:
            path = conf_folder() / "benchmark" / "parameters" / f"{self.parameters}_{self.denominator}.yaml"
            if not path.exists():
                known = sorted({f.stem.rsplit("_", 1)[0] for f in path.parent.glob("*.yaml")})
                raise InputError(
                    f"population.parameters is {self.parameters!r}; allowed: {', '.join(known)}, or the path of a parameter file"
                )
        return named(path)

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the parameter file holds."""
        content = read_content(self.path)
        denominator = content["parameters"].get("denominator", self.denominator)
        if denominator in DENOMINATORS and denominator != self.denominator:
            raise InputError(
                f"population.parameters: {self.path} was fitted under denominator {denominator}; population.denominator is {self.denominator}"
            )
        return content

    @property
    def choices(self) -> Choices:
        """What was chosen apart from the parameters."""
        return Choices(
            self.time_zero, self.refractory_share, self.regimen, self.stratify_by, self.eligible or {}, self.prognostic, self.draws
        )

    @property
    def model(self) -> str:
        """Name of the model that the parameters belong to."""
        return model_of(self.content)

    @property
    def course(self) -> CourseModel:
        """The model of the course after CAR-T that the parameters belong to."""
        name = self.model
        if name not in COURSES:
            raise InputError(f"{self.path}: model is {name!r}; allowed: {', '.join(COURSES)}")
        return COURSES[name](self)

    @property
    def day30(self) -> Day30Groups:
        """The course as a model of day-30 groups; InputError where the parameters are another model's."""
        return Day30Groups(self.values, self.choices)

    @cached_property
    def classes(self) -> FailureClasses:
        """The course as a model of classes at failure; InputError where the parameters are another model's."""
        self._refuse_other_than(class_parameters.MODEL)
        if self.prognostic:
            raise InputError(f"population.prognostic is true with parameters of the model {class_parameters.MODEL}; allowed there: false")
        return FailureClasses(class_parameters.from_mapping(self.content["parameters"], str(self.path)), self.choices)

    def _refuse_other_than(self, model: str) -> None:
        own = self.model
        if own != model:
            raise InputError(f"population.parameters: {self.path.name} belongs to the model {own}; allowed here: one of the model {model}")

    @cached_property
    def values(self) -> Parameters:
        """The fitted parameters of the model of day-30 groups; InputError where they are another model's."""
        self._refuse_other_than(MODEL)
        p = from_mapping(self.content["parameters"], str(self.path))
        return with_prognosis(p) if self.prognostic else p

    @property
    def notes(self) -> dict[str, Any]:
        """What the parameter file says of its parameters: priors, ranges, and what the figures identify."""
        return notes_of(self.content)

    @cached_property
    def drawn(self) -> tuple[Parameters, ...]:
        """Every shipped draw around the fitted parameters: the parametric bootstrap of the study (`sim.calibration.draws`)."""
        return read_draws(path_beside(self.path), self.values)

    @property
    def deciding_data(self) -> str:
        """A digest of the parameters' values: simulated blocks are stored under it, not under the name of the file."""
        return self.course.digest

    @property
    def strata(self) -> tuple[str, ...]:
        return self.course.strata

    @property
    def share_at_progression(self) -> float:
        """Day-30 refractory among patients at progression (the untruncated share unless `refractory_share` is set)."""
        return self.day30.share_at_progression

    @property
    def strata_shares(self) -> Array:
        return self.course.strata_shares

    @property
    def weights(self) -> Array:
        """float64[K], share of each first-line regimen."""
        return self.day30.weights

    def responses(self, effect: Effect) -> Array:
        """Return the response rate of each regimen under `effect`, float64[K]."""
        return self.day30.responses(self.mechanism(effect))

    @property
    def responses_at_control(self) -> Array:
        """float64[K], response rate of each regimen as published."""
        return mix_weights(self.values)[1]

    def durable_share(self, effect: Effect = NO_EFFECT) -> float:
        return self.course.durable_share(self.mechanism(effect))

    @property
    def levers(self) -> tuple[str, ...]:
        return ("both", "hazard", "response", "durable")

    @property
    def endpoints(self) -> tuple[str, ...]:
        # from infusion progression-free survival ends before the treatment starts
        return ("os",) if self.time_zero == "infusion" else ("pfs", "os")

    def reference(self) -> PostCartFailure:
        if self.refractory_share is None and self.eligible is None:
            return self
        found: PostCartFailure = self.once("reference", lambda: replace(self, refractory_share=None, eligible=None))
        return found

    def mechanism(self, effect: Effect) -> Mechanism:
        if isinstance(effect, Mechanism):
            return effect
        found: Mechanism = self.once(("mechanism", effect), lambda: self.solved(effect))
        return found

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def with_benchmark(self, benchmark: Benchmark) -> PostCartFailure:
        return replace(self, _published=tuple(benchmark.treated_medians().items()), _benchmark=benchmark)

    @property
    def benchmark(self) -> Benchmark:
        """The published source, overrides applied; the shipped one where none was given."""
        return zurko2023(denominator=self.denominator) if self._benchmark is None else self._benchmark

    def published_median(self, endpoint: str) -> float:
        known = zurko2023().treated_medians() if self._published is None else dict(self._published)
        return known[endpoint] if endpoint in known else super().published_median(endpoint)

    def response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float:
        return self.course.response_rate(self.mechanism(effect), stratum)

    def complete_response_rate(self, effect: Effect = NO_EFFECT, stratum: int | None = None) -> float | None:
        if self.time_zero == "infusion":
            return None
        return self.course.response_rate(self.mechanism(effect), stratum, complete=True)

    def moved_by(self, endpoint: str) -> frozenset[str]:
        # who responds leaves first line later
        survival = {"pfs": {"hazard", "response", "durable"}, "os": {"hazard", "response", "durable", "death"}}
        return frozenset(survival.get(endpoint, {"response"}))

    def therapy(self, effect: Effect = NO_EFFECT) -> courses.Therapy:
        """Return first-line therapy of both arms."""
        return self.day30.therapy(self.mechanism(effect))

    @property
    def time_zero_event(self) -> str:
        """Time zero in plain words."""
        return self.choices.time_zero_event

    def sample_strata(self, draws: Draws) -> Flags:
        return self.course.sample_strata(draws)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        change = self.mechanism(effect)
        self.choices.refuse_response(change)
        if not change.is_null:
            self.check_acts_on(wants)
        return self.course.sample(draws, stratum, arm, change, wants)

    def check_acts_on(self, wants: Collection[str]) -> None:
        if self.time_zero == "infusion" and "os" not in wants:
            raise InputError(
                "effect: it acts from the start of first line, after progression-free survival from infusion has ended (population.time_zero);"
                " allowed: endpoint os, or time_zero progression or first_line_start"
            )

    def curve(self, endpoint: str, effect: Effect = NO_EFFECT, stratum: int | None = None) -> Curve:
        if endpoint not in ENDPOINTS:
            raise InputError(f"population: no curve of {endpoint!r}; allowed: {', '.join(ENDPOINTS)}")
        change = self.mechanism(effect)

        def made() -> Curve:
            both = self.once(("curves", change), lambda: self._quadrature(change))[endpoint]
            s = sum_of(self.strata_shares, both) if stratum is None else both[stratum]
            return Curve(STEP, np.minimum.accumulate(np.clip(s, 0.0, 1.0)))

        curve: Curve = self.once((endpoint, change, stratum), made)
        return curve

    def strata_curves(self, endpoint: str, effect: Effect = NO_EFFECT) -> tuple[Curve, ...]:
        # not kept: a solver asks for many mechanisms once
        each = self._quadrature(self.mechanism(effect))[endpoint]
        return tuple(Curve(STEP, np.minimum.accumulate(np.clip(s, 0.0, 1.0))) for s in each)

    def _quadrature(self, change: Mechanism) -> dict[str, tuple[Array, ...]]:
        self.choices.refuse_response(change)
        return self.course.curves(change)

    def first_line(self, stratum: int, effect: Effect = NO_EFFECT) -> FirstLine:
        """Return the curves of a stratum from the start of first line, transplants and progressions included."""
        return self.day30.first_line(stratum, self.mechanism(effect))

    def describe(self) -> list[Assumption]:
        return self.course.describe(self.notes, self.benchmark)


# model, as a parameter file names it -> its course under a population's choices
COURSES: dict[str, Callable[[PostCartFailure], CourseModel]] = {MODEL: lambda x: x.day30, class_parameters.MODEL: lambda x: x.classes}
