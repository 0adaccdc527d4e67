"""Two-arm plans from the reference rows."""

from __future__ import annotations

from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from sim.validation.check import Reference
from sim.validation.reading import vector


def of_design_row(row: Reference) -> TwoArmPlan:
    """Return the plan of a row of logrank_design.csv; without rates, one patient a month."""
    t = vector(row.pw_times)
    rates = vector(row.accrual_rates) if isinstance(row.accrual_rates, str) else (1.0,)
    return TwoArmPlan(
        PiecewiseRate(vector(row.accrual_times), rates),
        row.accrual_duration,
        PiecewiseRate(t, vector(row.lambda_control)),
        PiecewiseRate(t, vector(row.lambda_exp)),
        row.ratio,
        row.dropout_control,
        row.dropout_exp,
    )


def of_nph_row(row: Reference) -> TwoArmPlan:
    """Return the plan of a row of nph.csv: one hazard ratio before change_time and one after it."""
    control = PiecewiseRate((0.0,), (row.lambda_control,))
    experimental = PiecewiseRate((0.0, row.change_time), (row.lambda_control * row.hr_early, row.lambda_control * row.hr_late))
    accrual = PiecewiseRate((0.0,), (float(row.accrual_rate),))
    return TwoArmPlan(accrual, float(row.accrual_duration), control, experimental, float(row.ratio), row.dropout, row.dropout)


def of_one_sample_row(row: Reference) -> TwoArmPlan:
    """Return the plan of a row of one_sample.csv, both arms together being the one arm."""
    hazard = PiecewiseRate(vector(row.pw_times), vector(row["lambda"]))
    duration = row.accrual_duration if row.accrual_duration == row.accrual_duration else row.accrual_duration_needed
    return TwoArmPlan(PiecewiseRate((0.0,), (row.accrual_rate,)), duration, hazard, hazard, 1.0, row.dropout, row.dropout)
