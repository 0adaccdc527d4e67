"""Events re-estimated at a promising interim look: new events exactly, conditional powers, errors, power and expectations to 1e-6."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sim.boundary.promising_zone import PromisingZone
from sim.validation.check import Check, Reference, compare
from sim.validation.reading import vector

FAMILY = "ssr"
_against = partial(compare, FAMILY, absolute=1e-6)


def zone_of(row: Reference) -> PromisingZone:
    """Return the rule that a row describes, tested with the planned weights."""
    events = int(row.events_planned), int(row.interim_events), int(row.cap_events)
    return PromisingZone(*events, row.final_z, row.target, row.zone_low, row.zone_high, row.interim_z)


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold each row's new events, powers, errors and bound against ours."""
    return [check for row in rows for check in _checks(row)]


def _checks(row: Reference) -> list[Check]:
    zone, z = zone_of(row), np.array(vector(row.observed_z))
    plain = replace(zone, test="plain")
    goes_on = z < zone.interim_z
    events = zone.events(z[goes_on])
    out = [
        compare(
            FAMILY, row, f"new events, {test}", _where(row[f"new_events_{test}"], goes_on), replace(zone, sized_by=test).events(z[goes_on])
        )
        for test in ("chw", "plain")
    ]
    out += [
        _against(row, "zone, lower z", row.zone_z_low, zone.zone[0]),
        _against(row, "zone, upper z", min(row.zone_z_high, row.interim_z), zone.zone[1]),
        _against(
            row,
            "conditional power as planned",
            vector(row.conditional_power_plan),
            zone.conditional_power(z, np.full(z.shape, zone.planned)),
        ),
        _against(
            row,
            "conditional power with the new events",
            _where(row.conditional_power_new, goes_on),
            zone.conditional_power(z[goes_on], events),
        ),
        _against(
            row, "usual z where the weighted test just rejects", _where(row.usual_z_equal_to_chw, goes_on), zone.usual_z(z[goes_on], events)
        ),
        _against(row, "second stage's z", _where(row.second_stage_z_needed_chw, goes_on), zone.second_stage_z(z[goes_on], events)),
        _against(
            row,
            "lower end that keeps the usual test's level",
            row.cdl_bound_for_cap,
            _in_ratio(zone).level_keeping_low(float(-ndtri(row.alpha))),
        ),
    ]
    share = zone.interim / zone.planned
    drift_of_row = -math.log(row.hr) * math.sqrt(row.share_experimental * (1 - row.share_experimental))
    out += [
        _against(row, "interim share of the events", row.fraction, share),
        _against(row, "planned weights", (row.w1, row.w2), (math.sqrt(share), math.sqrt(1 - share))),
        _against(row, "drift per root event", row.drift_per_sqrt_event, drift_of_row),
    ]
    for name, drift in (("null", 0.0), ("alternative", row.drift_per_sqrt_event)):
        for test, exact in (("chw", zone.rejection(drift)), ("plain", plain.rejection(drift))):
            simulated = row[f"sim_reject_{name}_{test}"]
            error = math.sqrt(simulated * (1 - simulated) / row.simulations)
            what = f"rejection in simulated trials, {name}, {test}"
            out.append(compare(FAMILY, row, what, simulated, exact, absolute=4 * error, note="4 standard errors"))
        out += [
            _against(
                row, f"rejection without adaptation, {name}", row[f"reject_{name}_without_adaptation"], zone.rejection(drift, adapts=False)
            ),
            _against(row, f"rejection by planned weights, {name}", row[f"reject_{name}_chw"], zone.rejection(drift)),
            _against(row, f"rejection by the usual test, {name}", row[f"reject_{name}_plain"], plain.rejection(drift)),
            _against(row, f"expected events, {name}", row[f"expected_events_{name}"], zone.expected_events(drift)),
            _against(row, f"probability of the zone, {name}", row[f"zone_probability_{name}"], zone.zone_probability(drift)),
        ]
    return out


def _in_ratio(zone: PromisingZone) -> PromisingZone:
    """Return the same rule in ratios as the rows mean it: the cap is a half-whole multiple of the plan before it is rounded to events.

    The bound depends on ratios only, so that twice as many events have the same.
    """
    return replace(zone, planned=2 * zone.planned, interim=2 * zone.interim, cap=round(2 * zone.cap / zone.planned) * zone.planned)


def _where(cell: str, kept: NDArray[np.bool_]) -> list[float]:
    """Return the numbers of a cell where a trial goes on; elsewhere it may be empty."""
    return [float(x) for x, keep in zip(str(cell).split(";"), kept, strict=True) if keep]
