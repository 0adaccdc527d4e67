"""Refuse in one line what cannot be a part of an effect."""

from __future__ import annotations

from math import inf

from sim.types import InputError


def check_ratio(name: str, value: float) -> None:
    """Refuse a ratio that is not a positive number."""
    if not 0 < value < inf:
        raise InputError(f"effect.{name} is {value}; allowed: a positive number")


def check_months(name: str, value: float) -> None:
    """Refuse months below 0, or infinitely many."""
    if not 0 <= value < inf:
        raise InputError(f"effect.{name} is {value}; allowed: 0 or more months")


def check_positive_months(name: str, value: float) -> None:
    """Refuse what is not a positive number of months."""
    if not 0 < value < inf:
        raise InputError(f"effect.{name} is {value}; allowed: a positive number of months")


def check_probability(name: str, value: float) -> None:
    """Refuse what is not strictly between 0 and 1."""
    if not 0 < value < 1:
        raise InputError(f"effect.{name} is {value}; allowed: between 0 and 1, both excluded")


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is none of those allowed."""
    if value not in allowed:
        raise InputError(f"effect.{name} is {value!r}; allowed: {', '.join(allowed)}")
