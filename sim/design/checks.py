"""Checks that several designs share: one clear line each."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sim.limits import LEVEL, LOST_SHARE, MONTHS, MOST_PATIENTS, POSITIVE_MONTHS, PROPER_PROBABILITY, TWO_SIDED_LEVEL
from sim.statistic.statistic import Statistic
from sim.types import InputError


def check_n(n: object) -> None:
    """Refuse a number of patients that is not a whole number from 1 to 65,535 (blocks are addressed in 16 bits)."""
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_PATIENTS:
        raise InputError(f"design.n is {n}; allowed: a whole number of patients from 1 to {MOST_PATIENTS}")


def check_alpha(alpha: float, sides: int = 1) -> None:
    """Refuse a type I error outside (0, 0.5) for one side, (0, 1) for two."""
    if isinstance(sides, bool) or sides not in (1, 2):
        raise InputError(f"design.alpha_sides is {sides}; allowed: 1, or 2 for a two-sided alpha of which half is tested")
    (LEVEL if sides == 1 else TWO_SIDED_LEVEL).check("design.alpha", alpha)


def check_months(name: str, value: float, at_least: float = 0.0) -> None:
    """Refuse a length of time that is negative, endless or shorter than it must be."""
    MONTHS.check(f"design.{name}", value)
    if value < at_least:
        raise InputError(f"design.{name} is {value}; allowed: {at_least:g} or more months")


def check_max_duration(months: float) -> None:
    """Refuse a longest duration in which nobody could be enrolled."""
    POSITIVE_MONTHS.check("design.max_duration", months)


def check_probability(name: str, value: float) -> None:
    """Refuse a probability outside [0, 1]."""
    if not 0 <= value <= 1:
        raise InputError(f"design.{name} is {value}; allowed: a probability within [0, 1]")


def whole_numbers(name: str, values: Iterable[float]) -> tuple[int, ...]:
    """Return the values as whole numbers; refuse one that is none, rather than cut it.

    Examples
    --------
    >>> whole_numbers("events", [40, 80.0])
    (40, 80)
    """
    values = tuple(values)
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) and v == int(v) for v in values):
        raise InputError(f"design.{name} is {list(values)}; allowed: whole numbers")
    return tuple(int(v) for v in values)


def check_power(power: float, alpha: float) -> None:
    """Refuse a power that is not above alpha and below 1."""
    if not alpha < power < 1:
        raise InputError(f"design.power is {power}; allowed: above the one-sided level ({alpha:g}) and below 1")


ENDPOINT_NAMES = {"PFS": "progression-free survival", "OS": "overall survival", "ORR": "response rate"}
ENDPOINTS = {name.lower(): f"{ENDPOINT_NAMES[name]} ({name})" for name in ("PFS", "OS")}


def check_test(statistic: Statistic, arms: int, outcome: str) -> None:
    """Refuse a test that compares another number of arms, or another kind of outcome, than the design has.

    A test of a single arm would test the patients of a randomised trial pooled.
    """
    if getattr(statistic, "arms", None) != arms or getattr(statistic, "outcome", None) != outcome:
        whom = "two arms" if arms == 2 else "a single arm"
        what = "response rates" if outcome == "response" else "survival times"
        raise InputError(f"design.statistic is the {statistic.label}; allowed: a test of {whom} that compares {what}")


def check_endpoint(endpoint: str) -> None:
    """Refuse an endpoint that is no survival time."""
    if endpoint not in ENDPOINTS:
        raise InputError(f"design.endpoint is {endpoint!r}; allowed: {', '.join(ENDPOINTS)}")


def check_not_evaluable_share(share: float) -> None:
    """Refuse a trial in which next to no response is ever assessed."""
    LOST_SHARE.check("design.not_evaluable_share", share)


def check_not_evaluable(how: str, share: float) -> None:
    """Refuse an unknown way of counting patients whose response is never assessed."""
    check_not_evaluable_share(share)
    if how not in ("nonresponder", "excluded"):
        raise InputError(f"design.not_evaluable is {how!r}; allowed: nonresponder, excluded")


def check_null_rate(rate: float | str) -> None:
    """Refuse a null response rate that is neither a rate nor the population's own."""
    if isinstance(rate, str):
        if rate != "population":
            raise InputError(f"design.null_rate is {rate!r}; allowed: a rate between 0 and 1, or population")
    elif not PROPER_PROBABILITY.holds(rate):
        raise InputError(f"design.null_rate is {rate}; allowed: a rate between 0 and 1, both excluded, or population")


def check_null_survival(null: float | str) -> None:
    """Refuse a null curve that is neither named nor a median."""
    if isinstance(null, str):
        if null not in ("population", "published_progression"):
            raise InputError(f"design.null is {null!r}; allowed: population, published_progression, or a median in months")
    elif not POSITIVE_MONTHS.holds(null):
        POSITIVE_MONTHS.check("design.null (population, published_progression, or a median)", null)
