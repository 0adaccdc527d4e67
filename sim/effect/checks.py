"""Refuse in one line what cannot be a part of an effect."""

from __future__ import annotations

from sim.limits import MONTHS, POSITIVE_MONTHS, PROPER_PROBABILITY, RATIO
from sim.types import InputError


def check_ratio(name: str, value: float) -> None:
    """Refuse a ratio that is not a positive number."""
    RATIO.check(f"effect.{name}", value)


def check_months(name: str, value: float) -> None:
    """Refuse months below 0, or infinitely many."""
    MONTHS.check(f"effect.{name}", value)


def check_positive_months(name: str, value: float) -> None:
    """Refuse what is not a positive number of months."""
    POSITIVE_MONTHS.check(f"effect.{name}", value)


def check_probability(name: str, value: float) -> None:
    """Refuse what is not strictly between 0 and 1."""
    PROPER_PROBABILITY.check(f"effect.{name}", value)


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is none of those allowed."""
    if value not in allowed:
        raise InputError(f"effect.{name} is {value!r}; allowed: {', '.join(allowed)}")
