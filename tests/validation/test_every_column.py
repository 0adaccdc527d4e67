"""Level: contract. Every number that a reference row holds is held against something: a changed one changes a check.

Each numeric column of each file is altered in a few of its rows, one at a time; the checks of that row must then differ. What is a name
and no number is listed with its reason.
"""

from functools import cache

import numpy as np
import pytest

from sim.validation import data_sets, reading
from sim.validation.families import FAMILIES
from sim.validation.family import Guarded
from sim.validation.reading import vector

FILES = sorted(path.stem for path in reading.reference_dir().glob("*.csv"))
NAMES = {
    ("gs_bounds", "case"): "the number of the question; its inputs stand in the row",
    ("logrank_design", "case"): "the number of the question; its inputs stand in the row",
    ("graph_gs", "worst_z_difference_between_methods"): "how far the row's two computations differ, not what they found",
    ("graph_gs", "smallest_distance_of_z_to_a_level"): "how safe the row's decisions are from rounding, not a decision",
}
SIMULATED = (
    "sim_trials", "sim_correlation", "sim_correlation_se", "sim_mean_variance_first", "sim_mean_variance_final", "sim_mean_variance_fraction",
    "sim_score_covariance", "sim_score_variance_first", "sim_score_variance_final", "sim_month_first", "sim_month_final", "sim_sd_z_first",
    "sim_sd_z_final", "z_final_event_spending_at_sim_correlation", "sim_reject_event_spending", "sim_reject_own_spending",
    "sim_reject_if_event_correlation",
)  # fmt: skip
NAMES |= {
    ("weighted_gs", name): "the reference's own simulation; ours has its levels in tests/contract/test_levels.py" for name in SIMULATED
}
NAMES |= {("weighted_gs", "median"): "the row's hazard says the same, and is read"}
N_SIM = 1_000


def numbers(cell):
    """A cell's numbers, or None where it holds words or nothing."""
    try:
        found = vector(cell)
    except ValueError:
        return None
    return None if any(np.isnan(v) for v in found) else found


def numeric(table):
    """The columns that hold numbers and nothing else; one that is empty throughout holds none."""
    out = []
    for column in table.columns:
        cells = [numbers(cell) for cell in table[column].dropna()]
        if cells and all(cell is not None for cell in cells):
            out.append(column)
    return out


def others(cell):
    """Larger and smaller numbers in its place: a whole number stays one and is halved, of a vector the last changes."""
    if isinstance(cell, int | np.integer):
        return [cell + 1, cell // 2]
    *rest, last = numbers(cell)
    near = (5.0, -5.0) if np.isinf(last) else (last * 1.1 + 0.01, last * 0.9 - 0.01, last + 1)
    return [";".join(repr(v) for v in (*rest, other)) if rest else type(cell)(other) for other in near]


def outcome(family, group):
    """What a group of rows comes to: the numbers of its checks."""
    found = Guarded(family.name, family.compute.check, N_SIM, 1)(group)
    return [(c.id, c.quantity, c.expected, c.got, c.tolerance) for c in found]


@cache
def grouped(family):
    return family.compute.grouped(family.compute.rows())


def groups(file, column):
    """A group of rows of each kind of a file whose first row has a number in the column, with its family."""
    out = []
    for family in (f for f in FAMILIES if f.file == file):
        some = [g for g in grouped(family) if numbers(g[0][column]) is not None]
        kinds = {str(g[0].get("function", "")) + str(g[0].get("block", "")) + str(g[0].get("test", "")): g for g in some}
        out += [(family, g) for g in kinds.values()]
    return out


def matters(file, column):
    """Whether a changed number of this column changes a check of some row."""
    for family, (first, *rest) in groups(file, column):
        before = repr(outcome(family, [first, *rest]))
        for value in others(first[column]):
            changed = first.copy()
            changed[column] = value
            if repr(outcome(family, [changed, *rest])) != before:
                return True
    return False


COLUMNS = [(file, column) for file in FILES if file != "survival_datasets" for column in numeric(reading.table(file))]


@pytest.mark.parametrize("file", [f for f in FILES if f != "survival_datasets"])
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.verify)])
def test_every_number_of_a_row_is_held(file, every):
    columns = [column for f, column in COLUMNS if f == file and (file, column) not in NAMES][::every]
    assert columns
    assert [column for column in columns if not matters(file, column)] == []


def test_what_is_listed_as_a_name_exists():
    assert {(file, column) for file, column in NAMES} <= set(COLUMNS)


@pytest.mark.parametrize("column", ["time", "event", "arm", "stratum"])
def test_every_column_of_the_data_sets_is_held(column, altered):
    table = reading.table("survival_datasets")
    assert set(numeric(table)) == {"time", "event", "arm", "stratum"}
    # a data set in which the strata count
    row = table[(table["dataset"] == "ds21") & (table["event"] == 1)].iloc[0]
    (family,) = [f for f in FAMILIES if f.name == "survival_logrank"]

    def now():
        mine = [row for row in family.compute.rows() if row.dataset == "ds21"]
        return [outcome(family, group) for group in data_sets.grouped_by_analysis(mine)]

    before = now()
    value = row[column] * 1.1 if column == "time" else min(set(table[column]) - {row[column]})
    altered("survival_datasets", row["id"], column, value)
    assert now() != before
