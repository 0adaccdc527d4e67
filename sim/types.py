"""The frozen dataclasses of arrays that one stage hands to the next, and the one error for bad input (`sim.refusal`, which needs no arrays).

Shapes: m trials (replicates) of a tile, n patients of a trial. Times are months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.refusal import InputError as InputError

Array = NDArray[np.float64]
Flags = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Courses:
    """What happens to each patient, from the population's time zero, were nobody ever censored.

    stratum : uint8[m, n], index into the population's `strata`
    pfs : float64[m, n], months to progression or death; infinity when it never comes; None when not asked for
    os : float64[m, n], months to death; os >= pfs in every patient; None when not asked for
    response : uint8[m, n], 1 = complete or partial response, 0 = none; None when not asked for
    cr : uint8[m, n], 1 = complete response; None when not asked for
    """

    stratum: Flags
    pfs: Array | None = None
    os: Array | None = None
    response: Flags | None = None
    cr: Flags | None = None


@dataclass(frozen=True, eq=False)
class Observations:
    """An enrolled trial, as if followed for ever: each later stage only decides how much of it is seen.

    entry : float64[m, n], calendar months from the first possible enrolment; rising along a row
    arm : uint8[m, n], 1 = experimental, 0 = control
    stratum : uint8[m, n]; strata : number of strata of the population
    time : float64[m, n], months from entry to event or dropout, whichever is first; None for a binary endpoint
    event : uint8[m, n], 1 when `time` ends in the event
    response : uint8[m, n] or None; assessment : months from entry at which it is known
    evaluable : uint8[m, n], 1 = in the response test; None when everybody is
    safety : the same patients watched for overall survival, where a design guards it beside its own endpoint
    """

    entry: Array
    arm: Flags
    stratum: Flags
    time: Array | None = None
    event: Flags | None = None
    response: Flags | None = None
    evaluable: Flags | None = None
    strata: int = 1
    safety: Observations | None = None
    assessment: float = 0.0

    def assessed(self, cut: Array) -> NDArray[np.bool_]:
        """Return bool[m, n]: whose response is known at the calendar months `cut` : float64[m], and in the test."""
        known: NDArray[np.bool_] = self.entry + self.assessment <= cut[:, None]
        return known if self.evaluable is None else known & (self.evaluable == 1)

    def enrolled(self, cut: Array) -> NDArray[np.int64]:
        """Return int64[m], patients who have entered by the calendar months `cut` : float64[m]."""
        return (self.entry <= cut[:, None]).sum(axis=1, dtype=np.int64)


@dataclass(frozen=True)
class Assumption:
    """One line of a report's table of assumptions: what was assumed, its value, and where that comes from."""

    what: str
    value: str
    source: str


Row = dict[str, Any]
