"""Patients after CD19 CAR-T, calibrated to a published series: `PostCartFailure`, sampler and exact curves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sim.benchmark import Benchmark, conf_folder, zurko2023
from sim.curve import Curve
from sim.effect import NO_EFFECT, Effect, Mechanism
from sim.population import courses, rates
from sim.population.describe_post_cart_failure import describe
from sim.population.multi_state import (
    END,
    STEP,
    FirstLine,
    from_first_line,
    from_infusion,
    from_progression,
    grid,
    os_from_progression_average,
)
from sim.population.parameter_draws import path_beside, read_draws
from sim.population.parameters import DENOMINATORS, Parameters, fingerprint, mix_weights, read, read_notes
from sim.population.population import Population
from sim.population.prognostic import with_prognosis
from sim.rng import Draws
from sim.types import Array, Assumption, Courses, Flags, InputError

TIME_ZEROS = ("infusion", "progression", "first_line_start")
ENDPOINTS = ("pfs", "os")


def sum_of(weights: Array, curves: tuple[Array, Array]) -> Array:
    """Return the weighted sum of two curves; a matrix product would round as the processor's library likes."""
    out: Array = weights[0] * curves[0] + weights[1] * curves[1]
    return out


STRATA = ("day-30 refractory", "other")


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
    prognostic : more than 2 lines (hazard ratio 1.89) and neither double hit nor expressor (0.42) act on first line, solved so that a
        Cox regression of the authors' patients tends to these
    draws : how many parameter sets of the bootstrap of the study `task=power` and `task=size` put in the place of the truth; None = none

    Notes
    -----
    A clock-reset multi-state model: every transition starts a new clock, so a start at progression or at first line
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
        names = [k.name for k in self.values.regimens]
        if self.regimen not in ("mix", *names):
            raise InputError(f"population.regimen is {self.regimen!r}; allowed: mix, {', '.join(names)}")
        if not isinstance(self.prognostic, bool):
            raise InputError(f"population.prognostic is {self.prognostic!r}; allowed: true or false")
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
        return path

    @cached_property
    def values(self) -> Parameters:
        """The fitted parameters."""
        path = self.path
        p = read(path)
        if p.denominator != self.denominator:
            raise InputError(
                f"population.parameters: {path} was fitted under denominator {p.denominator}; population.denominator is {self.denominator}"
            )
        return with_prognosis(p) if self.prognostic else p

    @property
    def notes(self) -> dict[str, Any]:
        """What the parameter file says of its parameters: priors, ranges, and what the figures identify."""
        return read_notes(self.path)

    @cached_property
    def drawn(self) -> tuple[Parameters, ...]:
        """Every shipped draw around the fitted parameters: the parametric bootstrap of the study (`sim.calibration.draws`)."""
        return read_draws(path_beside(self.path), self.values)

    @property
    def deciding_data(self) -> str:
        """A digest of the parameters' values: simulated blocks are stored under it, not under the name of the file."""
        return fingerprint(self.values)

    @property
    def strata(self) -> tuple[str, ...]:
        return STRATA

    @property
    def share_at_progression(self) -> float:
        """Day-30 refractory among patients at progression (the untruncated share unless `refractory_share` is set)."""
        return self.values.refractory_share if self.refractory_share is None else float(self.refractory_share)

    @property
    def strata_shares(self) -> Array:
        p = self.values
        if self.time_zero == "infusion":
            r = p.bridged * p.refractory_bridged + (1 - p.bridged) * p.refractory_not
            return np.array([r, 1 - r])
        w = np.array([self.share_at_progression, 1 - self.share_at_progression])
        if self.time_zero == "first_line_start":
            w = w * p.treated
        return w / w.sum()

    @property
    def weights(self) -> Array:
        """float64[K], share of each first-line regimen."""
        mix = mix_weights(self.values)[0]
        return mix if self.regimen == "mix" else np.array([float(k.name == self.regimen) for k in self.values.regimens])

    def responses(self, effect: Effect) -> Array:
        """Return the response rate of each regimen under `effect`, float64[K]."""
        return rates.changed(self.weights, self.responses_at_control, self.mechanism(effect))

    @property
    def responses_at_control(self) -> Array:
        """float64[K], response rate of each regimen as published."""
        return mix_weights(self.values)[1]

    def complete_response_rate(self, effect: Effect = NO_EFFECT) -> float | None:
        if self.time_zero != "first_line_start":
            return None
        return rates.complete(self.values.regimens, self.weights, self.responses_at_control, self.mechanism(effect))

    def durable_share(self, effect: Effect = NO_EFFECT) -> float:
        return self.mechanism(effect).durable(self.values.durable_share)

    @property
    def levers(self) -> tuple[str, ...]:
        return ("both", "hazard", "response", "durable")

    @property
    def endpoints(self) -> tuple[str, ...]:
        # from infusion progression-free survival ends before the treatment starts
        return ("os",) if self.time_zero == "infusion" else ("pfs", "os")

    def reference(self) -> PostCartFailure:
        if self.refractory_share is None:
            return self
        found: PostCartFailure = self.once("reference", lambda: replace(self, refractory_share=None))
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
        rate = float(np.sum(self.weights * self.responses(effect)))
        if self.time_zero == "first_line_start":
            return rate
        self._refuse_response(effect)
        if self.time_zero == "progression":
            treated = np.array(self.values.treated)
            return rate * float(np.sum(self.strata_shares * treated) if stratum is None else treated[stratum])
        raise InputError("population: response to first line is not defined from infusion; use time_zero progression or first_line_start")

    def moved_by(self, endpoint: str) -> frozenset[str]:
        # who responds leaves first line later
        survival = {"pfs": {"hazard", "response", "durable"}, "os": {"hazard", "response", "durable", "death"}}
        return frozenset(survival.get(endpoint, {"response"}))

    def therapy(self, effect: Effect = NO_EFFECT) -> courses.Therapy:
        """Return first-line therapy of both arms."""
        return courses.Therapy(self.weights, self.responses(NO_EFFECT), self.responses(effect), self.mechanism(effect))

    def _refuse_response(self, effect: Effect) -> None:
        if self.time_zero != "first_line_start" and self.mechanism(effect).response_difference != 0:
            raise InputError(
                f"effect: a response is one to first line, and population.time_zero is {self.time_zero!r}; allowed: first_line_start, or an effect on hazards"
            )

    @property
    def time_zero_event(self) -> str:
        """Time zero in plain words."""
        return {"infusion": "CAR-T infusion", "progression": "progression after CAR-T", "first_line_start": "start of first-line therapy"}[
            self.time_zero
        ]

    def sample_strata(self, draws: Draws) -> Flags:
        share = self.strata_shares[0]
        # a word below share 2^32 is refractory: the same test as uniform(word) < share, in integers
        limit = min(round(share * 2**32), 2**32)
        word = draws.word("stratum")
        return (word >= np.uint32(limit)).view(np.uint8) if limit < 2**32 else np.zeros(word.shape, dtype=np.uint8)

    def sample(self, draws: Draws, stratum: Flags, arm: Flags, effect: Effect, wants: Collection[str]) -> Courses:
        self._refuse_response(effect)
        if not self.mechanism(effect).is_null:
            self.check_acts_on(wants)
        start = {"first_line_start": courses.from_first_line, "progression": courses.from_progression, "infusion": courses.from_infusion}
        return start[self.time_zero](self.values, self.therapy(effect), draws, stratum, arm, wants)

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
        both = self._quadrature(self.mechanism(effect))[endpoint]
        return tuple(Curve(STEP, np.minimum.accumulate(np.clip(s, 0.0, 1.0))) for s in both)

    def _quadrature(self, change: Mechanism) -> dict[str, tuple[Array, Array]]:
        t, p, weights, responses = grid(STEP, END), courses.treated(self.values, change), self.weights, self.responses(change)
        if self.time_zero == "first_line_start":
            a, b = (from_first_line(p, g, weights, responses, change.hazard_of(g), t, change.after_progression) for g in (0, 1))
            return {"pfs": (a.pfs, b.pfs), "os": (a.os, b.os)}
        self._refuse_response(change)
        r, o = (from_progression(p, g, weights, responses, t, change) for g in (0, 1))
        if self.time_zero == "progression":
            return {"pfs": (r.pfs, o.pfs), "os": (r.os, o.os)}
        averaged = [os_from_progression_average(p, g, x) for g, x in ((0, r), (1, o))]
        x = from_infusion(p, (r.os, averaged[0]), (o.os, averaged[1]), t)
        return courses.infusion_strata(p, x, averaged)

    def first_line(self, stratum: int, effect: Effect = NO_EFFECT) -> FirstLine:
        """Return the curves of a stratum from the start of first line, transplants and progressions included."""
        change = self.mechanism(effect)
        p, profile = courses.treated(self.values, change), change.hazard_of(stratum)
        return from_first_line(p, stratum, self.weights, self.responses(change), profile, grid(STEP, END), change.after_progression)

    def describe(self) -> list[Assumption]:
        return describe(self)
