"""The lines by which a report describes the calibrated population: what is published, what was fitted, what is assumed.

Every published number comes from the benchmark that the population was given, its overrides applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.benchmark import Benchmark, Figure
from sim.population.course_model import Choices
from sim.population.parameters import Parameters, Regimen, mix_weights
from sim.population.prognostic import EFFECTS
from sim.population.said_of_parameters import assumed, fitted
from sim.types import Array, Assumption

MEDIANS = {
    "failure_os_median": "OS, all",
    "d30ref_os_median": "OS, day-30 refractory",
    "d30oth_os_median": "OS, others",
    "treated_os_median": "OS, treated",
    "treated_pfs_median": "PFS, treated",
}
# regimens whose response rate the source prints as a range that several share
SHARED_RANGES = {"cpi": "orr1_cpi_chemo_taflen"}


def describe(
    p: Parameters, x: Choices, notes: Mapping[str, Any], benchmark: Benchmark, share_at_progression: float, strata_shares: Array
) -> list[Assumption]:
    """Return the lines for the report."""
    source, figures = benchmark.citation, benchmark.read()
    share = "set by population.refractory_share" if x.refractory_share is not None else "model: eventual progressions, untruncated"
    lines = [
        Assumption("patients", "multi-state model of the course after CD19 CAR-T, calibrated to published figures", source),
        Assumption("time zero", x.time_zero_event, "configuration"),
        *published(figures, source),
        Assumption(
            "who can be treated after failure",
            {
                "progressed": f"patients who progressed ({_patients(figures, 'progressed_n')})",
                "failures": f"all failures ({_patients(figures, 'failure_n')})",
            }[p.denominator],
            "population.denominator; the paper leaves it open",
        ),
        Assumption("day-30 refractory share of eventual progressions", f"{p.refractory_share:.1%}", "model, untruncated"),
        Assumption("day-30 refractory share at progression, used here", f"{share_at_progression:.1%}", share),
        Assumption("day-30 refractory share at time zero", f"{strata_shares[0]:.1%}", "model: who lives to time zero"),
        Assumption("hazard ratio of day-30 refractory disease after progression", f"{p.theta:.2f}", fitted(notes, "theta")),
        *_responses(p, x.regimen, figures),
        *_course(p, notes),
    ]
    if x.time_zero != "first_line_start":
        lines.append(Assumption("a treatment effect acts", "from the start of first line; who never starts it has none", "model"))
    if x.prognostic:
        lines.append(_prognosis(figures, source))
    if x.draws is not None:
        value = f"{x.draws} parameter sets in the place of the truth (task=power, task=size), the design as planned on the fitted ones"
        lines.append(
            Assumption("uncertainty of the benchmark", value, "parametric bootstrap of the study; assumptions drawn from their ranges")
        )
    return lines


def published(figures: Mapping[str, Figure], source: str) -> list[Assumption]:
    """Return the lines of what the benchmark prints: medians from progression and the share of the day-30 refractory."""
    medians = [f"{words} {_with_interval(figures[id])}" for id, words in MEDIANS.items() if id in figures]
    lines = [Assumption("published medians from progression, months (95 % interval)", "; ".join(medians), source)] if medians else []
    if "d30ref_share" not in figures:
        return lines
    refractory = figures["d30ref_share"]
    n = refractory.target / 100 * refractory.denominator
    value = f"{refractory.target:.1f} % ({n:.0f}/{refractory.denominator:.0f}){_altered(refractory)}"
    lines.append(Assumption("day-30 refractory share of failures", value, source))
    if "progressed_n" in figures:
        progressed = figures["progressed_n"]
        value = f"{n / progressed.value:.1%} ({n:.0f}/{progressed.value:.0f}){_altered(progressed)}"
        lines.append(Assumption("day-30 refractory share of progressions observed by the cut", value, source))
    return lines


def _responses(p: Parameters, regimen: str, figures: Mapping[str, Figure]) -> list[Assumption]:
    """Say which response rates the mix has, and which of them nobody published."""
    shares, rates = mix_weights(p)
    total = sum(k.patients for k in p.regimens)
    ranged = [k for k in p.regimens if SHARED_RANGES.get(k.name) in figures]
    unpublished = [k for k in p.regimens if f"orr1_{k.name}" not in figures and k not in ranged]
    mix = "published mix" if regimen == "mix" else regimen
    lines = [
        Assumption("first-line regimen", mix, "population.regimen"),
        Assumption("response rate of the published mix", f"{float(shares @ rates):.1%}", "published rates and those assumed below"),
    ]
    if unpublished:
        n = sum(k.patients for k in unpublished)
        value = f"{_rates(unpublished)}; {n:.0f} of {total:.0f} patients"
        lines.append(Assumption("response rates of regimens without a published one", value, "assumption: not published"))
    if ranged:
        printed = ", ".join(f"{figures[SHARED_RANGES[k.name]].printed} %" for k in ranged)
        lines.append(
            Assumption("response rates published as a range only", _rates(ranged), f"assumption within the printed range ({printed})")
        )
    return [*lines, Assumption("response given day-30 status", "the same in refractory and other", "assumption: not published")]


def _rates(regimens: list[Regimen]) -> str:
    return ", ".join(f"{k.name} {k.response:.0%} ({k.patients:.0f} patients)" for k in regimens)


def _course(p: Parameters, notes: Mapping[str, Any]) -> list[Assumption]:
    """Say what decides the course from progression on, and the plateau before it."""
    shortest, longest = sorted(1 / rate for rate in notes.get("plausible_ranges", {}).get("start_rate", (p.start_rate, p.start_rate)))
    return [
        Assumption("death rate while waiting for treatment", f"{p.waiting_death_rate:g} per month", assumed(notes, "waiting_death_rate")),
        Assumption(
            "mean time from progression to first line among the intended",
            f"{1 / p.start_rate:.2f} months",
            f"assumption ({shortest:g} to {longest:g})",
        ),
        Assumption(
            "median survival under supportive care", f"{p.supportive_median:.2f} months (Weibull)", fitted(notes, "supportive_median")
        ),
        Assumption("shape of survival under supportive care", f"Weibull {p.supportive_shape:g}", assumed(notes, "supportive_shape")),
        Assumption("share of first-line exits that are deaths", f"{p.exit_death_share:g}", assumed(notes, "exit_death_share")),
        Assumption("durable share of responders to first line", f"{p.durable_share:.1%}", fitted(notes, "durable_share")),
        Assumption(
            "plateau after first line: exit rate of durable responders",
            f"{p.durable_exit_rate:g} per month",
            assumed(notes, "durable_exit_rate"),
        ),
        Assumption(
            "plateau after CAR-T: death rate of those who never fail",
            f"{p.background_death_rate:.4f} per month",
            fitted(notes, "background_death_rate"),
        ),
        Assumption("shape of survival after progression on first line", f"Weibull {p.post_shape:.2f}", fitted(notes, "post_shape")),
        Assumption("rate of death after progression on first line (1 / scale)", f"{p.post_rate:.3f} per month", fitted(notes, "post_rate")),
        Assumption("transplant rate in response", f"{p.allo_from_response_rate:.3f} per month", fitted(notes, "allo_from_response_rate")),
        Assumption(
            "transplant rate after a progression",
            f"{p.allo_after_progression_rate:.3f} per month",
            fitted(notes, "allo_after_progression_rate"),
        ),
        Assumption(
            "after a transplant",
            f"{p.allo_cured:.0%} cured; the others relapse at {p.allo_relapse_rate:.2f} and die after a relapse at {p.allo_death_rate:.2f} per month",
            "solved from the published one-year rates of the transplanted; no treatment effect acts on them",
        ),
    ]


def _prognosis(figures: Mapping[str, Figure], source: str) -> Assumption:
    (lines, *_), (neither, *_) = EFFECTS["lines"], EFFECTS["dhde"]
    value = f"more than 2 lines {lines:g}, neither double hit nor expressor {neither:g}: on leaving first line, centred, independent of each other"
    printed = [f"{figures[id].value:g}{_altered(figures[id])}" for id in ("hr_pfs_fail_gt2_lines", "hr_pfs_fail_dhde") if id in figures]
    return Assumption("prognostic hazard ratios", value, f"{source}: {' and '.join(printed)}; their joint distribution is not published")


def _patients(figures: Mapping[str, Figure], id: str) -> str:
    """A number of patients: printed as one, or as a share of a denominator."""
    if id not in figures:
        return "number not published"
    f = figures[id]
    return f"{f.target / 100 * f.denominator if f.is_share else f.value:.0f}"


def _with_interval(f: Figure) -> str:
    return f"{f.value:g} ({f.ci_low:.3g} to {f.ci_high:.3g}){_altered(f)}"


def _altered(f: Figure) -> str:
    return ", altered by the configuration" if f.altered else ""
