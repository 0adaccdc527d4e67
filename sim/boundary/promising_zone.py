"""Re-estimation of the number of events from an interim look that is promising: the rule, its two tests, its exact error and power."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.later import later
from sim.types import Array, InputError

brentq = later("scipy.optimize", "brentq")
ndtr = later("scipy.special", "ndtr")
ndtri = later("scipy.special", "ndtri")

TESTS = ("chw", "plain")
FAR = 10.0  # a z beyond which nothing happens: 1 - Phi(10) is 8e-24


@dataclass(frozen=True)
class PromisingZone:
    """Raise the events of the last look where conditional power at the interim look is promising.

    Parameters
    ----------
    planned, interim, cap : events at the last look as planned, at the interim look, and at most
    final_z : critical value of the last look
    target : conditional power that more events shall reach
    low, high : the zone: low <= conditional power at the planned events < high
    interim_z : the interim look rejects at or above it; infinity: it never does
    test : the test of the last look: "chw": stages combined with the planned weights; "plain": the usual test of all events
    sized_by : the test whose conditional power the new number of events raises to the target

    Notes
    -----
    With z1 from d1 events and m further events, the trend seen gives conditional power Phi(z1 sqrt(m / d1) - c2), where the second
    stage's own z must reach c2 = (c - w1 z1) / w2, w1^2 = d1 / planned and w2^2 = 1 - w1^2 ("chw"), or
    c2 = (c sqrt(d1 + m) - z1 sqrt(d1)) / sqrt(m) ("plain"). In the zone the last look moves to the smallest whole number of events from the planned
    to the cap whose conditional power is the target; to the cap where none has it. Elsewhere the plan stands. "chw" keeps
    the level whatever the rule; "plain" keeps it where `low` is at or above `level_keeping_low`.

    References
    ----------
    Mehta & Pocock, Statistics in Medicine 2011;30:3267. Cui, Hung & Wang, Biometrics 1999;55:853. Chen, DeMets & Lan,
    Statistics in Medicine 2004;23:1023.

    Examples
    --------
    >>> zone = PromisingZone(planned=200, interim=50, cap=300, final_z=1.9599639845400545, low=0.42)
    >>> zone.events(np.array([0.64, 0.91, 1.5])).tolist()
    [200, 300, 210]
    """

    planned: int
    interim: int
    cap: int
    final_z: float
    target: float = 0.9
    low: float = 0.5
    high: float = 0.9
    interim_z: float = np.inf
    test: str = "chw"
    sized_by: str = "chw"

    def __post_init__(self) -> None:
        if not 0 < self.interim < self.planned <= self.cap:
            raise InputError(
                f"re-estimation: interim, planned and largest events are {self.interim}, {self.planned} and {self.cap}; allowed: rising, the last two may be equal"
            )
        if not 0 < self.low < self.high <= 1:
            raise InputError(f"re-estimation: the zone is {self.low} to {self.high}; allowed: conditional powers that rise within (0, 1]")
        if not self.low < self.target < 1:
            raise InputError(f"re-estimation: the target is {self.target}; allowed: above the zone's lower end and below 1")
        for name, test in (("test", self.test), ("sized_by", self.sized_by)):
            if test not in TESTS:
                raise InputError(f"re-estimation: {name} is {test!r}; allowed: {', '.join(TESTS)}")

    @property
    def weights(self) -> tuple[float, float]:
        """The planned weights (w1, w2) of the two stages; their squares sum to 1."""
        share = self.interim / self.planned
        return float(np.sqrt(share)), float(np.sqrt(1 - share))

    def second_stage_z(self, z1: Array, events: Array | NDArray[np.int64]) -> Array:
        """Return float64[m], what the second stage's own z must reach for a rejection with so many events at the last look."""
        if self.test == "chw":
            w1, w2 = self.weights
            return np.asarray((self.final_z - w1 * z1) / w2)
        further = events - self.interim
        return np.asarray((self.final_z * np.sqrt(events) - z1 * np.sqrt(self.interim)) / np.sqrt(further))

    def conditional_power(self, z1: Array, events: Array | NDArray[np.int64]) -> Array:
        """Return float64[m], the conditional power of the last look's test, under the trend seen, with so many events there."""
        trend = z1 / np.sqrt(self.interim)
        return np.asarray(ndtr(trend * np.sqrt(events - self.interim) - self.second_stage_z(z1, events)))

    def usual_z(self, z1: Array, events: Array | NDArray[np.int64]) -> Array:
        """Return float64[m], what the usual z of all events is where this test just rejects."""
        own = self.second_stage_z(z1, events)
        return np.asarray((np.sqrt(self.interim) * z1 + np.sqrt(events - self.interim) * own) / np.sqrt(events))

    @cached_property
    def zone(self) -> tuple[float, float]:
        """The interim z at which the zone begins and, excluded, ends."""
        ends = (self._z_with(self.planned, p) for p in (self.low, self.high))
        low, high = (float(x) for x in ends)
        return low, min(high, self.interim_z)

    def _z_with(self, events: Array | NDArray[np.int64] | int, power: float) -> Array:
        """The interim z whose conditional power, by the sizing test, with so many events is `power`: conditional power rises with z."""
        further = np.asarray(events, dtype=np.float64) - self.interim
        if self.sized_by == "chw":
            w1, w2 = self.weights
            return np.asarray((ndtri(power) + self.final_z / w2) / (np.sqrt(further / self.interim) + w1 / w2))
        needed = ndtri(power) + self.final_z * np.sqrt((self.interim + further) / further)
        return np.asarray(needed / (np.sqrt(further / self.interim) + np.sqrt(self.interim / further)))

    @cached_property
    def _steps(self) -> Array:
        """float64[cap - planned + 1], falling: the interim z from which planned, planned + 1, … events reach the target."""
        return self._z_with(np.arange(self.planned, self.cap + 1, dtype=np.int64), self.target)

    def events(self, z1: Array) -> NDArray[np.int64]:
        """Return int64[m], the events of the last look after an interim z."""
        low, high = self.zone
        # steps fall with the number of events: the first one that z reaches
        fewest = np.searchsorted(-self._steps, -np.asarray(z1), side="left")
        found = self.planned + np.minimum(fewest, self.cap - self.planned)
        return np.where((z1 >= low) & (z1 < high), found, self.planned).astype(np.int64)

    def rejection(self, drift: float, adapts: bool = True) -> float:
        """Return the exact probability of rejecting.

        Parameters
        ----------
        drift : E(z) per root event: -log(hr) sqrt(p (1 - p)), p the experimental share; 0 under the null hypothesis
        adapts : False: the plan stands whatever the interim look shows
        """
        low, high = self.zone
        cuts = [-FAR, FAR, low, min(high, FAR), min(self.interim_z, FAR)]
        if adapts:
            cuts += [float(z) for z in self._steps if low < z < high]
        stage = drift * np.sqrt(self.interim)

        def reject(z: Array) -> Array:
            events = self.events(z) if adapts else np.full(z.shape, self.planned)
            own = self.second_stage_z(z, events)
            return np.where(z >= self.interim_z, 1.0, ndtr(drift * np.sqrt(events - self.interim) - own))

        return _expectation(reject, cuts, stage)

    def expected_events(self, drift: float) -> float:
        """Return the expected number of events at the end, an early rejection's included."""
        low, high = self.zone
        cuts = [-FAR, FAR, low, min(high, FAR), min(self.interim_z, FAR), *(float(z) for z in self._steps if low < z < high)]
        return _expectation(
            lambda z: np.where(z >= self.interim_z, self.interim, self.events(z)).astype(np.float64), cuts, drift * np.sqrt(self.interim)
        )

    def zone_probability(self, drift: float) -> float:
        """Return the probability that the interim look is in the zone."""
        low, high = self.zone
        mean = drift * np.sqrt(self.interim)
        return max(0.0, float(ndtr(high - mean) - ndtr(low - mean)))

    def level_keeping_low(self, critical: float) -> float:
        """Return the smallest lower end of the zone with which the usual test keeps its level under this rule (Chen, DeMets & Lan 2004).

        critical : the z of one test at the trial's level, an early rejection left out, as those authors have it

        The conditional power, at the planned events, from which on the weighted test never asks more of the usual z than `critical`:
        where it asks more, the usual test would reject too easily. One half does for any rule of increase.
        """
        weighted = replace(self, test="chw", sized_by="chw", interim_z=np.inf, final_z=critical)

        def easier(z: float) -> float:
            further = _continuous_events(weighted, z)
            return float(weighted.usual_z(np.array([z]), np.array([further]))[0]) - critical

        # at conditional power one half the two tests agree for every number of events; below it, more events make the usual one too easy
        half = float(weighted._z_with(self.planned, 0.5))
        grid = np.linspace(half, 0.0, 4001)[1:]
        for z in grid:
            if easier(z) > 1e-12:
                above = z + half / 4000
                root = float(brentq(easier, z, above, xtol=1e-14)) if easier(above) < 0 else above
                return float(weighted.conditional_power(np.array([root]), np.array([self.planned]))[0])
        return 0.0


def _continuous_events(zone: PromisingZone, z: float) -> float:
    """The events, not rounded, that reach the target, from the planned to the cap."""
    w1, w2 = zone.weights
    root = (ndtri(zone.target) + (zone.final_z - w1 * z) / w2) * np.sqrt(zone.interim) / z if z > 0 else np.inf
    return float(min(max(zone.interim + max(root, 0.0) ** 2, zone.planned), zone.cap))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def _expectation(value: object, cuts: list[float], mean: float) -> float:
    """E of a function of Z ~ N(mean, 1) that is smooth between the cuts: Gauss-Legendre on panels of half a unit at most."""
    edges: list[float] = []
    points = sorted({*cuts, *(mean + x for x in np.arange(-FAR, FAR + 0.5, 0.5) if -FAR < mean + x < FAR)})
    edges.extend(points)
    low, high = np.array(edges[:-1]), np.array(edges[1:])
    z = ((high + low)[:, None] + (high - low)[:, None] * _NODES) / 2
    density = np.exp(-0.5 * (z - mean) ** 2) / np.sqrt(2 * np.pi)
    inside = value(z.ravel()).reshape(z.shape) * density  # type: ignore[operator]
    return float(((high - low) / 2) @ (inside @ _WEIGHTS))
