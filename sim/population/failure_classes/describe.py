"""The lines by which a report describes patients in classes: what is published, fitted, and assumed with its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.benchmark import Benchmark
from sim.population.course_model import Choices
from sim.population.describe_post_cart_failure import published
from sim.population.failure_classes.parameters import ClassParameters
from sim.population.said_of_parameters import assumed, fitted
from sim.types import Array, Assumption


def describe(
    p: ClassParameters, choices: Choices, notes: Mapping[str, Any], benchmark: Benchmark, refractory_share: float, strata_shares: Array
) -> list[Assumption]:
    """Return the lines for the report."""
    source = benchmark.citation
    hazards, shares = " / ".join(f"{m:.2f}" for m in p.frailty), " / ".join(f"{x:.0%}" for x in p.class_shares)
    share = "set by population.refractory_share" if choices.refractory_share is not None else "model: eventual progressions, untruncated"
    lines = [
        Assumption("patients", "multi-state model with latent classes at failure, calibrated to published figures", source),
        Assumption("time zero", choices.time_zero_event, "configuration"),
        *published(benchmark.read(), source),
        Assumption("classes at failure, best first", f"{shares} of observed failures, hazards {hazards}", "PC-PI (Iacoboni 2024) for the shares"),
        Assumption("spread of the class", f"{p.spread:g}", f"{assumed(notes, 'spread')}: no figure pins it down"),
        Assumption("time to failure acts on the class", f"slope {p.time_to_class:.2f} of log months", fitted(notes, "time_to_class")),
        Assumption(
            "durable share of complete and of partial responses",
            f"{p.durable_in_complete:g} and {p.durable_in_partial:g}",
            f"{assumed(notes, 'durable_in_complete')}, {assumed(notes, 'durable_in_partial')}: bispecific series",
        ),
        Assumption("exit rate of responders, of that without response", f"{p.partial_ratio:.2f}", f"{fitted(notes, 'partial_ratio')}: it moves the power"),
        Assumption("day-30 refractory share at progression, used here", f"{refractory_share:.1%}", share),
        Assumption("shares of the strata at time zero", " / ".join(f"{x:.1%}" for x in strata_shares), "model: who lives to time zero"),
        Assumption("first-line regimen", "published mix" if choices.regimen == "mix" else choices.regimen, "population.regimen"),
        Assumption("death rate while waiting for treatment", f"{p.waiting_death_rate:g} per month", assumed(notes, "waiting_death_rate")),
        Assumption("shape of survival after progression within a class", f"Weibull {p.post_shape:g}", assumed(notes, "post_shape")),
        Assumption("shape of survival under supportive care within a class", f"Weibull {p.supportive_shape:g}", assumed(notes, "supportive_shape")),
        Assumption("deaths without lymphoma", f"Gompertz, {p.background_rate:g} per month at 60 years", "assumption: the cured die as people of their age do"),
    ]  # fmt: skip
    for k in p.regimens:
        if k.response_range is not None:
            low, high = k.response_range
            lines.append(
                Assumption(f"response rate under {k.name}", f"{k.response:.0%}", f"declared ({low:.0%} to {high:.0%}): no paper gives it")
            )
    for name, allowed in choices.eligible.items():
        if allowed is not None:
            lines.append(Assumption(f"eligible by {name} at failure", ", ".join(str(x) for x in allowed), "population.eligible; drawn from the class"))  # fmt: skip
    if choices.time_zero != "first_line_start":
        lines.append(Assumption("a treatment effect acts", "from the start of first line; who never starts it has none", "model"))
    return lines
