"""Rules that give a group-sequential trial up: each becomes a lower z bound at every look but the last."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from sim.boundary.spending import HwangShihDeCani, Spending
from sim.later import later
from sim.types import Array, InputError

ndtri = later("scipy.special", "ndtri")


class Futility(ABC):
    """When to give up."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The rule's name in a report."""


@dataclass(frozen=True)
class BetaSpending(Futility):
    """Spend the type II error as a function of the information, under the effect at which the design has power 1 - beta.

    Parameters
    ----------
    beta : type II error to spend
    spending : how it is spent

    References
    ----------
    Pampallona, Tsiatis & Kim, Drug Information Journal 2001;35:1113.

    Examples
    --------
    >>> BetaSpending(0.1).label
    'beta 0.1 by Hwang-Shih-DeCani spending, gamma -4'
    """

    beta: float = 0.2
    spending: Spending = field(default_factory=lambda: HwangShihDeCani(-4.0))

    def __post_init__(self) -> None:
        if not 0 < self.beta < 1:
            raise InputError(f"design.futility.beta is {self.beta}; allowed: a type II error between 0 and 1, both excluded")

    @property
    def label(self) -> str:
        return f"beta {self.beta:g} by {self.spending.label}"


class LowerBound(Futility):
    """A futility rule whose bound at a look follows from that look and the last critical value alone."""

    @abstractmethod
    def lower(self, look: int, fraction: float, information: float, final_z: float) -> float:
        """Return the z at or below which the trial is given up.

        look : 0 for the first; fraction : information so far over that of the last look, below 1
        information : of log(hazard ratio) at the last look, as planned; final_z : critical value there
        """

    def check_looks(self, looks: int) -> None:
        """Refuse a number of looks that the rule does not fit; most fit any."""


@dataclass(frozen=True)
class FixedZ(LowerBound):
    """Give up at or below a fixed z.

    z : one number for every look before the last, or one for each

    Examples
    --------
    >>> FixedZ((0.25,)).lower(0, fraction=0.5, information=30.0, final_z=1.98)
    0.25
    """

    z: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "z", tuple(float(x) for x in self.z))
        if not self.z or not all(np.isfinite(self.z)):
            raise InputError(f"design.futility.z is {list(self.z)}; allowed: finite numbers, at least one")

    @property
    def label(self) -> str:
        return f"z at or below {', '.join(f'{x:g}' for x in self.z)}"

    def check_looks(self, looks: int) -> None:
        if len(self.z) not in (1, looks - 1):
            raise InputError(
                f"design.futility.z is {list(self.z)} for {looks} looks; allowed: one number, or one for each look but the last"
            )

    def lower(self, look: int, fraction: float, information: float, final_z: float) -> float:
        return self.z[look] if len(self.z) > 1 else self.z[0]


@dataclass(frozen=True)
class FixedHazardRatio(LowerBound):
    """Give up where the observed hazard ratio is this or larger.

    Notes
    -----
    z = -log(hr) sqrt(information), the information of log(hazard ratio) being events times a b / (a + b)^2 for an a : b
    allocation (Schoenfeld 1981), so the ratio is that of the log-rank score.

    Examples
    --------
    >>> round(FixedHazardRatio(0.9).lower(0, fraction=0.5, information=30.0, final_z=1.98), 4)
    0.4081
    """

    hr: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.hr < np.inf:
            raise InputError(f"design.futility.hr is {self.hr}; allowed: a positive hazard ratio")

    @property
    def label(self) -> str:
        return f"observed hazard ratio {self.hr:g} or larger"

    def lower(self, look: int, fraction: float, information: float, final_z: float) -> float:
        return float(-np.log(self.hr) * np.sqrt(fraction * information))


@dataclass(frozen=True)
class ConditionalPower(LowerBound):
    """Give up where the probability of rejecting at the last look, given what was seen, is this or smaller.

    Parameters
    ----------
    threshold : the probability
    hr : hazard ratio for the events to come; None: the one seen so far (current trend)

    Notes
    -----
    With fraction t, last critical value u and drift d = E(Z at the last look): P = Phi((z sqrt(t) + d (1 - t) - u) / sqrt(1 - t)),
    d = -log(hr) sqrt(information) or z / sqrt(t). Other looks to come are left out, as is usual.

    References
    ----------
    Lan, Simon & Halperin, Communications in Statistics C 1982;1:207. Jennison & Turnbull 2000, section 10.2.

    Examples
    --------
    >>> round(ConditionalPower(0.2).lower(0, fraction=0.5, information=30.0, final_z=1.98), 4)
    0.9793
    >>> round(ConditionalPower(0.2, hr=0.6).lower(0, fraction=0.5, information=30.0, final_z=1.98), 4)
    -0.0199
    """

    threshold: float = 0.2
    hr: float | None = None

    def __post_init__(self) -> None:
        _check_threshold(self.threshold)
        if self.hr is not None and not 0 < self.hr < np.inf:
            raise InputError(f"design.futility.hr is {self.hr}; allowed: a positive hazard ratio, or null for the current trend")

    @property
    def label(self) -> str:
        under = "the current trend" if self.hr is None else f"hazard ratio {self.hr:g}"
        return f"conditional power at or below {self.threshold:g} under {under}"

    def lower(self, look: int, fraction: float, information: float, final_z: float) -> float:
        t = fraction
        needed = final_z + np.sqrt(1 - t) * ndtri(self.threshold)
        if self.hr is None:
            return float(np.sqrt(t) * needed)
        drift = -np.log(self.hr) * np.sqrt(information)
        return float((needed - drift * (1 - t)) / np.sqrt(t))


@dataclass(frozen=True)
class PredictivePower(LowerBound):
    """Give up where the predictive probability of rejecting at the last look, under a flat prior, is this or smaller.

    Notes
    -----
    P = Phi((z - u sqrt(t)) / sqrt(1 - t)): the conditional power averaged over effects distributed as the data say.

    References
    ----------
    Spiegelhalter, Freedman & Blackburn, Controlled Clinical Trials 1986;7:8.

    Examples
    --------
    >>> round(PredictivePower(0.2).lower(0, fraction=0.5, information=30.0, final_z=1.98), 4)
    0.805
    """

    threshold: float = 0.2

    def __post_init__(self) -> None:
        _check_threshold(self.threshold)

    @property
    def label(self) -> str:
        return f"predictive power at or below {self.threshold:g}, flat prior"

    def lower(self, look: int, fraction: float, information: float, final_z: float) -> float:
        return float(final_z * np.sqrt(fraction) + np.sqrt(1 - fraction) * ndtri(self.threshold))


def interim_bounds(rule: LowerBound, fractions: tuple[float, ...], information: float, final_z: float) -> Array:
    """Return float64[k], the lower z bounds; -infinity at the last look."""
    rule.check_looks(len(fractions))
    t = np.asarray(fractions) / fractions[-1]
    return np.array([*(rule.lower(j, float(x), information, final_z) for j, x in enumerate(t[:-1])), -np.inf])


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold < 1:
        raise InputError(f"design.futility.threshold is {threshold}; allowed: a probability between 0 and 1, both excluded")
