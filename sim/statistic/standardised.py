"""What every score test does with its scores: z, and whether there was anything to test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.statistic.statistic import Code
from sim.types import Array, Flags

standardise = later("sim.kernels.standardise", "standardise")


def standardised(scores: Array, events: NDArray[np.int64]) -> tuple[Array, Flags]:
    """Return z = -U / sqrt(V), positive where the experimental arm does better, and a `Code`; z is 0 where V is not positive.

    Parameters
    ----------
    scores : float64[m, k], U and V of the experimental arm in the first two columns
    events : int64[m], events that the test can use: without any the code is NO_EVENTS, with some EMPTY_ARM

    Examples
    --------
    >>> z, code = standardised(np.array([[-3.0, 4.0], [0.0, 0.0]]), np.array([9, 0]))
    >>> z.tolist(), code.tolist()
    ([1.5, 0.0], [0, 1])
    """
    z, code = np.empty(len(scores)), np.empty(len(scores), dtype=np.uint8)
    standardise(scores, events, int(Code.NO_EVENTS), int(Code.EMPTY_ARM), z, code)
    return z, code
