"""Two-arm plans from the reference rows."""

from sim.statistic.analytic.expected_events import PiecewiseRate, TwoArmPlan
from tests.reference.read import vector


def of_design_row(row):
    """The plan of a row of logrank_design.csv; without rates, one patient a month."""
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
