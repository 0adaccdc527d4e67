"""The lines by which a report describes the calibrated population: what is published, what was fitted, what is assumed."""

from __future__ import annotations

from sim.population.course_model import Choices
from sim.population.parameters import Parameters
from sim.types import Array, Assumption


def describe(p: Parameters, x: Choices, share_at_progression: float, strata_shares: Array) -> list[Assumption]:
    """Return the lines for the report."""
    source = "Zurko 2023, Blood Advances 7(12):2657"
    share = "set by population.refractory_share" if x.refractory_share is not None else "model: eventual progressions, untruncated"
    lines = [
        Assumption("patients", "multi-state model of the course after CD19 CAR-T, calibrated to published figures", source),
        Assumption("time zero", x.time_zero_event, "configuration"),
        Assumption(
            "who can be treated after failure",
            {"progressed": "patients who progressed (254)", "failures": "all failures (284)"}[p.denominator],
            "population.denominator; the paper leaves it open",
        ),
        Assumption("day-30 refractory share of failures", "43.7 % (124/284)", source),
        Assumption("day-30 refractory share of progressions observed by the cut", "48.8 % (124/254)", source),
        Assumption("day-30 refractory share of eventual progressions", f"{p.refractory_share:.1%}", "model, untruncated"),
        Assumption("day-30 refractory share at progression, used here", f"{share_at_progression:.1%}", share),
        Assumption("day-30 refractory share at time zero", f"{strata_shares[0]:.1%}", "model: who lives to time zero"),
        Assumption("first-line regimen", "published mix" if x.regimen == "mix" else x.regimen, "population.regimen"),
        Assumption("hazard ratio of day-30 refractory disease after progression", f"{p.theta:.2f}", "fitted"),
        Assumption("death rate while waiting for treatment", f"{p.waiting_death_rate:g} per month", "assumption (0.02 to 0.20)"),
        Assumption(
            "mean time from progression to first line among the intended", f"{1 / p.start_rate:.2f} months", "assumption (0.4 to 1.0)"
        ),
        Assumption("shape of survival under supportive care", f"Weibull {p.supportive_shape:g}", "assumption (0.28 to 0.75)"),
        Assumption("share of first-line exits that are deaths", f"{p.exit_death_share:g}", "assumption (0.05 to 0.20)"),
        Assumption("exit rate of durable responders", f"{p.durable_exit_rate:g} per month", "assumption (0.001 to 0.006)"),
        Assumption("response given day-30 status", "the same in refractory and other", "assumption: not published"),
    ]
    if x.time_zero != "first_line_start":
        lines.append(Assumption("a treatment effect acts", "from the start of first line; who never starts it has none", "model"))
    if x.prognostic:
        value = "more than 2 lines 1.89, neither double hit nor expressor 0.42: on leaving first line, centred, independent of each other"
        lines.append(Assumption("prognostic hazard ratios", value, f"{source}, Table 3; their joint distribution is not published"))
    if x.draws is not None:
        value = f"{x.draws} parameter sets in the place of the truth (task=power, task=size), the design as planned on the fitted ones"
        lines.append(
            Assumption("uncertainty of the benchmark", value, "parametric bootstrap of the study; assumptions drawn from their ranges")
        )
    return lines
