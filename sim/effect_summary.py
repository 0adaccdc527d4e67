"""What an effect looks like, by exact curves: rates, medians, milestones, hazard ratio over time, and the ratios that a trial reports."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np
import pandas as pd

from sim.curve import Curve, in_months
from sim.effect import NO_EFFECT, Effect, Mechanism
from sim.effect.cox_limit import kalbfleisch_prentice
from sim.effect.solve import limit
from sim.large_trial import ENDPOINTS, Expected
from sim.population.population import Population
from sim.trial import Trial
from sim.types import Assumption

SURVIVAL_AT = (6.0, 12.0, 24.0)
RATIO_AT = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 18.0, 24.0)
HORIZON = {"pfs": 12.0, "os": 24.0}
FREE_OF = {"pfs": "progression-free", "os": "alive"}
NAN = float("nan")
TINY = 1e-300


@dataclass(frozen=True)
class Fact:
    """One line of the summary.

    quantity : what; endpoint : "pfs", "os", "response" or ""; at : months, NaN where it has none; look : number, 0 where none
    control, experimental : of both arms, NaN where a ratio has no arms; ratio : experimental to control, NaN where none
    """

    quantity: str
    endpoint: str
    at: float
    look: int
    control: float
    experimental: float
    ratio: float
    unit: str
    definition: str


COLUMNS = tuple(f.name for f in fields(Fact))


def effect_summary(trial: Trial) -> pd.DataFrame:
    """Return the facts of a trial's effect on its own patients, one row each; columns `COLUMNS`.

    Examples
    --------
    >>> from sim.accrual import UniformAccrual
    >>> from sim.design.randomised_survival import RandomisedSurvival
    >>> from sim.effect import HazardRatio
    >>> from sim.followup import NoDropout
    >>> from sim.population.piecewise_exponential import PiecewiseExponential
    >>> design = RandomisedSurvival(160, events=(120,), stratified_randomisation=False)
    >>> trial = Trial(PiecewiseExponential(medians=(2.8,)), UniformAccrual(duration=16.0), NoDropout(), HazardRatio(0.6), design)
    >>> table = effect_summary(trial)
    >>> table.loc[table.quantity == "limit of Cox's estimator", "ratio"].round(6).tolist()
    [0.6, 0.6, 0.6]
    """
    facts = [*_rates(trial), *(fact for endpoint in trial.population.endpoints for fact in _of_endpoint(trial, endpoint)), *_looks(trial)]
    return pd.DataFrame([astuple(fact) for fact in facts], columns=list(COLUMNS))


def describe(trial: Trial) -> list[Assumption]:
    """Return the lines for the report: both arms of every endpoint that the trial watches; none for the null."""
    if trial.effect.is_null:
        return []
    wanted = trial.plan.wants & set(trial.population.endpoints) or {trial.population.endpoints[0]}
    source = "the population's exact curves under the effect"
    lines = [Assumption("what changes in each patient", trial.mechanism.words(), "solved" if trial.effect.solved else "configuration")]
    for endpoint in sorted(wanted, reverse=True):
        control, experimental = (trial.population.curve(endpoint, effect) for effect in (NO_EFFECT, trial.mechanism))
        name, horizon = endpoint.upper(), HORIZON[endpoint]
        lines += [
            Assumption(
                f"median {name}, control and experimental", f"{in_months(control.median())} and {in_months(experimental.median())}", source
            ),
            Assumption(
                f"limit of Cox's estimator of {name}, everybody followed for {horizon:g} months, stratified",
                _ratio(limit(trial.population, endpoint, trial.mechanism, horizon).cox()),
                "Struthers & Kalbfleisch 1986",
            ),
            Assumption(
                f"average hazard ratio of {name} over {horizon:g} months, whole population",
                _ratio(average_hazard_ratio(control, experimental, horizon)),
                "Kalbfleisch & Prentice 1981",
            ),
            Assumption(f"hazard ratio of {name} by month", _over_time(control, experimental), source),
            Assumption(
                f"{FREE_OF[endpoint]} at {horizon:g} months, control and experimental",
                f"{float(control.at(horizon)):.1%} and {float(experimental.at(horizon)):.1%}",
                source,
            ),
        ]
    return lines


def _over_time(control: Curve, experimental: Curve) -> str:
    end = (len(control.survival) - 1) * control.step
    return ", ".join(f"{_ratio(hazard_ratio_at(control, experimental, t))} at {t:g}" for t in RATIO_AT if t <= end)


def _ratio(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "not defined"


def average_hazard_ratio(control: Curve, experimental: Curve, horizon: float) -> float:
    """Return the average hazard ratio over (0, horizon] by Kalbfleisch & Prentice, from the two curves."""
    t = np.linspace(0.0, horizon, 4001)
    return kalbfleisch_prentice(control.at(t), experimental.at(t))


def _rates(trial: Trial) -> list[Fact]:
    population, change = trial.population, trial.mechanism
    out = _levers(change)
    for name, rates in (
        ("response rate", [_response_rate(population, effect) for effect in (NO_EFFECT, change)]),
        ("complete response rate", [population.complete_response_rate(effect) for effect in (NO_EFFECT, change)]),
    ):
        before, after = rates
        if before is not None and after is not None:
            out.append(_two_rates(name, "response", before, after))
    if "durable" in population.levers:
        out.append(_two_rates("durable share of responses", "response", *(population.durable_share(e) for e in (NO_EFFECT, change))))
    return out


def _levers(change: Mechanism) -> list[Fact]:
    """What changes in each patient."""
    out = []
    for stratum, profile in enumerate(change.hazards):
        name = "each patient's hazard ratio" + (f", stratum {stratum + 1}" if len(change.hazards) > 1 else "")
        what = "of leaving the progression-free state, from the month `at` on"
        out += [Fact(name, "", b, 0, NAN, NAN, r, "ratio", what) for b, r in zip(profile.breaks, profile.ratios, strict=True)]
    others = {
        "each patient's odds ratio of response": (change.odds_ratio, "on complete and on any response"),
        "each patient's odds ratio of a durable response": (change.durable_odds_ratio, "of a response that can be durable"),
        "each patient's hazard ratio of death after progression": (change.after_progression, "none after a transplant"),
    }
    return out + [Fact(name, "", NAN, 0, NAN, NAN, ratio, "ratio", what) for name, (ratio, what) in others.items() if ratio != 1]


def _response_rate(population: Population, effect: Effect) -> float | None:
    # from infusion no response to first line is defined
    return None if population.time_zero == "infusion" else population.response_rate(effect)


def _two_rates(name: str, endpoint: str, before: float, after: float) -> Fact:
    odds = after * (1 - before) / (before * (1 - after)) if 0 < before < 1 and after < 1 else NAN
    return Fact(name, endpoint, NAN, 0, before, after, odds, "probability", "of both arms; ratio: the odds ratio, experimental to control")


def _of_endpoint(trial: Trial, endpoint: str) -> list[Fact]:
    population, change = trial.population, trial.mechanism
    control, experimental = population.curve(endpoint), population.curve(endpoint, change)
    end = (len(control.survival) - 1) * control.step
    exact = "by the population's exact curves"
    out = [Fact("median", endpoint, NAN, 0, control.median(), experimental.median(), NAN, "months", f"{exact}; infinity: not reached")]
    out += [
        Fact(
            "survival",
            endpoint,
            t,
            0,
            float(control.at(t)),
            float(experimental.at(t)),
            NAN,
            "probability",
            f"free of the endpoint, {exact}",
        )
        for t in SURVIVAL_AT
        if t <= end
    ]
    out += [
        Fact(
            "hazard ratio at a time", endpoint, t, 0, NAN, NAN, hazard_ratio_at(control, experimental, t), "ratio", f"of everybody, {exact}"
        )
        for t in RATIO_AT
        if t <= end
    ]
    for t in SURVIVAL_AT:
        what = f"1:1, everybody followed for {t:g} months, no dropout"
        for stratified, name in ((True, "limit of Cox's estimator"), (False, "limit of Cox's estimator, unstratified")):
            ratio = limit(population, endpoint, change, t, stratified).cox()
            out.append(Fact(name, endpoint, t, 0, NAN, NAN, ratio, "ratio", f"{what} (Struthers & Kalbfleisch 1986)"))
    return out + _averages(trial, endpoint, control, experimental)


def _averages(trial: Trial, endpoint: str, control: Curve, experimental: Curve) -> list[Fact]:
    horizon = HORIZON[endpoint]
    k = round(horizon / control.step) + 1
    named = {
        "Kalbfleisch-Prentice 1981": kalbfleisch_prentice(control.survival[:k], experimental.survival[:k]),
        "event-weighted, Mukhopadhyay 2020": limit(trial.population, endpoint, trial.mechanism, horizon, False).event_weighted(),
    }
    what = f"of everybody over {horizon:g} months; the kinds differ where hazards are not proportional"
    return [Fact(f"average hazard ratio, {kind}", endpoint, horizon, 0, NAN, NAN, value, "ratio", what) for kind, value in named.items()]


def hazard_ratio_at(control: Curve, experimental: Curve, t: float) -> float:
    """Return the ratio of the hazards of two curves around t (months), each over the two cells at t."""
    step = control.step
    low, high = max(t - step, 0.0), t + step
    after, before = (np.log(np.maximum(curve.at(low), TINY) / np.maximum(curve.at(high), TINY)) for curve in (experimental, control))
    return float(after / before) if before > 0 else NAN


def _looks(trial: Trial) -> list[Fact]:
    if trial.plan.hypothesis not in ENDPOINTS:
        return []
    expected = Expected(trial)
    out = []
    for x in expected.looks():
        where = "in a large trial of these proportions: own accrual, dropout and cut"
        values = {
            "limit at the look, Cox": (x.cox, "stratified by the population's strata"),
            "limit at the look, Cox, unstratified": (x.cox_unstratified, "of everybody"),
            "estimand limit": (x.estimand, f"of the estimate of the {trial.plan.statistic.label}"),
        }
        out += [
            Fact(
                "events at the look",
                expected.endpoint,
                x.month,
                x.look,
                NAN,
                NAN,
                x.events,
                "events",
                f"expected; at: calendar month {where}",
            ),
            *(
                Fact(name, expected.endpoint, x.month, x.look, NAN, NAN, value, "ratio", f"{words} {where}")
                for name, (value, words) in values.items()
                if np.isfinite(value)
            ),
        ]
    return out
