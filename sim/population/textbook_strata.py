"""What all textbook populations share: independent strata and responses, each by its own word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.effect import Mechanism
from sim.later import later
from sim.rng import Draws
from sim.types import Flags, InputError

bernoulli = later("sim.kernels.piecewise", "bernoulli")
categories = later("sim.kernels.piecewise", "categories")
empty = later("sim.kernels.scratch", "empty")


def check(shares: Sequence[float], response_rates: Sequence[float]) -> None:
    """Refuse shares that do not sum to 1, and response rates that are no probabilities."""
    if not all(0 <= s <= 1 for s in shares) or abs(sum(shares) - 1) > 1e-9:
        raise InputError(f"population.shares is {list(shares)}; allowed: shares within [0, 1] that sum to 1")
    if not all(0 <= r <= 1 for r in response_rates):
        raise InputError(f"population.response_rates is {list(response_rates)}; allowed: probabilities within [0, 1]")


def sample_strata(shares: Sequence[float], draws: Draws) -> Flags:
    """Return uint8[m, n], the stratum of each addressed patient."""
    out = empty((draws.m, draws.n), np.uint8)
    if len(shares) > 1:
        categories(draws.word("stratum"), np.cumsum(shares)[:-1], out)
    else:
        out.fill(0)
    return out


def sample_response(rates: Sequence[float], change: Mechanism, draws: Draws, group: Flags) -> Flags:
    """Return uint8[m, n], who responds; group : uint8[m, n], 2 stratum + arm."""
    chances = np.array([[r, change.response_rate(r)] for r in rates]).ravel()
    out = np.empty(group.shape, dtype=np.uint8)
    bernoulli(draws.word("response"), group, chances, out)
    return out


def response_rate(rates: Sequence[float], shares: Sequence[float], change: Mechanism, stratum: int | None) -> float:
    """Return the exact probability of a response under a mechanism, of everybody or of one stratum."""
    changed = np.array([change.response_rate(r) for r in rates])
    return float(changed[stratum]) if stratum is not None else float(np.sum(changed * np.array(shares)))
