"""Every family of checks: what it covers, how it is computed, what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from sim.types import InputError
from sim.validation import (
    graph,
    graph_sequential,
    gs_bounds,
    logrank_design,
    nph,
    one_sample,
    one_sample_simulated,
    published_figures,
    random_numbers,
    sim_power,
    simon,
    single_stage,
    ssr,
    survival_cox,
    survival_curves,
    survival_logrank,
    survival_weighted,
    textbook,
    weighted_gs,
)
from sim.validation.check import Check, Reference
from sim.validation.data_sets import grouped_by_analysis
from sim.validation.family import ByRow, Conditions, Exclusions, Family, Group, singly
from sim.validation.reading import rows


def _everybody(row: Reference) -> bool:
    return True


def _rows(file: str, belongs: Callable[[Reference], bool]) -> Group:
    return [row for row in rows(file) if belongs(row)]


def _of_rows(
    family: str,
    checks: Callable[[Group], list[Check]],
    file: str,
    belongs: Callable[[Reference], bool] = _everybody,
    grouped: Callable[[Group], Sequence[Group]] = singly,
) -> ByRow:
    return ByRow(family, lambda group, n_sim, seed: checks(group), partial(_rows, file, belongs), grouped)


def _one_row(check: Callable[[Reference, int, int], list[Check]], group: Group, n_sim: int, seed: int) -> list[Check]:
    (row,) = group
    return check(row, n_sim, seed)


def _simulated(
    family: str, check: Callable[[Reference, int, int], list[Check]], file: str, belongs: Callable[[Reference], bool] = _everybody
) -> ByRow:
    # functions of modules only: processes receive them
    return ByRow(family, partial(_one_row, check), partial(_rows, file, belongs), spread=True)


def _textbook(conditions: Conditions) -> list[Check]:
    return textbook.checks(conditions.scenarios, conditions.n_sim, conditions.seed, conditions.executor)


def _calibration(conditions: Conditions) -> list[Check]:
    return [] if conditions.calibration is None else published_figures.checks(conditions.calibration, conditions.source)


def _not_judged(conditions: Conditions) -> Exclusions:
    return () if conditions.calibration is None else tuple(published_figures.not_judged(conditions.calibration))


FAMILIES: tuple[Family, ...] = (
    Family(
        "random_numbers",
        "Random number generator",
        "Known-answer vectors of Philox 4x32-10, published with Random123, are generated again.",
        "All 32-bit words equal.",
        lambda conditions: random_numbers.checks(),
    ),
    Family(
        "gs_bounds",
        "Group-sequential boundaries",
        "Spending and classical boundaries of 2 to 5 looks by recursive integration, with the errors they spend and their inflation factors; futility none, non-binding or binding.",
        "1e-6 on z and probabilities against gsDesign and rpact without futility; 1e-5 against lrstat and wherever futility is spent, where the packages themselves differ by 1.6e-6.",
        _of_rows("gs_bounds", gs_bounds.checks, "gs_bounds"),
        "gs_bounds",
    ),
    Family(
        "graph",
        "Graphical multiple testing",
        "Rejections, their order, the weights left and adjusted p-values of graphs of 2 to 5 hypotheses, published examples among them.",
        "Decisions and order equal; weights and adjusted p-values 1e-12.",
        _of_rows("graph", graph.checks, "graph"),
        "graph",
    ),
    Family(
        "graph_gs",
        "Graphical multiple testing at several looks",
        "The look at which each hypothesis is rejected, past looks tested again or not, and the critical z of every weight that is met.",
        "Looks equal; critical z 1e-6.",
        _of_rows("graph_gs", graph_sequential.checks, "graph_gs"),
        "graph_gs",
    ),
    Family(
        "ssr",
        "Events re-estimated at a promising interim look",
        "New events, conditional power, errors, power and expected events of the promising zone, by planned weights and by the usual test; the lower end of the zone that keeps the usual test's level.",
        "Events equal; z, probabilities and expectations 1e-6.",
        _of_rows("ssr", ssr.checks, "ssr"),
        "ssr",
    ),
    Family(
        "logrank_design",
        "Sizing of the log-rank test",
        "Required events (Schoenfeld, Freedman, Hsieh-Freedman), power, patients, follow-up, accrual and calendar times under accrual and dropout; group-sequential power, expected events and duration.",
        "1e-9 relative for formulas, 2e-7 against lrstat's root searches, 1e-6 months for times, 1e-6 for power; 1e-4 months and 1e-3 patients where rpact's own search stops at 5e-5.",
        _of_rows("logrank_design", logrank_design.checks, "logrank_design"),
        "logrank_design",
    ),
    Family(
        "simon_two_stage",
        "Simon's two-stage designs",
        "Minimax, admissible and optimal designs by complete enumeration; exact type I error, power, early stopping and expected patients of each.",
        "r1, n1, r and n equal; probabilities 1e-12; expected patients 1e-11; the printed weights q 0.0005.",
        _of_rows("simon_two_stage", simon.checks, "simon_two_stage", grouped=simon.questions),
        "simon_two_stage",
    ),
    Family(
        "single_stage_exact",
        "Single-stage exact binomial designs",
        "Smallest n under each definition of smallest, with its exact error rates.",
        "n and r equal; probabilities 1e-12.",
        _of_rows("single_stage_exact", single_stage.checks, "single_stage_exact"),
        "single_stage_exact",
    ),
    Family(
        "nph",
        "Non-proportional hazards, analytic",
        "Average hazard ratios, expected events and times, power of Fleming-Harrington, modestly weighted, MaxCombo (at one look and at two), restricted-mean, milestone and median tests under delayed, crossing and waning effects.",
        "1e-9 against the package whose method is implemented; 1e-5 for estimates, 3e-4 (gsDesign2, whose quadrature stops at 1e-4) and 1e-3 (npsurvSS) for weighted tests, as independent packages differ by up to 7e-4; MaxCombo 1e-3, level 2e-4.",
        _of_rows("nph", nph.checks, "nph"),
        "nph",
    ),
    Family(
        "weighted_gs",
        "Weighted log-rank tests at two looks",
        "Months, null information, correlation and critical values of Fleming-Harrington, early-zero and modestly weighted tests, alpha spent by events and by their own information.",
        "Information 1e-6 relative; months, correlation and z 1e-6.",
        _of_rows("weighted_gs", weighted_gs.checks, "weighted_gs"),
        "weighted_gs",
    ),
    Family(
        "one_sample",
        "Single-arm designs, analytic",
        "Milestone and restricted-mean tests, the exact Poisson test of a rate, moments and asymptotic power of the one-sample log-rank test.",
        "1e-9 for formulas, 1e-5 for group-sequential searches, Poisson counts equal and probabilities 1e-12; expected events within 4 standard errors of 100,000 simulated trials, asymptotic power within 0.006 (delta method) and 0.027 (Wu 2015) of them.",
        _of_rows("one_sample", one_sample.checks, "one_sample"),
        "one_sample",
    ),
    Family(
        "survival_logrank",
        "Log-rank family on data sets",
        "Scores, variances, z and P values of log-rank and Fleming-Harrington tests on twenty small data sets with ties, strata and heavy censoring.",
        "1e-9, absolute or relative.",
        _of_rows("survival_logrank", survival_logrank.checks, "survival_stats", survival_logrank.belongs, grouped_by_analysis),
        "survival_stats",
        survival_logrank.belongs,
    ),
    Family(
        "survival_cox",
        "Cox model on data sets",
        "Hazard ratio, standard error, limits and the Wald, score and likelihood-ratio tests, by each convention for ties, with and without strata.",
        "1e-9, absolute or relative.",
        _of_rows("survival_cox", survival_cox.checks, "survival_stats", survival_cox.belongs, grouped_by_analysis),
        "survival_stats",
        survival_cox.belongs,
    ),
    Family(
        "survival_curves",
        "Kaplan-Meier estimates on data sets",
        "Survival at a time with limits, medians and quartiles with limits, milestones, restricted means, their differences and ratios.",
        "1e-9; patients and events equal; what R does not estimate is not estimated here.",
        _of_rows("survival_curves", survival_curves.checks, "survival_stats", survival_curves.belongs, grouped_by_analysis),
        "survival_stats",
        survival_curves.belongs,
    ),
    Family(
        "survival_weighted",
        "MaxCombo, modestly weighted and early-zero tests on data sets",
        "Components, correlations and P values of MaxCombo; scores, variances and z of modestly weighted tests under both conventions and of the early-zero test.",
        "1e-9; P values of MaxCombo 1e-3, since simtrial's integrator is randomised.",
        _of_rows("survival_weighted", survival_weighted.checks, "survival_stats", survival_weighted.belongs, grouped_by_analysis),
        "survival_stats",
        survival_weighted.belongs,
    ),
    Family(
        "sim_power",
        "Trials simulated by other packages",
        "The trials that lrstat and rpact simulated, simulated here with their accrual, allocation, hazards and bounds; power up to each look, events, patients and months at the end, months of the looks, the final z.",
        "Within 4 standard errors of the difference of the two simulations; means of events also within 0.001, where rpact counts 119.9997 of 120.",
        _simulated("sim_power", sim_power.check, "sim_power"),
        "sim_power",
    ),
    Family(
        "one_sample_simulated",
        "One-sample log-rank test, simulated",
        "The single-arm trials simulated in R, simulated here: rejection rate and mean number of events.",
        "Within 4 standard errors of the difference of the two simulations.",
        _simulated("one_sample_simulated", one_sample_simulated.check, "one_sample", one_sample_simulated.belongs),
        "one_sample",
        one_sample_simulated.belongs,
    ),
    Family(
        "textbook",
        "Textbook scenarios",
        "The shipped textbook scenarios are composed as a user would and simulated; sizes of the log-rank and one-sample log-rank tests without effect, with twice the replicates.",
        "Power within the stated tolerance with 200,000 replicates or more, else with three Monte Carlo errors added; size within three Monte Carlo errors and the printed digits.",
        _textbook,
    ),
    Family(
        "calibration",
        "Calibration of the virtual population",
        "Every published figure that can be judged, against the model's own value of what the authors measured.",
        "Exactly fitted figures within 1 %; other headline and calibration figures inside their 95 % interval; check figures outside no more often than chance allows (99 % quantile).",
        _calibration,
        excluded=_not_judged,
    ),
)
NAMES = tuple(family.name for family in FAMILIES)


def chosen(names: Sequence[str] | None) -> tuple[Family, ...]:
    """Return the families of these names in their fixed order; all when None.

    Raises
    ------
    InputError : an unknown name, or none at all

    Examples
    --------
    >>> [family.name for family in chosen(["nph", "gs_bounds"])]
    ['gs_bounds', 'nph']
    """
    if names is None:
        return FAMILIES
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise InputError(f"task.families is {list(names)}; allowed: null for all, or some of {', '.join(NAMES)}")
    return tuple(family for family in FAMILIES if family.name in names)
