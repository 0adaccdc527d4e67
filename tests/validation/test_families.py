"""Level: contract. Every reference row is compared, and a changed row is found by its name."""

import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sim.types import InputError
from sim.validation import families, gs_bounds, reading, survival_logrank, textbook
from sim.validation.check import BROKEN, NUMBER, REASON
from sim.validation.families import FAMILIES, chosen
from sim.validation.family import Conditions, Family, run

ROOT = Path(__file__).parents[2]
FILES = sorted(path.stem for path in reading.reference_dir().glob("*.csv") if path.stem != "survival_datasets")
SMALL = Conditions(n_sim=2000)


def only(name, conditions=SMALL):
    (outcome,) = run(chosen([name]), conditions)
    return outcome


@pytest.mark.parametrize("file", FILES)
def test_every_row_of_every_file_belongs_to_a_family(file):
    belongs = Counter(str(row.id) for family in FAMILIES if family.file == file for row in family.rows)
    assert set(belongs) == {str(row.id) for row in reading.rows(file)}


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.file and f.file != "survival_stats"], ids=lambda f: f.name)
def test_every_row_is_compared(family):
    outcome = only(family.name)
    assert outcome.passed, outcome.failed
    assert not outcome.unaccounted
    assert {c.id for c in outcome.checks} == {str(row.id) for row in family.rows}
    assert not outcome.excluded


@pytest.mark.parametrize(
    ("file", "id", "column", "value", "family"),
    [
        ("gs_bounds", "gs_bounds-008", "upper_z", "2.66864;1.980965", "gs_bounds"),
        ("logrank_design", "logrank_design-006", "events", 161.0686, "logrank_design"),
        ("simon_two_stage", "simon_two_stage-014", "r1", 15, "simon_two_stage"),
        ("single_stage_exact", "single_stage_exact-004", "n", 67, "single_stage_exact"),
        ("nph", "nph-007", "power", 0.92339, "nph"),
        ("one_sample", "one_sample-032", "power", 0.5, "one_sample"),
        ("sim_power", "sim_power-005", "power_by_look", "0.70", "sim_power"),
        ("sim_power", "sim_power-005", "expected_duration", 20.5, "sim_power"),
        ("one_sample", "one_sample-036", "events", 1.0, "one_sample_simulated"),
        ("weighted_gs", "weighted_gs-001", "z_final_own_spending", 2.1001, "weighted_gs"),
    ],
)
def test_an_altered_row_fails_under_its_name(altered, file, id, column, value, family):
    altered(file, id, column, value)
    outcome = only(family)
    assert not outcome.passed
    # a changed Simon design changes the whole set, which is named by its first row
    assert id in outcome.failed
    assert len(outcome.failed) <= 2


def test_a_change_below_the_tolerance_passes_and_one_above_it_fails(altered):
    altered("gs_bounds", "gs_bounds-008", "upper_z", "2.6686308;1.980965")
    assert only("gs_bounds").passed
    altered("gs_bounds", "gs_bounds-008", "upper_z", "2.6686312;1.980965")
    assert only("gs_bounds").failed == ("gs_bounds-008",)


def test_a_row_that_nobody_computes_fails(altered):
    altered("logrank_design", "logrank_design-006", "block", "something new")
    outcome = only("logrank_design")
    assert outcome.unaccounted == outcome.failed == ("logrank_design-006",)


def test_a_computation_that_breaks_fails_its_family_alone():
    def broken(conditions):
        raise ZeroDivisionError("no digits")

    family = Family("broken", "Broken", "", "", broken)
    bad, good = run([family, *chosen(["random_numbers"])], SMALL)
    assert (bad.passed, bad.error) == (False, "ZeroDivisionError: no digits")
    assert good.passed


# what this installation refuses, or cannot read, in a row of each family
UNREADABLE = {
    "gs_bounds": ("information_rates", "1;0.5"),
    "graph": ("weights", "0.9;0.9;0.9"),
    "graph_gs": ("spending", "unheard_of"),
    "ssr": ("observed_z", "large"),
    "logrank_design": ("hr", -1.0),
    "simon_two_stage": ("r1", -5),
    "single_stage_exact": ("p1", -0.5),
    "nph": ("lambda_control", -1.0),
    "one_sample": ("pw_times", "slow"),
    "sim_power": ("ratio_exp", 0),
    "one_sample_simulated": ("lambda", "slow"),
    "survival_logrank": ("value", "large"),
    "survival_cox": ("value", "large"),
    "survival_curves": ("value", "large"),
    "survival_weighted": ("value", "large"),
    "weighted_gs": ("weight", "none such"),
}


def of_some_rows(family, some):
    """The family of some of its rows."""
    return replace(family, compute=replace(family.compute, rows=lambda: some))


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.file], ids=lambda f: f.name)
def test_a_row_that_breaks_fails_alone(family):
    column, value = UNREADABLE[family.name]
    one, two, three = family.compute.grouped(family.compute.rows())[:3]
    bad = two[0].copy()
    bad[column] = value
    (outcome,) = run([of_some_rows(family, [*one, bad, *two[1:], *three])], SMALL)
    assert not outcome.error
    # the rows that are computed together with it break with it, and say why
    assert {c.id for c in outcome.checks if c.kind == BROKEN} == {c.id for c in outcome.checks if not c.passed} == {row.id for row in two}
    assert all("Error: " in c.note for c in outcome.checks if c.kind == BROKEN)
    assert {c.id for c in outcome.checks if c.passed} == {row.id for row in (*one, *three)}


def test_a_row_of_which_only_the_reason_is_checked_is_not_counted_as_compared():
    (family,) = chosen(["survival_curves"])
    mine = [row for row in family.compute.rows() if row.dataset == "ds19"]
    (outcome,) = run([of_some_rows(family, mine)], SMALL)
    assert all(c.passed for c in outcome.checks)
    reasons = {c.id for c in outcome.checks if c.kind == REASON} - {c.id for c in outcome.checks if c.kind == NUMBER}
    assert 0 < len(reasons) < 20
    assert {id for id, _ in outcome.not_compared} == reasons
    assert outcome.compared == len(mine) - len(reasons)


def test_a_family_without_a_check_does_not_pass():
    assert not only("calibration").passed


def test_unknown_families_are_refused():
    with pytest.raises(InputError, match=r"task.families is \['nhp'\]; allowed: null for all, or some of random_numbers, gs_bounds"):
        chosen(["nhp"])
    with pytest.raises(InputError, match="allowed"):
        chosen([])
    assert chosen(None) == FAMILIES
    assert len(set(families.NAMES)) == len(FAMILIES)


def test_the_textbook_trials_judge_as_stated():
    row = textbook.Published("x", "t", 0.033, 0.0005, effect=False)
    found = textbook.check(row, textbook.one_sample("observed"), 20_000, 1)
    assert found.passed
    assert "40,000 replicates" in found.note
    assert 0.0005 < found.tolerance < 0.005
    far = textbook.check(textbook.Published("x", "t", 0.05, 0.0005, effect=False), textbook.one_sample("observed"), 20_000, 1)
    assert not far.passed
    bound = textbook.check(textbook.Published("x", "t", 0.998, 0.0, at_least=True), textbook.one_sample("mean"), 2_000, 1)
    assert not bound.passed


def test_the_powers_of_the_textbook_are_the_published_ones():
    values = {(row.trial, row.value, row.tolerance) for row in textbook.PUBLISHED if row.effect}
    assert values == {
        ("textbook_rct_pfs", 0.7905, 0.004),
        ("textbook_rct_gs", 0.786, 0.004),
        ("textbook_rct_delayed, log-rank", 0.699, 0.005),
        ("textbook_rct_delayed, FH(0,1)", 0.867, 0.004),
        ("textbook_rct_600", 0.998, 0.0),
    }


def test_weights_of_other_tests_are_no_exponents():
    assert survival_logrank.exponents("early_zero(1.5)") is None


def test_the_spending_functions_by_name():
    with pytest.raises(KeyError):
        gs_bounds.named("sfUnknown", 0.0)
    assert gs_bounds.named("sfHSD", -4.0).label != gs_bounds.named("sfKD", 3.0).label


def test_the_wheel_ships_every_reference_file():
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shipped = {source: target for source, target in included.items() if source.startswith("tests/reference/")}
    assert shipped == {f"tests/reference/{p.name}": f"sim/reference/{p.name}" for p in (ROOT / "tests/reference").glob("*.csv")}


def test_the_finder_prefers_what_lies_inside_the_package(tmp_path, monkeypatch):
    inside, beside = tmp_path / "sim/reference", tmp_path / "tests/reference"
    monkeypatch.setattr(reading, "PACKAGE", tmp_path / "sim")
    with pytest.raises(FileNotFoundError, match="the installation is broken"):
        reading.reference_dir()
    for folder in (beside, inside):
        folder.mkdir(parents=True)
        (folder / "gs_bounds.csv").touch()
        assert reading.reference_dir() == folder
