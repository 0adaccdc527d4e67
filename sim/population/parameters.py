"""The parameters of the multi-state model after CAR-T, as one table of numbers with their names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sim.reading import parse_yaml, read_text
from sim.types import Array, InputError

MODEL = "day30_groups"
DENOMINATORS = ("progressed", "failures")
NO_CLASSES = ((1.0, 1.0, 1.0, 1.0),)


@dataclass(frozen=True)
class Regimen:
    """A first-line regimen after CAR-T failure.

    patients : evaluable patients who received it, of 162; its share at first line
    response, complete_response : probabilities among evaluable patients
    multiplier : of the rate of leaving first line, on top of what the response rate does
    """

    name: str
    patients: float
    response: float
    complete_response: float
    multiplier: float

    def __post_init__(self) -> None:
        if not 0 <= self.complete_response <= self.response <= 1:
            raise InputError(
                f"regimen {self.name}: complete response {self.complete_response} and response {self.response}; allowed: 0 <= complete <= response <= 1"
            )
        if not self.multiplier > 0 or not self.patients > 0:
            raise InputError(f"regimen {self.name}: patients {self.patients}, multiplier {self.multiplier}; allowed: positive numbers")


@dataclass(frozen=True)
class Parameters:
    """Everything the model needs. Rates are per month, times in months; pairs are (day-30 refractory, other) or (bridged, not).

    Notes
    -----
    Weibull survivals: supportive care exp(-ln 2 (t / supportive_median)^supportive_shape theta_g), after first line
    exp(-(post_rate t)^post_shape theta_g), where theta_g = theta in the day-30 refractory and 1 in the others. Progression
    after CAR-T is log-normal in each group, in the others shifted by 30 days. `second_line_share` is P(second line |
    progressed on first line, alive); `treated_*` is P(first line is ever started | progressed), a little
    above the published shares, which count starts seen by the study's cut.
    `marks` holds what hangs on the course without steering it: response to CAR-T, baseline covariates (`marks.py`).
    `exit_classes` are prognostic classes at first line: share, multipliers of the rate of leaving it without and with a
    response, durable responders aside, and of the odds of a response; a switch of the population (`prognostic.py`), never part of a parameter file.
    """

    denominator: str
    theta: float
    treated_refractory: float
    treated_other: float
    start_rate: float
    waiting_death_rate: float
    supportive_median: float
    supportive_shape: float
    exit_rate: float
    responder_ratio: float
    durable_share: float
    durable_exit_rate: float
    exit_death_share: float
    post_rate: float
    post_shape: float
    allo_from_response_rate: float
    allo_after_progression_rate: float
    allo_cured: float
    allo_relapse_rate: float
    allo_death_rate: float
    second_line_share: float
    bridged: float
    refractory_bridged: float
    refractory_not: float
    late_bridged: float
    late_not: float
    death_without_progression: float
    refractory_progression_median: float
    refractory_progression_sigma: float
    late_progression_shift: float
    late_progression_median: float
    late_progression_sigma: float
    death_without_progression_median: float
    death_without_progression_sigma: float
    background_death_rate: float
    regimens: tuple[Regimen, ...]
    marks: dict[str, Any]
    exit_classes: tuple[tuple[float, float, float, float], ...] = NO_CLASSES

    def __post_init__(self) -> None:
        if self.denominator not in DENOMINATORS:
            raise InputError(f"parameters: denominator is {self.denominator!r}; allowed: {', '.join(DENOMINATORS)}")
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("denominator", "regimens", "marks", "exit_classes"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise InputError(f"parameters: {f.name} is {value!r}; allowed: a number, 0 or more")
        for name in SHARES:
            if getattr(self, name) > 1:
                raise InputError(f"parameters: {name} is {getattr(self, name)}; allowed: a probability within [0, 1]")
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                raise InputError(f"parameters: {name} is {getattr(self, name)}; allowed: a positive number")
        for arm, early, late in (("bridged", self.refractory_bridged, self.late_bridged), ("not", self.refractory_not, self.late_not)):
            if early + late + self.death_without_progression > 1:
                raise InputError(
                    f"parameters: refractory, late and death without progression add to more than 1 ({arm}: {early + late + self.death_without_progression:.3f})"
                )
        for g, name in enumerate(("treated_refractory", "treated_other")):
            if self.intended[g] > 1:
                reach = self.started_given_intended[g]
                raise InputError(
                    f"parameters: {name} is {getattr(self, name):.3f}, which no intent probability reaches: only {reach:.3f} of the intended live to start"
                )

    @property
    def hazard_ratios(self) -> tuple[float, float]:
        """theta_g: the multiplier of every disease and death hazard after progression, by day-30 group."""
        return (self.theta, 1.0)

    @property
    def treated(self) -> tuple[float, float]:
        """Share of progressed patients who start first-line therapy, by day-30 group."""
        return (self.treated_refractory, self.treated_other)

    @property
    def started_given_intended(self) -> tuple[float, float]:
        """P(start | treatment intended), by day-30 group: a race between the start and death while waiting."""
        a, b = (self.start_rate / (self.start_rate + self.waiting_death_rate * h) for h in self.hazard_ratios)
        return (a, b)

    @property
    def intended(self) -> tuple[float, float]:
        """P(treatment intended), by day-30 group, solved from the treated shares."""
        s = self.started_given_intended
        return (self.treated_refractory / s[0], self.treated_other / s[1])

    @property
    def refractory_share(self) -> float:
        """Day-30 refractory among eventual progressions: untruncated (definition 2 of the three)."""
        r = self.bridged * self.refractory_bridged + (1 - self.bridged) * self.refractory_not
        o = self.bridged * self.late_bridged + (1 - self.bridged) * self.late_not
        return r / (r + o)

    @property
    def response(self) -> float:
        """Response rate of the published mix of first-line regimens."""
        return sum(k.patients * k.response for k in self.regimens) / sum(k.patients for k in self.regimens)


SHARES = (
    "treated_refractory", "treated_other", "durable_share", "exit_death_share", "allo_cured", "second_line_share", "bridged",
    "refractory_bridged", "refractory_not", "late_bridged", "late_not", "death_without_progression",
)  # fmt: skip
POSITIVE = (
    "theta", "start_rate", "supportive_median", "supportive_shape", "exit_rate", "responder_ratio", "durable_exit_rate", "post_rate", "post_shape",
    "allo_relapse_rate", "allo_death_rate", "refractory_progression_median", "refractory_progression_sigma", "late_progression_median",
    "late_progression_sigma", "death_without_progression_median", "death_without_progression_sigma", "background_death_rate",
)  # fmt: skip


def from_mapping(table: dict[str, Any], where: str) -> Parameters:
    """Make parameters from a mapping such as the one a parameter file holds under `parameters`.

    Raises InputError, naming `where`, when a name is missing, unknown or has a bad value.
    """
    known = {f.name for f in fields(Parameters) if f.name != "exit_classes"}
    missing, unknown = sorted(known - set(table)), sorted(set(table) - known)
    if missing or unknown:
        raise InputError(
            f"{where}: " + "; ".join([f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown))
        )
    try:
        regimens = tuple(Regimen(name=name, **row) for name, row in table["regimens"].items())
        return Parameters(**{**table, "regimens": regimens})
    except (TypeError, AttributeError) as error:
        raise InputError(f"{where}: regimens: {error}") from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def to_mapping(p: Parameters) -> dict[str, Any]:
    """Return the plain mapping that `from_mapping` reads."""
    out: dict[str, Any] = {f.name: getattr(p, f.name) for f in fields(p) if f.name not in ("regimens", "exit_classes")}
    out["regimens"] = {k.name: {f.name: getattr(k, f.name) for f in fields(k) if f.name != "name"} for k in p.regimens}
    return out


def fingerprint(p: Parameters) -> str:
    """Return 16 hex digits that change with any parameter."""
    content = to_mapping(p) | ({} if p.exit_classes == NO_CLASSES else {"exit_classes": p.exit_classes})
    return hashlib.sha256(json.dumps(_rounded(content), sort_keys=True).encode()).hexdigest()[:16]


def read_content(path: Path) -> dict[str, Any]:
    """Read a parameter file (YAML): the mapping `parameters`, the name of the `model` that they belong to, and notes."""
    try:
        content = parse_yaml(read_text(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("parameters"), dict):
        raise InputError(f"{path}: needs a mapping `parameters`")
    return content


def named(path: Path) -> Path:
    """Return the file that a parameter file stands for: itself, or the one beside it that its only line, `same_as`, names."""
    try:
        lines = [line.strip() for line in read_text(path).splitlines()[:4]]
    except InputError:
        return path  # what is wrong with it is said when its content is read
    other = [line.removeprefix("same_as:").strip() for line in lines if line.startswith("same_as:")]
    return path.with_name(f"{other[0]}.yaml") if other else path


def model_of(content: dict[str, Any]) -> str:
    """Return the name of the model that a parameter file's content belongs to; files older than the second model say none."""
    return str(content.get("model", MODEL))


def read(path: Path) -> Parameters:
    """Read a parameter file of this model; InputError for one of another."""
    content = read_content(path)
    if model_of(content) != MODEL:
        raise InputError(f"{path}: its parameters belong to the model {model_of(content)}; allowed here: {MODEL}")
    return from_mapping(content["parameters"], str(path))


def notes_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return what a parameter file's content says besides its parameters: priors, ranges, what the figures identify, and the figures used."""
    return {key: value for key, value in content.items() if key != "parameters"}


def read_notes(path: Path) -> dict[str, Any]:
    """Return what a parameter file says besides its parameters."""
    return notes_of(read_content(path))


def write(path: Path, p: Parameters, notes: dict[str, Any]) -> None:
    """Write a parameter file: `notes` (what made it) above the mapping `parameters`, numbers to 12 digits."""
    write_content(path, notes, to_mapping(p))


def write_content(path: Path, notes: dict[str, Any], table: dict[str, Any]) -> None:
    """Write a parameter file of any model."""
    content = {**notes, "parameters": table}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(_rounded(content), sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.12g}")
    return value


def mix_weights(p: Parameters) -> tuple[Array, Array]:
    """Return (share, response rate) of each regimen in the published mix, float64[K] each."""
    n = np.array([k.patients for k in p.regimens])
    return n / n.sum(), np.array([k.response for k in p.regimens])


def response_by_class(p: Parameters, response: Array) -> Array:
    """Return float64[c, K], the response rate of each prognostic class and regimen, whose mean over the classes is `response`.

    Notes
    -----
    The odds of a class are those of a base rate times the class's own; the base is found by halving, so its bits are no processor's.
    """
    if p.exit_classes == NO_CLASSES:
        return np.asarray(response)[None, :]
    share, odds = (np.array([row[i] for row in p.exit_classes])[:, None] for i in (0, 3))
    low, high = np.zeros_like(response), np.ones_like(response)
    for _ in range(60):
        base = 0.5 * (low + high)
        above = np.sum(share * odds * base / (1 - base + odds * base), axis=0) > response
        low, high = np.where(above, low, base), np.where(above, base, high)
    base = 0.5 * (low + high)
    out: Array = odds * base / (1 - base + odds * base)
    return out
