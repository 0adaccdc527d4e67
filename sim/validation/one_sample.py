"""Single-arm designs: milestone, restricted mean, Poisson rate, one-sample log-rank.

lrstat uses the same formulas for milestone and restricted mean: 1e-9; its searches for the time of a look stop at 1e-6 or so. Poisson
counts to the unit, probabilities to 1e-12. The one-sample log-rank rows are 100,000 simulated trials: expected events are exact here, so
they are held to 4 standard errors; the power is asymptotic: first order in the variance estimate ("delta") it comes within 0.006 of the
simulated power in every row, and Wu's, which holds the variance estimate fixed, within 0.027.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy.optimize import brentq

from sim.boundary.exact_poisson import exact_poisson
from sim.boundary.recursive_integration import crossing_probabilities, efficacy_bounds
from sim.boundary.spending import Spending
from sim.curve import Curve
from sim.statistic.analytic.estimate import power_one_sample
from sim.statistic.analytic.expected_events import expected_dropouts, expected_events
from sim.statistic.analytic.milestone import milestone
from sim.statistic.analytic.one_sample_logrank import Moments, moments, power
from sim.statistic.analytic.rmst import rmst
from sim.validation.check import Check, Numbers, Reference, compare
from sim.validation.gs_bounds import named
from sim.validation.plans import of_one_sample_row
from sim.validation.reading import vector

FAMILY = "one_sample"
_against = partial(compare, FAMILY)


def kind(row: Reference) -> str:
    """Return which computation a row asks for, or "" where there is none."""
    if row.function == "powerOneRateExact":
        return "poisson"
    if row.function.startswith("Monte Carlo one-sample log-rank"):
        return "log-rank"
    if row.function[:2] in ("km", "rm"):
        return "sequential" if "kMax" in row.function else "fixed"
    return ""


def checks(rows: Sequence[Reference]) -> list[Check]:
    """Hold the single-arm designs against the rows."""
    of_kind = {"poisson": _poisson, "log-rank": _one_sample_logrank, "sequential": _sequential, "fixed": _fixed}
    return [check for row in rows if kind(row) for check in of_kind[kind(row)](row)]


def _poisson(row: Reference) -> list[Check]:
    found = exact_poisson(row.subjects * row.exposure_per_subject, row.lambda_h0, float(row["lambda"]), row.alpha)
    return [
        _against(row, "critical count", row.critical_count, found.critical_count),
        _against(row, "type I error", row.type1, found.type_i_error, absolute=1e-12),
        _against(row, "power", row.power, found.power, absolute=1e-12),
    ]


def piecewise(times: Numbers, hazards: Numbers, step: float = 0.01, end: float = 60.0) -> Curve:
    """Return the survival curve with hazards[k] per month from times[k] months on."""
    t = np.arange(round(end / step) + 1) * step
    ends = [*times[1:], np.inf]
    h = sum(rate * np.clip(t - a, 0, b - a) for a, b, rate in zip(times, ends, hazards, strict=True))
    return Curve(step, np.exp(-h))


def moments_of(row: Reference) -> tuple[Moments, str]:
    """Return the moments of one patient of a one-sample log-rank row, and the variance its test divides by."""
    variance = "mean" if row.function.endswith("sqrt((O+E)/2)") else "null"
    null, truth = piecewise((0.0,), (row.lambda_h0,)), piecewise(vector(row.pw_times), vector(row["lambda"]))
    return moments(null, truth, row.accrual_duration, row.followup, row.dropout), variance


def _one_sample_logrank(row: Reference) -> list[Check]:
    m, variance = moments_of(row)
    error = math.sqrt(row.subjects * m.events * (1 - m.events) / row.n_sim)
    note = f"{row.n_sim:,.0f} simulated trials"
    out = [_against(row, "expected events", row.events, row.subjects * m.events, absolute=4 * error, note=f"4 standard errors of {note}")]
    if not row.scenario.endswith("H0"):
        for method, tolerance in (("delta", 0.006), ("wu2015", 0.027)):
            found = power(row.subjects, m, row.alpha, variance, method)
            out.append(_against(row, f"asymptotic power ({method})", row.power, found, absolute=tolerance, note=note))
    return out


def _fixed(row: Reference) -> list[Check]:
    plan = of_one_sample_row(row)
    end = plan.accrual_duration + row.followup
    estimate = (milestone if row.function.startswith("km") else rmst)(plan, end, row.milestone)
    power_found = power_one_sample(estimate, row.h0, row.alpha)
    out = [
        _against(row, "power", row.power, power_found, absolute=1e-9),
        _against(row, "month of the analysis", row.time, end, rel=1e-12),
        _against(row, "information", row.information, 1 / estimate.variance, rel=1e-9),
        _against(row, "expected events", row.events, sum(expected_events(plan, end)), rel=1e-9),
        _against(row, "patients", row.subjects, plan.enrolled(end), rel=1e-9),
    ]
    if np.isfinite(row.h1):
        out.append(_against(row, "estimate", row.h1, estimate.value, rel=1e-12))
        out.append(_against(row, "dropouts", row.dropouts, expected_dropouts(plan, end), rel=1e-9))
    if np.isfinite(row.at_milestone):
        # entered early enough, event-free and not lost
        staying = milestone(plan, end, row.milestone).value * math.exp(-row.dropout * row.milestone)
        at_risk = plan.enrolled(end - row.milestone) * staying
        out.append(_against(row, "patients at risk at the milestone", row.at_milestone, at_risk, rel=1e-9))
    if np.isfinite(row.beta):
        out.append(_against(row, "power asked for", 1 - row.beta, power_found, absolute=1e-6))
    return out


def looks_of(function: str) -> tuple[Numbers, Spending]:
    """Return the information fractions and the spending function that a function's arguments name.

    Examples
    --------
    >>> looks_of("kmpower1s(kMax=2,informationRates=c(0.6,1),sfOF)")
    ((0.6, 1.0), LanDeMetsOBrienFleming())
    """
    rates = re.findall(r"informationRates=c\(([^)]*)\)", function)[0]
    return tuple(float(rate) for rate in rates.split(",")), named(re.findall(r"sf[A-Z]\w*", function)[0], 0.0)


def _sequential(row: Reference) -> list[Check]:
    plan = of_one_sample_row(row)
    end = plan.accrual_duration + row.followup
    functional = milestone if row.function.startswith("km") else rmst
    last = functional(plan, end, row.milestone)
    fractions, spending = looks_of(row.function)

    def month_of(fraction: float) -> float:
        def missing(calendar: float) -> float:
            return 1 / functional(plan, calendar, row.milestone).variance - fraction / last.variance

        return end if fraction == 1 else float(brentq(missing, row.milestone + 0.01, end))

    times = np.array([month_of(fraction) for fraction in fractions])
    mean = (last.value - row.h0) / np.sqrt(last.variance)
    bounds = efficacy_bounds(fractions, row.alpha, spending)
    crossed = crossing_probabilities(fractions, bounds, mean=mean)
    return [
        _against(row, "efficacy bounds, z", vector(row.look_z), bounds, absolute=1e-5),
        _against(row, "months of the looks", vector(row.look_times), times, absolute=1e-5),
        _against(row, "cumulative power", vector(row.look_power), np.cumsum(crossed.upper), absolute=1e-5),
        _against(row, "power", row.power, crossed.upper.sum(), absolute=1e-5),
        _against(row, "estimate", row.h1, last.value, rel=1e-9),
        _against(row, "expected duration, months", row.expected_duration, crossed.ends @ times, absolute=1e-4),
    ]
