"""The list of requirements, each with the rule that says whether a run answers it.

Identifiers are never renumbered: E20 = ICH E20 draft 2025 (adaptive designs), E9R = ICH E9(R1) estimands, ADM = ADEMP
(Morris, White and Crowther 2019, table 1), ADP = FDA adaptive designs 2019, CID = FDA complex innovative designs 2020,
BAY = FDA Bayesian draft 2026, OSA = FDA overall survival draft 2025, QC = industry quality control, PC = this project's own.
"""

from __future__ import annotations

import pandas as pd

from sim.report.requirements import NOT_APPLICABLE, NOT_SHOWN, PARTLY, SHOWN, Facts, Requirement, Rule, Verdict
from sim.report.story import filled

_NOTHING = "no design was run."


def _always(reason: str = "") -> Rule:
    return lambda _: (SHOWN, reason)


def _never(reason: str) -> Rule:
    return lambda _: (NOT_SHOWN, reason)


def _not_applicable(reason: str) -> Rule:
    return lambda _: (NOT_APPLICABLE, reason)


def _when(there: bool, reason: str) -> Verdict:
    return (SHOWN, "") if there else (NOT_SHOWN, reason)


def _partly(reason: str) -> Rule:
    return lambda _: (PARTLY, reason)


def _compared(f: Facts) -> Verdict:
    if not f.designs:
        return NOT_SHOWN, _NOTHING
    return (SHOWN, "") if len(f.designs) > 1 else (PARTLY, "this run holds one design; alternatives are other cells of a grid.")


def _design(f: Facts) -> Verdict:
    if not f.designs:
        return NOT_SHOWN, _NOTHING
    return _when(all(c.design for c in f.story.cells), "a design without a description.")


def _methods(f: Facts) -> Verdict:
    status, reason = _design(f)
    if status == SHOWN and any(d.time_to_event for d in f.designs):
        return PARTLY, "the test of each design is stated; how it treats tied event times and missing data is not."
    return status, reason


def _assumptions(f: Facts) -> Verdict:
    return _when(bool(f.story.cells) and all(c.assumptions for c in f.story.cells), "a population without a description.")


def _calibrated(f: Facts) -> Verdict:
    return _when(filled(f.story.calibration), "published figures were not evaluated in this run; the task calibrate does.")


def _grid(f: Facts) -> Verdict:
    if f.oc is None:
        return NOT_SHOWN, "nothing was simulated."
    cells, metrics = f.oc["cell"].nunique(), set(f.oc["metric"])
    truths = [
        words
        for metric, words in (
            ("type_i_error", "no effect"),
            ("rejection_no_effect", "no effect against a published null"),
            ("power", "the stated effect"),
        )
        if metric in metrics
    ]
    return (
        PARTLY,
        f"{cells} design{'' if cells == 1 else 's'} under {' and '.join(truths) or 'one truth'}; pessimistic and nuisance values are a sweep of their own.",
    )


def _measures(f: Facts) -> Verdict:
    if f.oc is None:
        return NOT_SHOWN, "nothing was simulated."
    return (SHOWN, "") if (f.oc["metric"] == "type_i_error").any() else (PARTLY, "no type I error in this run.")


def _replicates(f: Facts) -> Verdict:
    return _when(f.oc is not None, "nothing was simulated.")


def _errors(f: Facts) -> Verdict:
    if f.oc is None:
        return NOT_SHOWN, "nothing was simulated."
    # The size of a trial is a number with its own interval, which stands in rows beside it.
    simulated = f.oc[(f.oc["n_analysed"].fillna(0) > 0) & ~f.oc["metric"].astype(str).str.split("_").str[0].isin(("n", "events"))]
    bare = simulated[simulated["mcse"].isna() & (simulated["ci_low"].isna() | simulated["ci_high"].isna())]
    return (SHOWN, "") if bare.empty else (PARTLY, f"{len(bare)} simulated row(s) carry neither standard error nor interval.")


def _null_range(f: Facts) -> Verdict:
    if f.oc is None or not (f.oc["metric"] == "type_i_error").any():
        return NOT_SHOWN, "no type I error in this run."
    return PARTLY, "one null for each cell; the maximum over nuisance values is a sweep of its own."


def _largest_null(f: Facts) -> Verdict:
    status, reason = _null_range(f)
    if status == NOT_SHOWN or f.oc is None:
        return status, reason
    fewest = pd.to_numeric(f.oc.loc[f.oc["metric"] == "type_i_error", "n_analysed"]).min()
    enough = "at least 100,000 replicates" if fewest >= 100_000 else f"{fewest:,.0f} replicates, fewer than the 100,000 asked for"
    return PARTLY, f"one null for each cell, {enough}; the maximum over a grid of nuisance values is a sweep of its own."


def _bias(f: Facts) -> Verdict:
    early = [c.name for c in f.story.cells if c.facts is not None and c.facts.looks > 1]
    if not early:
        return (
            (NOT_APPLICABLE, "every design of this run has one analysis, so nothing stops early.") if f.designs else (NOT_SHOWN, _NOTHING)
        )
    without = [name for name in early if name not in f.cells_with("bias_log_hr")]
    if len(without) == len(early):
        return NOT_SHOWN, "bias and coverage after early stopping are computed for a log-rank test under one true hazard ratio only."
    return (PARTLY, f"not for {', '.join(without)}, where there is no one true hazard ratio.") if without else (SHOWN, "")


def _bayes(f: Facts) -> Verdict:
    if any(d.prior is not None for d in f.designs):
        return PARTLY, "the prior and what it is worth in patients are; sensitivity to them is a sweep of its own."
    return (NOT_APPLICABLE, "no analysis of this run is Bayesian.") if f.designs else (NOT_SHOWN, _NOTHING)


def _external(f: Facts) -> Verdict:
    more = "; a single arm is tested against a fixed null." if f.single_arms else "."
    return NOT_APPLICABLE, f"no external control patients are used{more}"


def _survival(f: Facts) -> Verdict:
    if not f.randomised:
        return NOT_APPLICABLE, "no design of this run has a control arm to compare survival with."
    if any(d.guards_survival for d in f.randomised):
        return PARTLY, "the guard's stops and false alarms are; patients do not cross over to the experimental treatment."
    if all(d.endpoint == "OS" for d in f.randomised):
        return PARTLY, "survival is the endpoint itself; patients do not cross over to the experimental treatment."
    return NOT_SHOWN, "survival as safety endpoint is not simulated in this run."


def _software(f: Facts) -> Verdict:
    return _when("versions" in f.story.provenance, "no provenance was handed to the report.")


def _rerun(f: Facts) -> Verdict:
    return _when(bool(f.story.provenance.get("command")), "no command was handed to the report.")


def _history(f: Facts) -> Verdict:
    git = f.story.provenance.get("git")
    return (
        (PARTLY, "commit and configuration are recorded; the history of the plan is the repository's.")
        if git
        else (NOT_SHOWN, "no version control was found.")
    )


def _single_arm(f: Facts) -> Verdict:
    return (
        (SHOWN, "")
        if any(c.without_control for c in f.story.cells)
        else (NOT_APPLICABLE, "no single-arm design with a time-to-event endpoint.")
    )


def _safety(f: Facts) -> Verdict:
    if not f.single_arms:
        return NOT_APPLICABLE, "no single-arm design in this run."
    return NOT_SHOWN, "no safety stopping rule in this run."


def _strata(f: Facts) -> Verdict:
    if not f.randomised:
        return NOT_APPLICABLE, "no randomised design in this run."
    ways = {(d.stratified_randomisation, d.stratified_test) for d in f.randomised}
    if len(ways) > 1:
        return SHOWN, ""
    ((randomisation, test),) = ways
    said = f"{'stratified' if randomisation else 'unstratified'} randomisation, {'stratified' if test else 'unstratified'} test"
    return PARTLY, f"{said}; the other way is a cell of its own."


def _smallest(f: Facts) -> Verdict:
    silent = [c.name for c in f.story.cells if c.facts is None or c.facts.smallest_rejecting is None]
    if not f.story.cells or len(silent) == len(f.story.cells):
        return NOT_SHOWN, "the design does not state it."
    return (PARTLY, f"not for {', '.join(silent)}.") if silent else (SHOWN, "")


def _durations(f: Facts) -> Verdict:
    if any(d.endpoint in ("TTNT", "DOR") for d in f.designs):
        return NOT_SHOWN, "not documented here."
    return NOT_APPLICABLE, "neither endpoint is used."


REQUIREMENTS: tuple[Requirement, ...] = tuple(
    Requirement(*item)
    for item in (
        ("E20-01", "Aims and the clinical questions the simulation answers", "ADEMP, ICH E20", "question", _always()),
        ("E20-02", "Design and alternatives compared, with a simple well-understood one", "ICH E20, FDA adaptive", "design", _compared),
        ("E9R-03", "Population, endpoints and estimand, with a strategy for each intercurrent event", "ICH E9(R1), ICH E20, FDA survival", "assumptions", _partly("population and endpoint are stated; strategies for intercurrent events are not.")),
        ("E20-04", "Decision rules in full: timing, boundaries, binding or not", "FDA adaptive, ICH E20", "design", _design),
        ("E20-05", "Data-generating mechanism: distributions, accrual, dropout, with citation", "ADEMP, ICH E20, FDA CID", "assumptions", _assumptions),
        ("E20-06", "Calibration targets against achieved, and the limits of the source", "ICH E20, FDA CID", "calibration", _calibrated),
        ("E20-07", "Scenario grid: nulls, expected, pessimistic, optimistic, nuisance values", "ADEMP, ICH E20, FDA adaptive, FDA CID", "operating-characteristics", _grid),
        ("ADM-08", "Analysis method of each design; ties and missing data", "ADEMP, FDA adaptive", "design", _methods),
        ("E20-09", "Performance measures with their definitions", "ADEMP, ICH E20, FDA adaptive, FDA CID", "definitions", _measures),
        ("E20-10", "Number of replicates of each scenario and the precision it buys", "ADEMP, ICH E20, FDA CID", "operating-characteristics", _replicates),
        ("ADM-11", "Monte Carlo standard error or interval beside every estimate", "ADEMP", "operating-characteristics", _errors),
        ("ADM-12", "Failed replicates: counts and how they are treated", "ADEMP", "operating-characteristics", _replicates),
        ("ADP-13", "Type I error over a range of nulls and nuisance values, with its maximum", "FDA adaptive, FDA CID", "operating-characteristics", _null_range),
        ("ADP-14", "Bias and interval coverage after early stopping", "FDA adaptive, ICH E20", "operating-characteristics", _bias),
        ("BAY-15", "Bayesian analysis: prior, its weight, sensitivity", "FDA Bayesian, FDA CID", "design", _bayes),
        ("CID-16", "External control: comparability, time zero, confounding", "FDA CID", "assumptions", _external),
        ("OSA-17", "Overall survival as safety: harm threshold, follow-up, crossover", "FDA survival", "operating-characteristics", _survival),
        ("E20-18", "Example trials with contrasting conclusions", "FDA CID, ICH E20, FDA adaptive", "operating-characteristics", _never("no example trials in this report; every replicate is a row of replicates.parquet.")),
        ("E20-19", "Sensitivity to accrual, dropout, assessment, non-proportional hazards, mix", "ICH E20", "operating-characteristics", _never("each is a sweep of its own.")),
        ("E20-20", "Time trends and drift when allocation or mix changes", "ICH E20, FDA adaptive", "operating-characteristics", _not_applicable("allocation and mix are fixed while the trial runs.")),
        ("CID-21", "Software, versions, hardware, seed and random streams", "ADEMP, FDA CID", "provenance", _software),
        ("E20-22", "Code and exact instructions to recreate the results", "ICH E20, FDA CID, ADEMP", "rerun", _rerun),
        ("ADM-23", "Analysis kept apart from simulation", "ADEMP", "provenance", _always("this report reads the run's tables and simulates nothing.")),
        ("E20-24", "Results ordered by the question, with a conclusion in words", "ICH E20, ADEMP", "answer", lambda f: _when(bool(f.story.answer_lines), "no answer was handed to the report.")),
        ("E20-25", "Limitations of the simulation", "ICH E20", "limitations", lambda f: _when(bool(f.story.limitations), "none were stated.")),
        ("QC-26", "Origin of every literal, realised against target", "quality control", "calibration", _calibrated),
        ("QC-27", "Self-contained, units on every number, list of files, one recipe to rerun", "quality control", "provenance", _software),
        ("E20-28", "Version history of the simulation plan", "ICH E20, FDA adaptive", "provenance", _history),
        ("PC-29", "Single-arm progression-free or overall survival labelled as no evidence of efficacy", "FDA, oncology", "limitations", _single_arm),
        ("PC-30", "Type I error as maximum over a declared grid, 100,000 replicates there, seed fixed before", "FDA adaptive", "operating-characteristics", _largest_null),
        ("PC-31", "Smallest observed effect that reaches significance", "regulators' usage", "design", _smallest),
        ("PC-32", "Safety stopping option of single-arm trials", "Bryant and Day 1995", "design", _safety),
        ("PC-33", "Stratified or not, stated and shown both ways", "regulators' usage", "design", _strata),
        ("PC-34", "Number to screen; power lost to screen failure and dropout", "regulators' usage", "assumptions", _never("screening is not part of this run; dropout is, without the power that it costs.")),
        ("PC-35", "Probability of go at the null and at the clinically minimal effect", "regulators' usage", "operating-characteristics", _never("power is given at the design alternative and at the null only.")),
        ("PC-36", "Origin and events of time to next treatment and duration of response", "regulators' usage", "definitions", _durations),
    )
)  # fmt: skip
