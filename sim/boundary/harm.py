"""Rules that stop a trial because patients of the experimental arm die sooner: each becomes an upper bound on -z of overall survival."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import inf, log

import numpy as np
from numpy.typing import NDArray

from sim.boundary.recursive_integration import efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, Spending
from sim.later import later
from sim.types import Array, InputError

ndtri = later("scipy.special", "ndtri")


class Harm(ABC):
    """When overall survival stops a trial whose endpoint is another."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The rule's name in a report."""

    @abstractmethod
    def bounds(self, deaths: NDArray[np.int64], fractions: tuple[float, ...], unit_information: float) -> Array:
        """Return float64[looks, m], the -z of overall survival at or above which each look of m trials stops.

        deaths : int64[looks, m], found so far at each look; fractions : planned information fractions of the endpoint itself
        unit_information : of log(hazard ratio) that one death carries
        """


@dataclass(frozen=True)
class HarmSpending(Harm):
    """Spend the probability of a false alarm over the looks, as alpha is spent.

    Parameters
    ----------
    alpha : one-sided probability of ever stopping for harm when survival is the same in both arms
    spending : how it is spent
    deaths : rising numbers of deaths planned at the looks; None: in proportion to the endpoint's own events

    Notes
    -----
    The bounds are those of a group-sequential test of "the experimental arm dies sooner" at the planned deaths; a look that finds another
    number keeps its bound. So false alarms have probability alpha where the deaths come as planned and the endpoint itself stops nothing.

    References
    ----------
    Lan & DeMets, Biometrika 1983;70:659. FDA, Approaches to Assessment of Overall Survival in Oncology Clinical Trials, draft guidance, 2025.

    Examples
    --------
    >>> HarmSpending(alpha=0.1).bounds(np.array([[30], [60]]), (0.5, 1.0), 0.25).round(4).ravel().tolist()
    [1.9285, 1.3368]
    """

    alpha: float = 0.1
    spending: Spending = field(default_factory=lambda: HwangShihDeCani(-2.0))
    deaths: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise InputError(f"design.harm.alpha is {self.alpha}; allowed: a one-sided probability between 0 and 0.5, both excluded")
        if self.deaths is not None:
            object.__setattr__(self, "deaths", tuple(self.deaths))
            whole = all(isinstance(d, int) and not isinstance(d, bool) and d > 0 for d in self.deaths)
            if not whole or not self.deaths or list(self.deaths) != sorted(set(self.deaths)):
                raise InputError(f"design.harm.deaths is {list(self.deaths)}; allowed: rising whole numbers from 1, one for each look")

    @property
    def label(self) -> str:
        return f"false alarms {self.alpha:g} one-sided by {self.spending.label}"

    def bounds(self, deaths: NDArray[np.int64], fractions: tuple[float, ...], unit_information: float) -> Array:
        if self.deaths is not None and len(self.deaths) != len(fractions):
            raise InputError(f"design.harm.deaths is {list(self.deaths)} for {len(fractions)} looks; allowed: one number for each look")
        planned = fractions if self.deaths is None else tuple(d / self.deaths[-1] for d in self.deaths)
        z = efficacy_bounds(planned, self.alpha, self.spending)
        return np.broadcast_to(z[: len(deaths), None], deaths.shape)


@dataclass(frozen=True)
class HarmHazardRatio(Harm):
    """Stop where the hazard ratio of death is shown to be above a limit.

    Parameters
    ----------
    hr : the largest hazard ratio that is tolerated
    confidence : of the one-sided lower limit that must lie at `hr` or above; 0.5 compares the estimate itself
    min_deaths : with fewer deaths nothing is decided

    Notes
    -----
    With information I = deaths a b / (a + b)^2 and log(HR) estimated by -z / sqrt(I) (Schoenfeld 1981), the limit lies at `hr` where
    -z = log(hr) sqrt(I) + z_confidence. Not adjusted for the number of looks: its false alarms are what the simulation says.

    References
    ----------
    Fleming, Hampson, Bharani-Dharan et al., Statistics in Biopharmaceutical Research 2024 (overall survival against a margin).
    FDA, Approaches to Assessment of Overall Survival in Oncology Clinical Trials, draft guidance, 2025.

    Examples
    --------
    >>> HarmHazardRatio(1.2, 0.5).bounds(np.array([[100]]), (1.0,), 0.25).round(4).tolist()
    [[0.9116]]
    """

    hr: float = 1.0
    confidence: float = 0.9
    min_deaths: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.hr < inf:
            raise InputError(f"design.harm.hr is {self.hr}; allowed: a positive hazard ratio of death")
        if not 0 < self.confidence < 1:
            raise InputError(f"design.harm.confidence is {self.confidence}; allowed: between 0 and 1, both excluded")
        if isinstance(self.min_deaths, bool) or not isinstance(self.min_deaths, int) or self.min_deaths < 1:
            raise InputError(f"design.harm.min_deaths is {self.min_deaths!r}; allowed: a whole number from 1")

    @property
    def label(self) -> str:
        least = f", from {self.min_deaths} deaths on" if self.min_deaths > 1 else ""
        if self.confidence == 0.5:
            return f"observed hazard ratio of death {self.hr:g} or above{least}"
        return f"lower {100 * self.confidence:g} % limit of the hazard ratio of death at {self.hr:g} or above{least}"

    def bounds(self, deaths: NDArray[np.int64], fractions: tuple[float, ...], unit_information: float) -> Array:
        # sqrt is correctly rounded everywhere, so a bound is the same on every processor
        z = log(self.hr) * np.sqrt(deaths * unit_information) + float(ndtri(self.confidence))
        return np.where(deaths < self.min_deaths, inf, z)
