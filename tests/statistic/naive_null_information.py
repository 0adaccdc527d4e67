"""The null information of a statistic at a look, by plain sums over months: exponential patients, uniform accrual, exponential dropout.

Written from the formulas, one small step of time after another; it shares nothing with the quadrature it is held against.
"""

import math


def at_risk(strata, n, accrual_months, dropout, month, t):
    """Patients of each stratum expected at risk t months after entry, when the trial is cut at `month`; strata : (share, hazard)."""
    entered = n * min(max(month - t, 0.0) / accrual_months, 1.0)
    return [share * entered * math.exp(-(hazard + dropout) * t) for share, hazard in strata]


def steps(month, size):
    """Middles of equal steps up to a month, and their width."""
    count = math.ceil(month / size)
    width = month / count
    return [(k + 0.5) * width for k in range(count)], width


def pooled(strata, t):
    """Survival of all patients, and its hazard."""
    s = sum(share * math.exp(-hazard * t) for share, hazard in strata)
    return s, sum(share * hazard * math.exp(-hazard * t) for share, hazard in strata) / s


def groups(strata, n, accrual_months, dropout, month, t, stratified):
    """(survival, hazard, at risk) of each group that is tested apart."""
    there = at_risk(strata, n, accrual_months, dropout, month, t)
    if stratified:
        return [(math.exp(-hazard * t), hazard, r) for (_, hazard), r in zip(strata, there, strict=True)]
    s, hazard = pooled(strata, t)
    return [(s, hazard, sum(there))]


def score_covariance(strata, n, accrual_months, dropout, month, share, stratified, weights, size=0.01):
    """Covariance of weighted log-rank scores; weights : functions of (survival, time)."""
    out = [[0.0 for _ in weights] for _ in weights]
    middles, width = steps(month, size)
    for t in middles:
        for s, hazard, r in groups(strata, n, accrual_months, dropout, month, t, stratified):
            w = [weight(s, t) for weight in weights]
            for a in range(len(w)):
                for b in range(len(w)):
                    out[a][b] += w[a] * w[b] * share * (1 - share) * r * hazard * width
    return out


def curve_information(strata, n, accrual_months, dropout, month, share, stratified, horizon, area, size=0.005):
    """One over the variance of the difference of the arms' survival at the horizon, or of the area below it."""
    if month <= horizon:
        return 0.0
    middles, width = steps(horizon, size)
    number = len(strata) if stratified else 1
    variance = 0.0
    for g in range(number):
        at = [groups(strata, n, accrual_months, dropout, month, t, stratified)[g] for t in middles]
        end = math.exp(-strata[g][1] * horizon) if stratified else pooled(strata, horizon)[0]
        left = sum(s for s, _, _ in at) * width
        total = 0.0
        for s, hazard, r in at:
            left -= s * width / 2
            influence = left if area else end
            left -= s * width / 2
            total += influence**2 * hazard * width / r
        patients = strata[g][0] if stratified else 1.0
        variance += patients**2 * total * (1 / share + 1 / (1 - share))
    return 1 / variance
