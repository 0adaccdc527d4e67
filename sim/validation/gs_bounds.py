"""Group-sequential boundaries: spending and classical, 2 to 5 looks, without and with futility.

Efficacy only: 1e-6 on z against gsDesign and rpact, which agree to 9e-8; 1e-5 against lrstat and wherever futility is spent, whose
root searches stop there. The same tolerances hold for probabilities and inflation factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from scipy.stats import norm

from sim.boundary.beta_spending import beta_spending_bounds, power_and_futility
from sim.boundary.classical import obrien_fleming, pocock, wang_tsiatis
from sim.boundary.recursive_integration import crossing_probabilities, drift_for_power, efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, KimDeMets, LanDeMetsOBrienFleming, LanDeMetsPocock, Spending
from sim.types import Array
from sim.validation.check import Check, Reference, compare
from sim.validation.reading import vector

FAMILY = "gs_bounds"
_against = partial(compare, FAMILY)


def named(name: str, parameter: float) -> Spending:
    """Return the spending function that lrstat, rpact or gsDesign calls by this name."""
    kinds: dict[str, Callable[[], Spending]] = {
        "sfLDOF": LanDeMetsOBrienFleming,
        "sfOF": LanDeMetsOBrienFleming,
        "sfLDPocock": LanDeMetsPocock,
        "sfP": LanDeMetsPocock,
        "sfHSD": lambda: HwangShihDeCani(parameter),
        "sfPower": lambda: KimDeMets(parameter),
        "sfKD": lambda: KimDeMets(parameter),
    }
    return kinds[name]()


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold every boundary, its spent errors and its inflation factor against the rows."""
    return [check for row in rows for check in (*_looks(row), *(_efficacy(row) if row.futility == "none" else _futility(row)))]


def _looks(row: Reference) -> list[Check]:
    return [_against(row, "looks", row.k, len(vector(row.information_rates)))]


def bounds_of(row: Reference) -> Array:
    """Return the efficacy bounds of a row without futility."""
    t = vector(row.information_rates)
    if row.spending == "OF":
        return obrien_fleming(t, row.alpha)
    if row.spending == "P":
        return pocock(t, row.alpha)
    if row.spending == "WT":
        return wang_tsiatis(t, row.alpha, row.parameter)
    return efficacy_bounds(t, row.alpha, named(row.spending, row.parameter))


def _efficacy(row: Reference) -> list[Check]:
    tolerance = 1e-5 if row.package == "lrstat" else 1e-6
    t, bounds = vector(row.information_rates), bounds_of(row)
    spent = np.cumsum(crossing_probabilities(t, bounds).upper)
    out = [
        _against(row, "efficacy bounds, z", vector(row.upper_z), bounds, absolute=tolerance),
        _against(row, "cumulative alpha", vector(row.cumulative_alpha), spent, absolute=tolerance),
    ]
    if np.isfinite(row.inflation_factor_beta20):
        fixed = drift_for_power((1.0,), np.array([norm.isf(row.alpha)]), None, 0.8)
        factor = (drift_for_power(t, bounds, None, 0.8) / fixed) ** 2
        out.append(_against(row, "inflation factor at power 0.8", row.inflation_factor_beta20, factor, absolute=tolerance))
    return out


def _futility(row: Reference) -> list[Check]:
    against = partial(_against, absolute=1e-5)
    t = vector(row.information_rates)
    spending = named(row.spending, row.parameter), named(row.futility_spending, row.futility_parameter)
    design = beta_spending_bounds(t, row.alpha, row.beta, *spending, binding=row.futility == "binding")
    power, futility = power_and_futility(design, t, design.drift)
    alpha, futility_null = power_and_futility(design, t, 0.0)
    out = [
        against(row, "efficacy bounds, z", vector(row.upper_z), design.upper),
        against(row, "futility bounds, z", vector(row.lower_z), design.lower),
        against(row, "inflation factor", row.inflation_factor, design.inflation_factor),
        against(row, "cumulative power", vector(row.cumulative_power), power),
    ]
    if isinstance(row.cumulative_futility_h1, str):
        out.append(against(row, "cumulative futility, effect", vector(row.cumulative_futility_h1), futility))
    if isinstance(row.cumulative_futility_h0, str):
        out.append(against(row, "cumulative futility, no effect", vector(row.cumulative_futility_h0), futility_null))
    if isinstance(row.cumulative_alpha, str):
        # gsDesign counts the type I error with futility obeyed; rpact, where futility is non-binding, with futility ignored
        ignored = row.package == "rpact" and row.futility == "non-binding"
        spent = np.cumsum(crossing_probabilities(t, design.upper).upper) if ignored else alpha
        note = "futility ignored" if ignored else "futility obeyed"
        out.append(against(row, "cumulative alpha", vector(row.cumulative_alpha), spent, note=note))
    return out
