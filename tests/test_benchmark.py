"""The benchmark as data: entered twice, refused when it cannot be read, altered with its intervals."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from sim.benchmark import COLUMNS, Benchmark, conf_folder, read_figures, zurko2023
from sim.types import InputError

HERE = Path(__file__).parent
SECOND = HERE / "qc" / "zurko2023_second_entry.csv"
TABLE = conf_folder() / "benchmark" / "figures" / "zurko2023.csv"

# P values and tests were entered once: no second reader typed them.
ENTERED_ONCE = {
    "d30_treated_p", "d30_trial_p", "pfs1_chemo_p", "uva_all_bt", "uva_all_cns", "uva_all_gt2_lines", "uva_all_ipi_ge2", "uva_all_ldh", "uva_all_no_auto",
}  # fmt: skip


def second_entry() -> dict[str, dict[str, str]]:
    with SECOND.open(newline="") as handle:
        return {row["id"]: row for row in csv.DictReader(handle)}


def test_254_figures_of_three_roles() -> None:
    roles = [f.role for f in zurko2023().read().values()]
    assert (len(roles), roles.count("headline"), roles.count("calibrate"), roles.count("check")) == (254, 22, 123, 109)


def test_nine_figures_were_entered_once() -> None:
    assert set(zurko2023().read()) - set(second_entry()) == ENTERED_ONCE
    assert set(second_entry()) <= set(zurko2023().read())
    assert len(second_entry()) == 245


@pytest.mark.parametrize("name", ["value", "numerator", "denominator"])
def test_both_entries_agree_where_both_have_the_number(name: str) -> None:
    first, compared, differ = zurko2023().read(), 0, []
    for id, row in second_entry().items():
        other = getattr(first[id], name)
        if row[name] and not math.isnan(other):
            compared += 1
            if not math.isclose(float(row[name]), other, rel_tol=1e-9):
                differ.append((id, other, row[name]))
    assert compared > 100
    assert differ == []


def test_printed_ranges_agree_between_entries() -> None:
    first = zurko2023().read()
    ranges = {id for id, f in first.items() if f.interval_kind in ("range", "iqr")}
    compared = [id for id in ranges if second_entry()[id]["ci_low"]]
    assert len(compared) >= 10
    for id in compared:
        row = second_entry()[id]
        assert (float(row["ci_low"]), float(row["ci_high"])) == (first[id].ci_low, first[id].ci_high)


def test_per_cents_are_their_ratios_but_for_the_listed_eight() -> None:
    wrong = {
        f.id
        for f in zurko2023().read().values()
        if f.is_share and f.denominator > 0 and not math.isnan(f.numerator) and abs(100 * f.numerator / f.denominator - f.value) > 0.51
    }
    # the audit's further one, cd19_assessed, is 31.9 printed as 31: it truncates; lines_unknown and the others round
    assert wrong == {
        "t2_nongcb_fail",
        "t2_gcb_fail",
        "t2_crs_ongoing",
        "t2_crs_fail",
        "t2_steroid_ongoing",
        "t2_steroid_fail",
        "cd19_assessed",
    }


def test_progressed_n_has_the_wilson_interval_of_its_share() -> None:
    f = zurko2023().read()["progressed_n"]
    assert (round(100 * f.ci_low / 514, 1), round(100 * f.ci_high / 514, 1)) == (45.1, 53.7)


def test_altering_a_time_moves_its_interval_by_the_same_ratio() -> None:
    old, new = zurko2023().read()["failure_os_median"], zurko2023(figures={"failure_os_median": {"value": 7.0}}).read()["failure_os_median"]
    assert new.value == 7.0
    assert new.ci_low / old.ci_low == pytest.approx(7 / 5.5, rel=1e-12)
    assert new.ci_high / old.ci_high == pytest.approx(7 / 5.5, rel=1e-12)


def test_altering_a_share_moves_its_interval_by_the_same_logit() -> None:
    def logit(x: float) -> float:
        return math.log(x / (100 - x))

    old, new = zurko2023().read()["d30ref_share"], zurko2023(figures={"d30ref_share": {"value": 60}}).read()["d30ref_share"]
    shift = logit(60) - logit(old.target)
    assert logit(new.ci_low) - logit(old.ci_low) == pytest.approx(shift, abs=1e-12)
    assert logit(new.ci_high) - logit(old.ci_high) == pytest.approx(shift, abs=1e-12)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"failure_os_medan": {"value": 7.0}}, "nearest: failure_os_median"),
        ({"failure_os_median": {"valeu": 7.0}}, "allowed: value, ci_low, ci_high"),
        ({"failure_os_median": 7.0}, "needs a mapping"),
        ({"failure_os_median": {"value": "seven"}}, "allowed: a number"),
        ({"d30ref_share": {"value": 140}}, "within [0, 100]"),
    ],
)
def test_bad_overrides_are_refused(figures: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        zurko2023(figures=figures)
    assert message in str(error.value)


def altered_table(folder: Path, row_of: str, cells: dict[str, str]) -> Path:
    with TABLE.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        if row["id"] == row_of:
            row.update(cells)
    path = folder / "figures.csv"
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("id", "cells", "message"),
    [
        ("failure_os_median", {"value": ""}, "value is missing"),
        ("failure_os_median", {"value": "five"}, "value is 'five'"),
        ("d30ref_share", {"value": "144"}, "within [0, 100]"),
        ("d30ref_share", {"numerator": "300"}, "above its denominator"),
        ("failure_os_median", {"value": "not published"}, "a sampling interval needs its value"),
        ("failure_os_median", {"denominator": ""}, "denominator is missing"),
        ("failure_os_median", {"ci_low": "9"}, "above ci_high"),
        ("failure_os_median", {"role": "heading"}, "role is 'heading'"),
        ("failure_os_median", {"id": ""}, "id is ''"),
    ],
)
def test_a_table_that_cannot_be_read_names_file_row_and_field(tmp_path: Path, id: str, cells: dict[str, str], message: str) -> None:
    path = altered_table(tmp_path, id, cells)
    with pytest.raises(InputError) as error:
        read_figures(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "row " in str(error.value)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_figures(tmp_path / "none.csv")


def test_choices_are_checked() -> None:
    with pytest.raises(InputError, match="allowed: progressed, failures"):
        zurko2023(denominator="everyone")
    with pytest.raises(InputError, match="needs rising breaks"):
        zurko2023(followup={"breaks": [1.0, 1.0, 3.0], "shares": [0.5, 0.5]})
    with pytest.raises(InputError, match="at most 12"):
        Benchmark("x", "x", "x", "figures/zurko2023.csv", "progressed", known_contradictions={f"f{i}": "" for i in range(13)})
