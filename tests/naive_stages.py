"""Whole trials in plain Python of the designs that count responders in stages, of two arms compared by response, and of the two-stage log-rank."""

import math
from statistics import NormalDist

from tests import naive_bounds
from tests.statistic.naive_response_difference import fisher, restricted_rate

NORMAL = NormalDist()


def null_and_alternative(trial):
    """The response rates that a staged design compares, not evaluable patients counted as non-responders."""
    design, population = trial.design, trial.population
    counted = 1 - design.not_evaluable_share
    p0 = design.null_rate
    if p0 == "population":
        p0 = sum(s * r for s, r in zip(population.shares, population.response_rates, strict=True)) * counted
    p1 = p0 + design.difference * counted if design.alternative_rate is None else design.alternative_rate
    return p0, p1


def counts_of(trial):
    """(patients by look, accept, reject) of a staged design, by its class name."""
    design = trial.design
    p0, p1 = null_and_alternative(trial)
    name = type(design).__name__
    if name == "SimonTwoStage":
        r1, n1, r, n = design.r1, design.n1, design.r, design.n
        if design.kind != "given":
            r1, n1, r, n = naive_bounds.simon(p0, p1, design.alpha, design.power, design.kind, n_max=45)
        return (n1, n), [r1, r], [n1 + 1, r + 1]
    if name == "BayesianSingleArm":
        n = (*range(design.first_look, design.n, design.cohort), design.n)
        return n, *naive_bounds.bayesian(design, n, p0)
    assert name == "MultiStageBinomial", name
    n = tuple(math.ceil(share * design.n - 1e-9) for share in design.stages)
    if design.method == "fleming":
        return n, *naive_bounds.fleming(n, p0, design.alpha)
    spent = design.spending, design.futility_spending, design.binding
    return n, *naive_bounds.exact_spending(n, p0, p1, design.alpha, 1 - design.power, *spent)


def paused(trial, entries):
    """The entries of a trial in stages: nobody enters while a stage is assessed, where accrual pauses."""
    design = trial.design
    if not getattr(design, "pause", False):
        return entries
    ends = counts_of(trial)[0][:-1]
    return [entry + design.assessment * sum(j >= k for k in ends) for j, entry in enumerate(entries)]


def is_binding(design):
    """Whether a trial that gives up is followed no further: where it is not, also what it would have shown counts."""
    if type(design).__name__ == "BayesianSingleArm":
        return design.binding
    return getattr(design, "futility_spending", None) is None or design.binding


def staged(trial, patients):
    """Count responders after each stage; stop at its counts."""
    design = trial.design
    n, accept, reject = counts_of(trial)
    p0, _ = null_and_alternative(trial)
    binding = is_binding(design) or max(accept[:-1], default=-1) < 0
    rows, stopped, rejects_at = [], False, 0
    for look, m in enumerate(n):
        month = patients[m - 1].entry + design.assessment
        x = sum(p.response for p in patients[:m])
        gives_up = x <= accept[look] and look < len(n) - 1
        decision = 2 if gives_up else 1 if x >= reject[look] else 0
        z = (x - m * p0) / math.sqrt(m * p0 * (1 - p0))
        row = {"enrolled": sum(p.entry <= month for p in patients), "events": x, "month": month, "z": z, "estimate": x / m}
        if not stopped:
            rows.append({**row, "decision": decision, "code": "OK"})
        if decision == 1:
            rejects_at = look + 1
        stopped = stopped or decision > 0
        if decision == 1 or (decision == 2 and binding):
            break
    rows[-1]["rejects_ignoring_stops"] = rejects_at
    return rows


def randomised_orr(trial, patients):
    """Compare the arms' responders when the last patient has been assessed."""
    design = trial.design
    tested = [p for p in patients if p.evaluable or design.not_evaluable == "nonresponder"]
    arms = {a: [p for p in tested if p.arm == a] for a in (0, 1)}
    n1, n0 = len(arms[1]), len(arms[0])
    x1, x0 = (sum(p.response for p in arms[a]) for a in (1, 0))
    month = patients[-1].entry + design.assessment
    row = {"enrolled": len(patients), "events": x1 + x0, "month": month, "z": 0.0, "estimate": math.nan, "decision": 0}
    if not (n1 and n0):
        return [{**row, "code": "EMPTY_ARM" if tested else "NO_EVENTS"}]
    row["estimate"] = x1 / n1 - x0 / n0
    z = response_z(design.statistic, x1, n1, x0, n0)
    if z is None:
        return [{**row, "code": "NO_EVENTS"}]
    return [{**row, "z": z, "decision": int(z >= NORMAL.inv_cdf(1 - design.alpha)), "code": "OK"}]


def response_z(statistic, x1, n1, x0, n0):
    """z of the difference; None without variance (Miettinen & Nurminen 1985; Farrington & Manning 1990; Fisher 1935)."""
    margin, total = statistic.margin, n1 + n0
    if statistic.method == "fisher":
        if x1 + x0 in (0, total):
            return None  # all respond or none: there is one table only
        p = fisher(x1, n1, x0, n0)
        return NORMAL.inv_cdf(1 - p) if p < 0.5 else -NORMAL.inv_cdf(min(p, 1 - 2**-53))
    q0 = restricted_rate(x1, n1, x0, n0, margin) if margin else (x1 + x0) / total
    q1 = q0 + margin
    variance = q1 * (1 - q1) / n1 + q0 * (1 - q0) / n0
    if statistic.method == "miettinen_nurminen":
        variance *= total / (total - 1)
    return (x1 / n1 - x0 / n0 - margin) / math.sqrt(variance) if variance > 0 else None
