"""Bounds of weighted log-rank tests at two looks, by the null information of their scores: independent quadrature and bivariate normal.

Information 1e-6 relative, months and z 1e-6: two quadratures of the reference agree to 2e-10, but for 4e-6 where a weight jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np

from sim.accrual import UniformAccrual
from sim.boundary.recursive_integration import crossing_probabilities, efficacy_bounds
from sim.boundary.spending import HwangShihDeCani, LanDeMetsOBrienFleming, LanDeMetsPocock, Spending
from sim.design.randomised_survival import RandomisedSurvival
from sim.followup import ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.setting import Setting
from sim.statistic.early_zero import EarlyZero
from sim.statistic.logrank import LogRank
from sim.statistic.modestly_weighted import ModestlyWeighted
from sim.statistic.null_trial import NullTrial
from sim.statistic.statistic import Statistic
from sim.validation.check import Check, Reference, compare

FAMILY = "weighted_gs"
SPENDING: dict[str, Callable[[float], Spending]] = {
    "lan_demets_pocock": lambda _: LanDeMetsPocock(),
    "lan_demets_obf": lambda _: LanDeMetsOBrienFleming(),
    "hwang_shih_decani": HwangShihDeCani,
}
TESTS: dict[str, Callable[[float], Statistic]] = {
    "fh01": lambda _: LogRank(gamma=1.0),
    "fh10": lambda _: LogRank(rho=1.0),
    "early_zero": EarlyZero,
    "modest": ModestlyWeighted,
}


def setting(row: Reference) -> Setting:
    """Return the patients, accrual and dropout of a row."""
    lost = float(row.dropout_hazard)
    dropout = ExponentialDropout(hazard=lost) if lost else NoDropout()
    return Setting(PiecewiseExponential(hazards=((float(row.hazard),),)), UniformAccrual(rate=float(row.accrual_per_month)), dropout)


def design(row: Reference, spend_by: str) -> RandomisedSurvival:
    """Return the design of a row."""
    return RandomisedSurvival(
        int(row.patients),
        alpha=float(row.alpha),
        events=(int(row.events_first), int(row.events_final)),
        spending=SPENDING[row.spending](float(row.spending_parameter)),
        spend_by=spend_by,
        statistic=TESTS[row.weight](float(row.weight_parameter)),
        stratified_randomisation=False,
        max_duration=1000.0,
    )


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold months, information and both boundaries of every row against it."""
    return [check for row in rows for check in _row(row)]


def _row(row: Reference) -> list[Check]:
    made, around = design(row, "events"), setting(row)
    null = NullTrial(around, "pfs", made.n, 0.5)
    looks = [null.look(d) for d in made.look_events]
    information = np.array([made.statistic.null_information(look)[0, 0] for look in looks])
    source = SimpleNamespace(id=row.id, package="independent quadrature", version="", function="bivariate normal")

    def against(quantity: str, expected: Sequence[float], got: Sequence[float], rel: float = 0.0) -> Check:
        return compare(FAMILY, source, quantity, expected, got, rel=rel, absolute=0.0 if rel else 1e-6)

    own = design(row, "own").bounds(around).boundary.upper
    # what one gets by taking the events for information, and the level that has in truth
    events = made.look_events[0] / made.look_events[1]
    wrong = efficacy_bounds((events, 1.0), made.alpha, SPENDING[row.spending](float(row.spending_parameter)))
    level = float(crossing_probabilities((information[0] / information[1], 1.0), wrong).upper.sum())
    return [
        against("months of the looks", (row.month_first, row.month_final), [look.month for look in looks]),
        against("null information", (row.information_first, row.information_final), information.tolist(), rel=1e-6),
        against("correlation", (row.correlation,), (float(np.sqrt(information[0] / information[1])),)),
        against(
            "z, spent by events", (row.z_first_event_spending, row.z_final_event_spending), made.bounds(around).boundary.upper.tolist()
        ),
        against("z, spent by own information", (row.z_first_own_spending, row.z_final_own_spending), own.tolist()),
        against(
            "fractions of information and of events",
            (row.information_fraction, row.event_fraction),
            (information[0] / information[1], events),
        ),
        against("z by the events' correlation", (row.z_final_if_event_correlation,), (wrong[-1],)),
        against("its true level", (row.alpha_if_event_correlation,), (level,)),
    ]
