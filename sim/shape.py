"""Shapes of a textbook survival curve, each given by its median: Weibull, log-normal, log-logistic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf

import numpy as np

from sim.curve import LN2
from sim.later import later
from sim.types import Array, InputError

fill_upper_quantile = later("sim.kernels.normal", "fill_upper_quantile")
fill_upper_tail = later("sim.kernels.normal", "fill_upper_tail")
exp = later("sim.kernels.vectors", "exp")
log = later("sim.kernels.vectors", "log")

TINY = 1e-300


class Shape(ABC):
    """A distribution of times to an event, of patients who are all alike."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The distribution in words."""

    @abstractmethod
    def cumulative_hazard(self, t: Array) -> Array:
        """Return -log S at months t > 0."""

    @abstractmethod
    def inverse(self, hazard: Array) -> Array:
        """Return the months at which the cumulative hazard is reached; hazard > 0."""


def _check(name: str, value: float) -> None:
    if not 0 < value < inf:
        raise InputError(f"population: {name} is {value}; allowed: a positive number")


def power(x: Array, exponent: float) -> Array:
    """Return x^exponent of positive numbers, the same bits on every processor."""
    return exp(exponent * log(np.maximum(x, TINY)))


@dataclass(frozen=True)
class Weibull(Shape):
    """S(t) = exp(-ln 2 (t / median)^shape); shape 1 is the exponential, below 1 the hazard falls.

    Examples
    --------
    >>> Weibull(4.0, 0.8).inverse(np.array([LN2])).round(12).tolist()
    [4.0]
    """

    median: float
    shape: float = 1.0

    def __post_init__(self) -> None:
        _check("median", self.median)
        _check("shape", self.shape)

    @property
    def label(self) -> str:
        return f"Weibull, median {self.median:g} months, shape {self.shape:g}"

    def cumulative_hazard(self, t: Array) -> Array:
        return LN2 * power(np.asarray(t) / self.median, self.shape)

    def inverse(self, hazard: Array) -> Array:
        return self.median * power(hazard / LN2, 1 / self.shape)


@dataclass(frozen=True)
class LogNormal(Shape):
    """S(t) = Phi(-log(t / median) / sigma).

    Examples
    --------
    >>> LogNormal(4.0, 1.2).inverse(np.array([LN2])).round(9).tolist()
    [4.0]
    """

    median: float
    sigma: float = 1.0

    def __post_init__(self) -> None:
        _check("median", self.median)
        _check("sigma", self.sigma)

    @property
    def label(self) -> str:
        return f"log-normal, median {self.median:g} months, sigma {self.sigma:g}"

    def cumulative_hazard(self, t: Array) -> Array:
        z = np.ascontiguousarray(log(np.maximum(np.asarray(t, dtype=float), TINY) / self.median) / self.sigma)
        survival = np.empty_like(z)
        fill_upper_tail(z.reshape(-1), survival.reshape(-1))
        return -log(np.maximum(survival, TINY))

    def inverse(self, hazard: Array) -> Array:
        survival = np.maximum(exp(-np.asarray(hazard, dtype=float)), TINY)
        z = np.empty_like(survival)
        fill_upper_quantile(survival.reshape(-1), z.reshape(-1))
        return self.median * exp(self.sigma * z)


@dataclass(frozen=True)
class LogLogistic(Shape):
    """S(t) = 1 / (1 + (t / median)^shape).

    Examples
    --------
    >>> LogLogistic(4.0, 1.5).inverse(np.array([LN2])).round(12).tolist()
    [4.0]
    """

    median: float
    shape: float = 1.5

    def __post_init__(self) -> None:
        _check("median", self.median)
        _check("shape", self.shape)

    @property
    def label(self) -> str:
        return f"log-logistic, median {self.median:g} months, shape {self.shape:g}"

    def cumulative_hazard(self, t: Array) -> Array:
        return log(1 + power(np.asarray(t) / self.median, self.shape))

    def inverse(self, hazard: Array) -> Array:
        return self.median * power(exp(hazard) - 1, 1 / self.shape)
