"""Deaths that have nothing to do with the lymphoma: those of people of the patients' age."""

from __future__ import annotations

import numpy as np

from sim.later import later
from sim.population.failure_classes.parameters import ClassParameters
from sim.types import Array

exp = later("sim.kernels.vectors", "exp")
log = later("sim.kernels.vectors", "log")

# Gauss-Hermite nodes of the standard normal and their weights, 0 and the positive half: written out, as a solver's bits are the processor's
NODES = (0.0, 1.0232556637891326, 2.07684797867783, 3.20542900285647, 4.512745863399783)
WEIGHTS = (0.40634920634920635, 0.24409750289493953, 0.04991640676521782, 0.0027891413212317692, 2.2345844007746607e-05)
CELLS = 4096  # of the table of times; the last ends at the oldest age
OLDEST = 600.0  # months of further life at which the table ends: nobody of 59 years reaches 109


def survival(p: ClassParameters, t: Array) -> Array:
    """Return the share alive t months later of people of the patients' ages, float64[n].

    Notes
    -----
    Gompertz, h(a) = rate exp(slope (a - 60)), a normal age by Gauss-Hermite nodes. The clock starts at infusion in the cured and
    at first line in the treated; that the latter are a few months older by then is left out.

    References
    ----------
    Gompertz, Philosophical Transactions 1825;115:513.
    """
    nodes = np.array([*(-x for x in NODES[:0:-1]), *NODES])
    weights = (*WEIGHTS[:0:-1], *WEIGHTS)
    rate = p.background_rate * exp(p.background_slope * (p.background_age + p.background_age_sd * nodes - 60.0))
    slope = p.background_slope / 12.0
    grown = (exp(slope * t) - 1.0) / slope
    total = np.zeros_like(t)
    for w, h in zip(weights, rate, strict=True):
        total = total + w * exp(-h * grown)
    return total


def times(p: ClassParameters) -> Array:
    """Return float64[CELLS + 1], the months by which shares 0, 1 / CELLS, … 1 have died: a sampler's table, linear within a cell."""
    t = np.concatenate([np.arange(0.0, 24.0, 0.02), np.arange(24.0, OLDEST + 0.05, 0.1)])
    dead = 1.0 - survival(p, t)
    out: Array = np.interp(np.arange(CELLS + 1) / CELLS, dead, t)
    return out


def log_of(x: float) -> float:
    """Return the logarithm of one number."""
    return float(log([x])[0])


def log_time(t: Array) -> Array:
    """Return log t, very low at 0."""
    return log(np.maximum(t, 1e-12))
