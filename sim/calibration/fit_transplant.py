"""The course after allogeneic transplant from its landmarks: in closed form or by one root, apart from the rest of the fit."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.benchmark import Figure
from sim.later import later
from sim.population.parameters import Parameters
from sim.types import InputError

optimize = later("scipy.optimize")

# A landmark of 16 patients may be 0 or 1, which no rate gives.
NEAREST = (0.01, 0.99)
DEATH_RATES = (1e-4, 5.0)


def of_paper(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Return cure share, relapse rate and death rate after relapse from PFS 52 % at 1 year with median 14.3, and OS 66 % at 1 year.

    Raises
    ------
    InputError : when no shares and rates give the three figures
    """
    pfs, median, os = figures["allo_pfs_1y"].target / 100, figures["allo_pfs_median"].value, figures["allo_os_1y"].target / 100

    # e^(-12 r) = (pfs - c) / (1 - c) and e^(-m r) = (1/2 - c) / (1 - c): one equation in c
    def gap(c: float) -> float:
        return math.log((pfs - c) / (1 - c)) / 12 - math.log((0.5 - c) / (1 - c)) / median

    try:
        cured = float(optimize.brentq(gap, 0.0, min(0.5, pfs) - 1e-9, xtol=1e-14))
        relapse = -math.log((pfs - cured) / (1 - cured)) / 12
        death = float(optimize.brentq(lambda n: _alive(pfs, cured, relapse, n) - os, *DEATH_RATES, xtol=1e-14))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(
            f"fit: no cure share, relapse and death rate give allo_pfs_1y {pfs:.2f}, allo_pfs_median {median:g}, allo_os_1y {os:.2f}"
        ) from error
    return {"allo_cured": cured, "allo_relapse_rate": relapse, "allo_death_rate": death}


def of_copy(figures: Mapping[str, Figure], truth: Parameters) -> dict[str, float]:
    """Return the same from the two landmarks of a copy of the study, as near as can be; its relapse rate is the truth's.

    Notes
    -----
    A copy transplants about 16 patients: often no median is reached, so the relapse rate stays unless even a cure share of
    0 leaves more without relapse than were seen.
    """
    pfs, os = (min(max(figures[k].target / 100, NEAREST[0]), NEAREST[1]) for k in ("allo_pfs_1y", "allo_os_1y"))
    free = math.exp(-12 * truth.allo_relapse_rate)
    cured = max((pfs - free) / (1 - free), 0.0)
    relapse = truth.allo_relapse_rate if cured > 0 else -math.log(pfs) / 12
    low, high = (_alive(pfs, cured, relapse, n) - os for n in DEATH_RATES)
    if low <= 0 or high >= 0:
        death = DEATH_RATES[0] if low <= 0 else DEATH_RATES[1]
    else:
        death = float(optimize.brentq(lambda n: _alive(pfs, cured, relapse, n) - os, *DEATH_RATES, xtol=1e-14))
    return {"allo_cured": cured, "allo_relapse_rate": relapse, "allo_death_rate": death}


def _alive(free: float, cured: float, relapse: float, death: float) -> float:
    """P(alive 12 months after transplant): free of relapse then, or relapsed and not dead since."""
    return free + (1 - cured) * relapse * (math.exp(-relapse * 12) - math.exp(-death * 12)) / (death - relapse)
