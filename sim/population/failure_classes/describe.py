"""The lines by which a report describes patients in classes: what is published, fitted, and assumed with its range."""

from __future__ import annotations

from sim.population.course_model import Choices
from sim.population.failure_classes.parameters import ClassParameters
from sim.types import Array, Assumption

SOURCE = "Zurko 2023, Blood Advances 7(12):2657"


def describe(p: ClassParameters, choices: Choices, refractory_share: float, strata_shares: Array) -> list[Assumption]:
    """Return the lines for the report."""
    shares = " / ".join(f"{x:.0%}" for x in p.class_shares)
    lines = [
        Assumption("patients", "multi-state model with latent classes at failure, calibrated to published figures", SOURCE),
        Assumption("classes at failure, best first", f"{shares} of observed failures, hazards {' / '.join(f'{m:.2f}' for m in p.frailty)}", "PC-PI (Iacoboni 2024) for the shares"),
        Assumption("spread of the class", f"{p.spread:g}", "assumption (0.2 to 0.8): no figure pins it down"),
        Assumption("time to failure acts on the class", f"slope {p.time_to_class:.2f} of log months", "fitted; survival after a failure within a month, response by time"),
        Assumption("durable share of complete and of partial responses", f"{p.durable_in_complete:g} and {p.durable_in_partial:g}", "bispecific series; 0.55 to 0.75 and 0 to 0.15"),
        Assumption("exit rate of responders, of that without response", f"{p.partial_ratio:.2f}", "weakly fitted (0.15 to 0.7): it moves the power"),
        Assumption("day-30 refractory share at progression, used here", f"{refractory_share:.1%}", "set" if choices.refractory_share is not None else "model, untruncated"),
        Assumption("shares of the strata at time zero", " / ".join(f"{x:.1%}" for x in strata_shares), "model: who lives to time zero"),
        Assumption("first-line regimen", "published mix" if choices.regimen == "mix" else choices.regimen, "population.regimen"),
        Assumption("death rate while waiting for treatment", f"{p.waiting_death_rate:g} per month", "assumption (0.02 to 0.20)"),
        Assumption("shape of survival after progression and under supportive care", f"Weibull {p.post_shape:g} and {p.supportive_shape:g} within a class", "assumption (1.5 to 2.0 and 0.5 to 0.75)"),
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
    return lines
