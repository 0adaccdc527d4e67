"""Classical shapes of the efficacy boundary as choices: the critical values themselves, not the alpha spent, follow a rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sim.boundary.classical import haybittle_peto, wang_tsiatis
from sim.types import Array, InputError


class Shape(ABC):
    """A rule for the critical values of all looks; the looks are taken as planned."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The shape's name in a report."""

    @abstractmethod
    def bounds(self, fractions: tuple[float, ...], alpha: float) -> Array:
        """Return float64[k], the critical z at each information fraction, with type I error alpha."""


@dataclass(frozen=True)
class Pocock(Shape):
    """Ask for the same z at every look (Pocock, Biometrika 1977;64:191).

    Examples
    --------
    >>> Pocock().bounds((0.5, 1.0), 0.025).round(4).tolist()
    [2.1783, 2.1783]
    """

    @property
    def label(self) -> str:
        return "Pocock boundary"

    def bounds(self, fractions: tuple[float, ...], alpha: float) -> Array:
        return wang_tsiatis(fractions, alpha, 0.5)


@dataclass(frozen=True)
class OBrienFleming(Shape):
    """Ask for c / sqrt(information fraction) (O'Brien & Fleming, Biometrics 1979;35:549).

    Examples
    --------
    >>> OBrienFleming().bounds((0.5, 1.0), 0.025).round(4).tolist()
    [2.7965, 1.9774]
    """

    @property
    def label(self) -> str:
        return "O'Brien-Fleming boundary"

    def bounds(self, fractions: tuple[float, ...], alpha: float) -> Array:
        return wang_tsiatis(fractions, alpha, 0.0)


@dataclass(frozen=True)
class WangTsiatis(Shape):
    """Ask for c times the information fraction to the power delta - 1/2 (Wang & Tsiatis, Biometrics 1987;43:193).

    delta : 0 is O'Brien-Fleming, 1/2 is Pocock

    Examples
    --------
    >>> WangTsiatis(0.25).bounds((0.5, 1.0), 0.025).round(4).tolist()
    [2.4239, 2.0382]
    """

    delta: float = 0.25

    def __post_init__(self) -> None:
        if not abs(self.delta) < 10:
            raise InputError(f"design.shape.delta is {self.delta}; allowed: -10 to 10, both excluded")

    @property
    def label(self) -> str:
        return f"Wang-Tsiatis boundary, delta {self.delta:g}"

    def bounds(self, fractions: tuple[float, ...], alpha: float) -> Array:
        return wang_tsiatis(fractions, alpha, self.delta)


@dataclass(frozen=True)
class HaybittlePeto(Shape):
    """Ask for a large z at every early look (Haybittle, Br J Radiol 1971;44:793; Peto et al., Br J Cancer 1976;34:585).

    interim_z : the early critical value; the last look gets the bound that keeps alpha

    Examples
    --------
    >>> HaybittlePeto(3.0).bounds((0.5, 1.0), 0.025).round(4).tolist()
    [3.0, 1.9673]
    """

    interim_z: float = 3.0

    def __post_init__(self) -> None:
        if not self.interim_z > 0:
            raise InputError(f"design.shape.interim_z is {self.interim_z}; allowed: a positive number")

    @property
    def label(self) -> str:
        return f"Haybittle-Peto boundary, interim z {self.interim_z:g}"

    def bounds(self, fractions: tuple[float, ...], alpha: float) -> Array:
        return haybittle_peto(fractions, alpha, self.interim_z)
