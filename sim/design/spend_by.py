"""What alpha and beta are spent by: the share of the events, of the test's own information, or of the calendar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.statistic.null_trial import NullLook
from sim.types import Array, InputError


@dataclass(frozen=True)
class SpendBy:
    """A clock of the errors.

    label : its name in a report
    planned : (looks, information fractions of each) -> the fraction at each planned look
    found : (events, information, months so far, each [looks, m]; planned events, information, month) -> float64[looks, m]
    needs_month : whether it reads the month of the planned last look
    """

    label: str
    planned: Callable[[Sequence[NullLook], tuple[float, ...]], tuple[float, ...]]
    found: Callable[[NDArray[np.int64], Array, Array, float, float, float], Array]
    needs_month: bool = False


CLOCKS = {
    "events": SpendBy(
        "the share of the events",
        lambda looks, own: tuple(look.events / looks[-1].events for look in looks),
        lambda events, information, months, d, i, month: events / d,
    ),
    "own": SpendBy(
        "the test's own information",
        lambda looks, own: own,
        lambda events, information, months, d, i, month: information / i,
    ),
    "calendar": SpendBy(
        "the share of the months that the trial is expected to take",
        lambda looks, own: tuple(look.month / looks[-1].month for look in looks),
        lambda events, information, months, d, i, month: months / month,
        needs_month=True,
    ),
}


def spend_by(name: str) -> SpendBy:
    """Return the clock of this name; refuse one that does not exist."""
    if name not in CLOCKS:
        raise InputError(f"design.spend_by is {name!r}; allowed: {', '.join(CLOCKS)}")
    return CLOCKS[name]
