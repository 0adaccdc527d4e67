"""Estimation after a group-sequential trial: bias and coverage of the hazard ratio, naive and by the stage-wise ordering."""

from __future__ import annotations

import numpy as np

from sim.boundary.stagewise_inference import effect_at, stagewise_p_value
from sim.design.randomised_survival import RandomisedSurvival
from sim.engine import Replicates
from sim.large_trial import Expected
from sim.later import later
from sim.oc.estimate import Z95, mean, proportion
from sim.oc.row import Subject, row
from sim.statistic.logrank import LogRank
from sim.statistic.statistic import Code
from sim.trial import Trial, final_rows
from sim.types import Row

CubicSpline = later("scipy.interpolate", "CubicSpline")

ONE_DRIFT = 0.01  # of the log limits of the looks: below it they are one hazard ratio


def after_stopping(subject: Subject, trial: Trial, replicates: Replicates) -> list[Row]:
    """Return bias and coverage of the hazard ratio after a group-sequential trial, against what it tends to at the look that stopped.

    Notes
    -----
    The truth is the *estimand limit*: what the estimate tends to in a large trial with this accrual, dropout and cut; the effect ratio
    is another number. Only for an unweighted log-rank test, looks at events, planned bounds and no guard on overall survival: elsewhere
    the estimates have another distribution. The stage-wise ordering needs one drift, so its rows are left out where the limits of the
    looks differ by more than `ONE_DRIFT`. No rows under no effect.

    References
    ----------
    Jennison & Turnbull, Group Sequential Methods, 2000, chapter 8.
    """
    design = trial.design
    if not (
        isinstance(design, RandomisedSurvival)
        and isinstance(design.statistic, LogRank)
        and (design.bounds_at, design.statistic.rho, design.statistic.gamma) == ("planned", 0, 0)
        and len(design.look_events) > 1
        and design.months is None
        and design.harm is None
        and subject.rejection == "power"
    ):
        return []
    final, events = final_rows(replicates.rows), np.array(design.look_events)
    kept = final[(final["code"] != Code.FAILED) & (final["events"] == events[final["look"] - 1]) & (final["estimate"] > 0)]
    planned = design.bounds(trial.setting).boundary
    bounds, futility_bounds = tuple(planned.upper.tolist()), tuple(planned.lower.tolist())
    a, b = design.ratio
    information = tuple((events * (a * b / (a + b) ** 2)).tolist())
    limits = np.log([x.estimand for x in Expected(trial).looks()])
    truth, log_hr = limits[kept["look"] - 1], np.log(kept["estimate"])
    one_drift = float(np.ptp(limits)) <= ONE_DRIFT
    # z = -U / sqrt(V) and log hr = U / V; at z = 0 the interval holds 0 whatever its width, so the planned width will do
    expected = 1 / np.sqrt(np.array(information)[kept["look"] - 1])
    se = np.where(np.abs(kept["z"]) > 1e-9, np.abs(log_hr) / np.maximum(np.abs(kept["z"]), 1e-9), expected)
    unbiased, held = np.zeros(len(kept)), np.zeros(len(kept), dtype=bool)
    for look in np.unique(kept["look"]) if one_drift else ():
        here = kept["look"] == look
        before = (information[:look], bounds[: look - 1], futility_bounds[: look - 1])
        z = kept["z"][here]
        # the estimate is smooth and rising in z: a table of steps of 0.1 by cubic splines is good to 1e-5
        grid = np.arange(z.min() - 0.3, z.max() + 0.4, 0.1)
        unbiased[here] = -CubicSpline(grid, [effect_at(0.5, float(x), *before) for x in grid])(z)
        p = CubicSpline(grid, [stagewise_p_value(float(x), *before, theta=-limits[look - 1]) for x in grid])(z)
        held[here] = np.abs(p - 0.5) <= 0.475
    if not len(kept):
        return []
    found = [
        ("bias_log_hr", mean(log_hr - truth), "log hazard ratio"),
        ("bias_log_hr_median_unbiased", mean(unbiased - truth), "log hazard ratio"),
        ("coverage_naive", proportion(int(np.sum(np.abs(log_hr - truth) <= Z95 * se)), len(kept)), "probability"),
        ("coverage_stagewise", proportion(int(held.sum()), len(kept)), "probability"),
    ][:: 1 if one_drift else 2]
    failed = replicates.requested - int(np.sum(final["code"] != Code.FAILED))
    return [row(subject, m, e, unit, 0, replicates.requested, len(kept), failed) for m, e, unit in found]
