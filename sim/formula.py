"""What the textbook formula says of the same trial, to stand beside the simulated answer."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_survival import SingleArmSurvival
from sim.later import later
from sim.statistic.analytic import one_sample_logrank
from sim.statistic.logrank import LogRank
from sim.trial import Trial

ndtri = later("scipy.special", "ndtri")


@dataclass(frozen=True)
class FormulaSize:
    """One number from a formula, as a row of the table."""

    metric: str
    value: float
    unit: str
    definition: str


def formula_sizes(trial: Trial, target: float) -> list[FormulaSize]:
    """Return what the formulas for this kind of trial give; empty where there is none (exact designs need none).

    Notes
    -----
    Randomised: Schoenfeld's events, (z_alpha + z_beta)^2 (1 + r)^2 / (r log(hr)^2), and the patients that the design's event
    fraction makes of them; only for proportional hazards and one look. Single arm: Wu's n for the one-sample log-rank test,
    with the accrual that n patients take.

    References
    ----------
    Schoenfeld, Biometrika 1981;68:316. Wu, Pharmaceutical Statistics 2015;14:364.
    """
    design, effect = trial.design, trial.effect
    stated = effect.stated(trial.population)
    if isinstance(design, RandomisedSurvival) and stated is not None and stated[0] < 1 and stated[1] == design.endpoint:
        return _schoenfeld(design, stated[0], target)
    if isinstance(design, SingleArmSurvival) and _is_wus(design):
        return _wu(trial, design, target)
    return []


def _is_wus(design: SingleArmSurvival) -> bool:
    return design.null == "population" and design.endpoint == "pfs" and design.test == "one_sample_logrank"


def _schoenfeld(design: RandomisedSurvival, hr: float, target: float) -> list[FormulaSize]:
    test = design.statistic
    if len(design.look_events) > 1 or not isinstance(test, LogRank) or test.rho or test.gamma:
        return []
    a, b = design.ratio
    z = float(-ndtri(design.level) + ndtri(target))
    events = ceil(z * z * (a + b) ** 2 / (a * b * log(hr) ** 2) - 1e-9)
    out = [
        FormulaSize(
            "events_schoenfeld",
            events,
            "events",
            "events by Schoenfeld 1981 for the same alpha, power and hazard ratio, proportional hazards, no strata",
        )
    ]
    if design.events is None and design.event_fraction is not None:
        n = ceil(events / design.event_fraction - 1e-9)
        out.append(FormulaSize("n_schoenfeld", n, "patients", "patients by Schoenfeld's events and the design's event fraction"))
    return out


def _wu(trial: Trial, design: SingleArmSurvival, target: float) -> list[FormulaSize]:
    null = design.null_curve(trial.population)
    alternative = trial.population.curve("pfs", trial.effect)
    n = design.n
    # the accrual time depends on n: a few rounds settle it
    for _ in range(20):
        m = one_sample_logrank.moments(
            null, alternative, trial.accrual.expected_duration(n), design.followup, trial.dropout.hazard_per_month
        )
        if m.expected <= m.events:
            return []
        found = one_sample_logrank.smallest_n(m, design.level, target, design.variance)
        if found == n:
            break
        n = found
    return [FormulaSize("n_wu", n, "patients", "patients by Wu 2015, exact moments of observed and expected events under the alternative")]
