"""The parameters of the model with latent classes at failure, as one table of numbers with their names."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from sim.later import later
from sim.population.parameters import DENOMINATORS
from sim.types import Array, InputError

fill_upper_quantile = later("sim.kernels.normal", "fill_upper_quantile")
exp = later("sim.kernels.vectors", "exp")

MODEL = "failure_classes"
REFERENCE_TIME = 2.5  # months from infusion to failure at which the cuts are stated
NOT_NUMBERS = ("denominator", "class_shares", "cuts", "regimens", "at_failure", "marks")


@dataclass(frozen=True)
class Regimen:
    """A first-line regimen after CAR-T failure.

    patients : evaluable patients who received it; its share at first line
    response, complete_response : probabilities among the treated of the study
    intercept : logit of the probability of a response in a class of score 0, solved so that the treated have `response`
    multiplier : of the rate of leaving first line
    response_range, complete_range : where no paper gives the rate, the interval that it is declared with; else None
    """

    name: str
    patients: float
    response: float
    complete_response: float
    intercept: float
    multiplier: float
    response_range: tuple[float, float] | None = None
    complete_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.complete_response <= self.response <= 1:
            raise InputError(
                f"regimen {self.name}: complete response {self.complete_response} and response {self.response}; allowed: 0 <= complete <= response <= 1"
            )
        if not self.multiplier > 0 or not self.patients > 0 or not math.isfinite(self.intercept):
            raise InputError(f"regimen {self.name}: patients {self.patients}, multiplier {self.multiplier}; allowed: positive numbers")


@dataclass(frozen=True)
class ClassParameters:
    """Everything the model needs. Rates are per month, times in months; pairs are (bridged, not) or (day-30 refractory, other).

    Notes
    -----
    A patient who fails T months after infusion is in class k or a better one with probability
    Phi(cuts[k] + time_to_class log(T / 2.5)); `cuts` are solved so that the failures observed by the study have `class_shares`.
    The score z_k of a class is the mean of a standard normal over its share, and m_k = exp(spread z_k) multiplies death while
    waiting, under supportive care and after progression, and the rate of leaving first line, durable responders aside.
    P(treatment intended) = expit(intent - class_to_intent z_k), P(response) = expit(intercept - class_to_response z_k); of the
    responses the same share is complete in every class. Supportive care is Weibull, exp(-ln 2 (t / median)^shape m_k), as is
    survival after first line, exp(-(post_rate t)^post_shape m_k). From the start of first line on, and once cured by CAR-T, patients
    also die as people of their age do: Gompertz, `background_rate` at 60 years, rising by `background_slope` a year.
    """

    denominator: str
    class_shares: tuple[float, ...]
    cuts: tuple[float, ...]
    spread: float
    time_to_class: float
    class_to_intent: float
    class_to_response: float
    intent_refractory: float
    intent_other: float
    start_rate: float
    waiting_death_rate: float
    supportive_median: float
    supportive_shape: float
    exit_rate: float
    partial_ratio: float
    complete_to_partial_ratio: float
    durable_in_complete: float
    durable_in_partial: float
    durable_exit_rate: float
    exit_death_share: float
    post_rate: float
    post_shape: float
    allo_from_response_rate: float
    allo_after_progression_rate: float
    allo_cured_in_response: float
    allo_cured_after_progression: float
    allo_relapse_rate: float
    allo_death_rate: float
    second_line_share: float
    bridged: float
    refractory_bridged: float
    refractory_not: float
    late_bridged: float
    late_not: float
    death_without_progression: float
    progressive_at_day30: float
    progressive_median: float
    progressive_sigma: float
    stable_median: float
    stable_sigma: float
    late_progression_shift: float
    late_progression_median: float
    late_progression_sigma: float
    death_without_progression_median: float
    death_without_progression_sigma: float
    background_rate: float
    background_slope: float
    background_age: float
    background_age_sd: float
    regimens: tuple[Regimen, ...]
    at_failure: dict[str, Any]
    marks: dict[str, Any]

    def __post_init__(self) -> None:
        if self.denominator not in DENOMINATORS:
            raise InputError(f"parameters: denominator is {self.denominator!r}; allowed: {', '.join(DENOMINATORS)}")
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in NOT_NUMBERS:
                continue
            low = -math.inf if f.name in SIGNED else 0.0
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < math.inf:
                raise InputError(f"parameters: {f.name} is {value!r}; allowed: a number{', 0 or more' * (f.name not in SIGNED)}")
            if f.name in SHARES and value > 1:
                raise InputError(f"parameters: {f.name} is {value}; allowed: a probability within [0, 1]")
            if f.name in POSITIVE and not value > 0:
                raise InputError(f"parameters: {f.name} is {value}; allowed: a positive number")
        if len(self.class_shares) < 2 or min(self.class_shares) <= 0 or abs(sum(self.class_shares) - 1) > 1e-9:
            raise InputError(f"parameters: class_shares is {list(self.class_shares)}; allowed: two or more positive shares that add to 1")
        if len(self.cuts) != len(self.class_shares) - 1 or list(self.cuts) != sorted(self.cuts):
            raise InputError(f"parameters: cuts is {list(self.cuts)}; allowed: {len(self.class_shares) - 1} rising numbers")
        for arm, early, late in (("bridged", self.refractory_bridged, self.late_bridged), ("not", self.refractory_not, self.late_not)):
            if early + late + self.death_without_progression > 1:
                raise InputError(
                    f"parameters: refractory, late and death without progression add to more than 1 ({arm}: {early + late + self.death_without_progression:.3f})"
                )

    @property
    def classes(self) -> int:
        """Number of classes, K; class 0 does best."""
        return len(self.class_shares)

    @cached_property
    def scores(self) -> Array:
        """float64[K], mean of a standard normal over each class's share, best class first."""
        ends = np.empty(self.classes - 1)
        fill_upper_quantile(1 - np.cumsum(self.class_shares)[:-1], ends)
        density = np.concatenate([[0.0], exp(-0.5 * ends * ends) / math.sqrt(2 * math.pi), [0.0]])
        return -np.diff(density) / np.array(self.class_shares)

    @cached_property
    def frailty(self) -> Array:
        """float64[K], m_k: what a class multiplies."""
        return exp(self.spread * self.scores)

    @cached_property
    def intended(self) -> Array:
        """float64[2, K], P(treatment intended) by day-30 group and class."""
        return expit(np.array([[self.intent_refractory], [self.intent_other]]) - self.class_to_intent * self.scores)

    @cached_property
    def started_given_intended(self) -> Array:
        """float64[K], P(first line ever starts | intended)."""
        out: Array = self.start_rate / (self.start_rate + self.waiting_death_rate * self.frailty)
        return out

    @cached_property
    def treated(self) -> Array:
        """float64[2, K], P(first line ever starts | failed) by day-30 group and class."""
        out: Array = self.intended * self.started_given_intended
        return out

    @cached_property
    def mix(self) -> Array:
        """float64[R], share of each regimen in the published mix."""
        n = np.array([k.patients for k in self.regimens])
        return n / n.sum()

    @cached_property
    def response(self) -> Array:
        """float64[K, R], P(response) by class and regimen."""
        return expit(np.array([k.intercept for k in self.regimens])[None, :] - self.class_to_response * self.scores[:, None])

    @cached_property
    def complete_response(self) -> Array:
        """float64[K, R], P(complete response) by class and regimen."""
        out: Array = self.response * np.array([k.complete_response / k.response if k.response > 0 else 0.0 for k in self.regimens])
        return out


SIGNED = ("intent_refractory", "intent_other")
SHARES = (
    "durable_in_complete", "durable_in_partial", "exit_death_share", "allo_cured_in_response", "allo_cured_after_progression",
    "second_line_share", "bridged", "refractory_bridged", "refractory_not", "late_bridged", "late_not", "death_without_progression",
    "progressive_at_day30",
)  # fmt: skip
POSITIVE = (
    "start_rate", "supportive_median", "supportive_shape", "exit_rate", "partial_ratio", "complete_to_partial_ratio", "post_rate",
    "post_shape", "allo_relapse_rate", "allo_death_rate", "progressive_median", "progressive_sigma", "stable_median", "stable_sigma",
    "late_progression_median", "late_progression_sigma", "death_without_progression_median", "death_without_progression_sigma",
    "background_rate", "background_slope", "background_age_sd",
)  # fmt: skip


def expit(x: Array) -> Array:
    """Return 1 / (1 + e^-x)."""
    out: Array = 1.0 / (1.0 + exp(-x))
    return out


def from_mapping(table: dict[str, Any], where: str) -> ClassParameters:
    """Make parameters from the mapping that a parameter file holds under `parameters`.

    Raises InputError, naming `where`, when a name is missing, unknown or has a bad value.
    """
    known = {f.name for f in fields(ClassParameters)}
    missing, unknown = sorted(known - set(table)), sorted(set(table) - known)
    if missing or unknown:
        raise InputError(
            f"{where}: " + "; ".join([f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown))
        )
    try:
        regimens = tuple(Regimen(name=name, **{k: _tuple(v) for k, v in row.items()}) for name, row in table["regimens"].items())
        return ClassParameters(
            **{**table, "regimens": regimens, "class_shares": tuple(table["class_shares"]), "cuts": tuple(table["cuts"])}
        )
    except (TypeError, AttributeError) as error:
        raise InputError(f"{where}: {error}") from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def to_mapping(p: ClassParameters) -> dict[str, Any]:
    """Return the plain mapping that `from_mapping` reads."""
    out: dict[str, Any] = {f.name: getattr(p, f.name) for f in fields(p) if f.name != "regimens"}
    out["regimens"] = {
        k.name: {f.name: getattr(k, f.name) for f in fields(k) if f.name != "name" and getattr(k, f.name) is not None} for k in p.regimens
    }
    return out


def fingerprint(p: ClassParameters) -> str:
    """Return 16 hex digits that change with any parameter."""
    content = {k: (float(f"{v:.12g}") if isinstance(v, float) else v) for k, v in to_mapping(p).items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
