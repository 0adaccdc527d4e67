"""One unknown, one equation: the lever of an effect is turned until the patients' exact curves show what was stated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, log
from typing import Any

import numpy as np

from sim.effect.checks import check_choice
from sim.effect.cox_limit import LargeTrial, log_or_bound
from sim.effect.effect import Effect, Patients
from sim.effect.mechanism import HazardProfile, Mechanism
from sim.effect.none import NO_EFFECT
from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")

LEVERS = ("hazard", "response", "durable", "both")
SOLVE_ON = ("configured", "enrolled")
DRAWS_KEEP = ("ratio", "mechanism")
WIDEST = 1e-4  # how far a lever is turned at most: a ratio from this to its inverse
LEVER_CHANGES = {
    "hazard": frozenset({"hazard"}),
    "response": frozenset({"response"}),
    "durable": frozenset({"durable"}),
    "both": frozenset({"hazard", "response"}),
}
UNKNOWN = {"hazard": "each patient's hazard ratio", "response": "odds ratio of response", "durable": "odds ratio of a durable response"}
UNKNOWN["both"] = UNKNOWN["response"]
CEILING = {"durable": "nearest, where all responses that can be durable are (or none)", "response": "nearest, where all respond (or none)"}


def check_levers(through: str | None, solve_on: str, draws_keep: str) -> None:
    """Refuse what is none of the words that say how an effect is solved."""
    if through is not None:
        check_choice("through", through, LEVERS)
    check_choice("solve_on", solve_on, SOLVE_ON)
    check_choice("draws_keep", draws_keep, DRAWS_KEEP)


def lever_of(patients: Patients, through: str | None) -> str:
    """Return the lever that an effect is solved by; InputError where these patients do not have it."""
    lever = patients.levers[0] if through is None else through
    if lever not in patients.levers:
        raise InputError(f"effect.through is {lever!r}; allowed for this population: {', '.join(patients.levers)}")
    return lever


def endpoint_of(patients: Patients, endpoint: str | None) -> str:
    """Return the endpoint that an effect is stated of; InputError where it does not act on it here."""
    if not patients.endpoints:
        raise InputError(
            "effect: this population has no endpoint that an effect acts on; allowed: one whose time zero is before the treatment"
        )
    chosen = patients.endpoints[0] if endpoint is None else endpoint
    if chosen not in patients.endpoints:
        raise InputError(
            f"effect.endpoint is {chosen!r}, on which no effect acts in this population; allowed: {', '.join(patients.endpoints)}"
        )
    return chosen


def moved(given: Mechanism, lever: str, ratio: float) -> Mechanism:
    """Return the mechanism with one more ratio on the lever."""
    if lever == "hazard":
        return given.together(Mechanism((HazardProfile((0.0,), (ratio,)),)))
    if lever == "durable":
        return replace(given, durable_odds_ratio=given.durable_odds_ratio * ratio)
    return replace(given, odds_ratio=given.odds_ratio * ratio)


def survival(patients: Patients, endpoint: str, effect: Effect, horizon: float) -> Array:
    """Return float64[g, k], the exact curves of the strata on their grid up to the horizon, which is the last point."""
    out = []
    for curve in patients.strata_curves(endpoint, effect):
        steps = int(np.ceil(horizon / curve.step - 1e-9))
        if steps >= len(curve.survival):
            end = (len(curve.survival) - 1) * curve.step
            raise InputError(f"effect.horizon is {horizon:g}; allowed: at most {end:g} months, the end of the curves")
        s = curve.survival[: steps + 1].copy()
        s[-1] = float(curve.at(horizon))
        out.append(s)
    return np.array(out)


def limit(patients: Patients, endpoint: str, effect: Effect, horizon: float, stratified: bool = True) -> LargeTrial:
    """Return the large 1:1 trial whose patients are all followed for `horizon` months, without dropout."""
    shares = np.array(patients.strata_shares)
    curves = np.concatenate([survival(patients, endpoint, e, horizon) for e in (NO_EFFECT, effect)])
    strata, arms = np.tile(np.arange(len(shares)), 2), np.repeat([0.0, 1.0], len(shares))
    keep = np.tile(shares, 2) > 0
    weights = np.tile(shares, 2)[keep] / 2
    return LargeTrial.of(curves[keep], weights, arms[keep], np.ones(curves.shape[1]), strata[keep] if stratified else None)


def turn(given: Mechanism, lever: str, miss: Callable[[Mechanism], float], say: Callable[[Mechanism], str], what: str) -> Mechanism:
    """Return the mechanism whose lever is turned until `miss` is 0.

    Parameters
    ----------
    given : what acts beforehand
    miss : the equation, monotone in the lever
    say : what a mechanism reaches, for the message
    what : what was asked for

    Raises
    ------
    InputError : the lever does not reach it; the nearest that it can is named
    """
    ends = (log(WIDEST), -log(WIDEST))

    def at(x: float) -> float:
        return miss(moved(given, lever, exp(x)))

    low, high = (at(x) for x in ends)
    if not (np.isfinite(low) and np.isfinite(high)) or low * high > 0 or low == high:
        nearest = moved(given, lever, exp(ends[0] if abs(low) < abs(high) else ends[1]))
        raise InputError(f"{what} is not reached by the {UNKNOWN[lever]}; {CEILING.get(lever, 'nearest')}: {say(nearest)}")
    return moved(given, lever, _six(exp(float(brentq(at, *ends, xtol=1e-11, rtol=1e-12)))))


def _six(ratio: float) -> float:
    # to six digits: the last bits of a root are the processor's, and rows must not be
    return float(f"{ratio:.6g}")


def solve_limit(patients: Patients, given: Mechanism, hr: float, endpoint: str, horizon: float, lever: str) -> Mechanism:
    """Return the mechanism under which the limit of Cox's estimator is `hr`; `limit` says in which trial.

    Notes
    -----
    Under `both` each patient's hazard ratio is `hr` itself, and the odds ratio of response makes up the rest.
    """
    if lever == "both":
        given = moved(given, "hazard", hr)

    def found(mechanism: Mechanism) -> float:
        return limit(patients, endpoint, mechanism, horizon).cox()

    return turn(
        given,
        lever,
        lambda m: log_or_bound(found(m)) - log(hr),
        lambda m: f"{found(m):.3f}",
        f"effect.hr {hr:g} ({endpoint.upper()}, {horizon:g} months)",
    )


def mixed_survival(patients: Patients, endpoint: str, effect: Effect, month: float) -> float:
    """Return the share of everybody who is free of the endpoint at a month."""
    return float(np.sum(np.array(patients.strata_shares) * [float(c.at(month)) for c in patients.strata_curves(endpoint, effect)]))


def reach(statement: Effect, patients: Patients, given: Mechanism | None, share: float, month: float, what: str) -> Mechanism:
    """Return the mechanism under which `share` of everybody is free of the endpoint at `month`.

    statement : the effect that states it, with endpoint, through and solve_on; what : how it says so, for the message

    Notes
    -----
    Under `both` each patient's ratio is the ratio of the cumulative hazards of everybody at that month.
    """
    own: Any = statement
    lever, endpoint = lever_of(patients, own.through), endpoint_of(patients, own.endpoint)
    on, before = patients if own.solve_on == "enrolled" else patients.reference(), given or Mechanism()

    def free(effect: Effect) -> float:
        return mixed_survival(on, endpoint, effect, month)

    def solve() -> Mechanism:
        start = moved(before, "hazard", _six(log(share) / log(free(NO_EFFECT)))) if lever == "both" else before
        asked = f"{what} ({endpoint.upper()})"
        return turn(
            start,
            lever,
            lambda m: free(m) - share,
            lambda m: f"{free(m):.3f} free of it then, {free(NO_EFFECT):.3f} in the control arm",
            asked,
        )

    found: Mechanism = on.once((statement, before), solve)
    return found


def solve_response(patients: Patients, given: Mechanism, difference: float, of: str) -> Mechanism:
    """Return the mechanism under which the rate of any, or of complete, response differs from the control's by `difference`."""

    def rate(effect: Effect) -> float:
        if of == "any":
            return patients.response_rate(effect)
        found = patients.complete_response_rate(effect)
        if found is None:
            raise InputError("effect.of is 'complete': this population has no complete responses of its own; allowed: any")
        return found

    target = rate(NO_EFFECT) + difference
    if not 0 < target < 1:
        raise InputError(f"effect.difference is {difference:g}: the response rate would be {target:.3f}; allowed: above 0 and below 1")
    if difference == 0 and not given.changes_response:
        return given
    return turn(given, "response", lambda m: rate(m) - target, lambda m: f"{rate(m):.3f}", f"effect.difference {difference:g}")
