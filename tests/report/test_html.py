"""Level: developer. The page as a reader and a browser meet it: whole, self-contained, complete, safe, always the same."""

import dataclasses
import os
import re
import subprocess
import sys
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from sim.design.facts import DesignFacts
from sim.report.html import render, write_report
from sim.report.requirements import NOT_APPLICABLE, NOT_SHOWN, PARTLY, SHOWN
from sim.report.story import CellStory, Story
from sim.types import Assumption, InputError
from tests.report.example import example, landmarks, oc_row, occupancy
from tests.report.page import Page


@pytest.fixture(scope="module")
def text():
    return render(example())


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def bare():
    return Story("A title", "A question?", ["An answer."], [], None)


def test_elements_nest_and_close(page):
    assert page.errors == []
    assert [tag for tag, _ in page.tags].count("main") == 1
    assert [tag for tag, _ in page.tags].count("svg") == 1 + 2 + 1 + 1 + 2  # dots, two endpoints, forest, states, two power curves


def test_nothing_is_loaded_from_elsewhere(page, text):
    assert page.loads == []
    assert [link for link in page.links if not link.startswith("#")] == []
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "img", "image", "base", "form"}
    assert "http" not in text.lower()
    assert "@import" not in text
    assert [target for target in re.findall(r"url\(([^)]*)\)", text) if not target.startswith("#")] == []


def test_ids_are_unique_and_links_arrive(page, text):
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)


def numbers(text):
    return [float(n.replace(",", "").replace("−", "-")) for n in re.findall(r"[-−]?\d[\d,]*\.?\d*", text)]


def test_every_number_of_the_operating_characteristics_is_there(page):
    oc = example().operating_characteristics
    shown = [row for row in page.rows if len(row) == 7 and row[2] == "whole trial"]
    assert len(shown) == len(oc)
    for row, (_, _, _, estimate, interval, unit, replicates) in zip(oc.to_dict("records"), shown, strict=True):
        values = numbers(estimate)
        mcse = 0.0 if np.isnan(row["mcse"]) else row["mcse"]
        # two significant digits of the error, one from 355 up: the value is off by at most half a last digit, 1/7 of the error
        assert values[0] == pytest.approx(row["estimate"], abs=mcse / 7 + 1e-9)
        if mcse > 0 or row["metric"].startswith("expected"):
            assert values[1] == pytest.approx(mcse, rel=1 / 7)
        if not np.isnan(row["ci_low"]):
            assert numbers(interval) == pytest.approx([row["ci_low"], row["ci_high"]], abs=mcse / 7 + 1e-9)
        assert unit == row["unit"]
        assert replicates == "exact" or numbers(replicates)[0] == row["n_analysed"]


def test_answer_comes_first_and_carries_its_errors(page):
    assert page.headings == [
        "Question", "Answer", "Design", "Assumptions", "Calibration", "Course of the disease in the model", "Power curve", "Operating characteristics", "Requirements map", "Limitations",
        "What to cite", "Provenance",
    ]  # fmt: skip
    for line in example().answer_lines:
        assert line in page.text
    glance = [row for row in page.rows if row and row[0] == "randomised_pfs" and len(row) == 6]
    assert glance[0] == ["randomised_pfs", "164 (160 to 169)", "0.803 ± 0.004", "0.0258 ± 0.0005", "123 ± 0", "22.9 ± 0.1"]


def test_single_arm_survival_is_labelled_a_decision_tool(page):
    assert "single_arm_pfs: a decision tool, not evidence of efficacy" in page.text
    assert "single_arm_orr: a decision tool" not in page.text
    assert "randomised_pfs: a decision tool" not in page.text


@pytest.mark.parametrize(
    ("arms", "endpoint", "expected"), [(1, "PFS", True), (1, "OS", True), (1, "ORR", False), (2, "PFS", False), (2, "ORR", False)]
)
def test_label_is_a_fact_of_the_design_and_not_of_its_name(arms, endpoint, expected):
    facts = DesignFacts("any", arms, endpoint, 60, 0.025, 1)
    for name in ("single_arm_pfs", "randomised_orr", "mine"):
        assert CellStory(name, [Assumption("test", name, "")], [], facts).without_control is expected


def test_requirements_have_unique_ids_and_arrive_somewhere(page):
    rows = [row for row in page.rows if len(row) == 4 and re.fullmatch(r"[A-Z0-9]+-\d\d", row[0])]
    assert len(rows) == 36
    assert sorted(int(row[0].split("-")[1]) for row in rows) == list(range(1, 37))
    for row in rows:
        status = next(s for s in (PARTLY, SHOWN, NOT_APPLICABLE, NOT_SHOWN) if row[2].startswith(s))
        assert status == SHOWN or len(row[2]) > len(status) + 10  # whatever is not plainly shown says why
        if status == NOT_APPLICABLE:
            assert "because" in row[2]


def test_story_can_say_why_an_item_does_not_apply():
    page = Page(render(dataclasses.replace(example(), not_applicable={"E20-19": "accrual is fixed by contract."})))
    row = next(row for row in page.rows if row and row[0] == "E20-19")
    assert row[2] == "not applicablebecause accrual is fixed by contract."


@pytest.mark.parametrize("part", ["operating_characteristics", "power_curve", "calibration", "cohort", "published_medians"])
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_a_part_without_its_table_is_left_out(part, how):
    story = example()
    table = None if how == "missing" else getattr(story, part).head(0)
    page = Page(render(dataclasses.replace(story, **{part: table})))
    assert page.errors == []
    assert {link[1:] for link in page.links} <= set(page.ids)
    gone = {"operating_characteristics": "operating-characteristics", "power_curve": "power-curve"}.get(part)
    assert gone not in page.ids
    sentence = {
        "operating_characteristics": "No operating characteristics were computed",
        "power_curve": "the task size draws power",
        "calibration": "Published figures were not evaluated",
        "cohort": "No simulated cohort was handed",
        "published_medians": "simulated Kaplan-Meier curves",
    }[part]
    assert sentence in page.text


def test_a_bare_story_is_still_a_page():
    page = Page(render(bare()))
    assert page.errors == []
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert "svg" not in {tag for tag, _ in page.tags}
    for sentence in ("Provenance: no record", "What to cite: no source", "Limitations: none", "Calibration: not evaluated"):
        assert sentence in page.text


def test_a_figure_that_cannot_be_drawn_costs_only_itself():
    story = example()
    cohort = story.cohort.copy()
    cohort.loc[cohort["endpoint"] == "PFS from progression", "time"] = np.nan
    page = Page(render(dataclasses.replace(story, cohort=cohort)))
    assert page.text.count("This figure could not be drawn") == 1
    assert [tag for tag, _ in page.tags].count("svg") == 6


NASTY = "<script>alert(1)</script><b onclick='x'>\"&amp;$a$"


def test_everything_is_escaped():
    lines = [Assumption(NASTY, NASTY, NASTY)]
    frame = pd.DataFrame([oc_row(NASTY, "power", 0.8), oc_row(NASTY, "type_i_error", 0.025)])
    for column in ("scenario", "hypothesis", "unit", "definition"):
        frame[column] = NASTY
    base = example()
    calibration = base.calibration.assign(**dict.fromkeys(("id", "population", "quantity", "verdict", "reason"), NASTY))
    curve, cohort, medians = (
        base.power_curve.assign(cell=NASTY),
        base.cohort.assign(group=NASTY, endpoint=NASTY),
        base.published_medians.assign(group=NASTY, endpoint=NASTY),
    )
    record = {
        "seed": NASTY,
        "command": NASTY,
        "config": NASTY,
        "versions": {NASTY: NASTY},
        "platform": {NASTY: NASTY},
        "git": {"commit": NASTY},
        "files": {NASTY: NASTY},
        "source": {},
    }
    story = Story(
        NASTY,
        NASTY,
        [NASTY],
        [CellStory(NASTY, lines, lines)],
        frame,
        curve,
        calibration,
        cohort,
        medians,
        [NASTY],
        [NASTY],
        record,
        {"E20-19": NASTY},
        occupancy().assign(time_zero=NASTY, group="all", label=NASTY),
        landmarks().assign(time_zero=NASTY, group=NASTY, endpoint=NASTY),
    )
    text = render(story)
    page = Page(text)
    assert page.errors == []
    assert page.loads == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert "<script" not in text
    assert "could not be drawn" not in page.text
    # the figures show the name itself: no markup, no formula
    assert page.text.count(NASTY) > 25


def test_same_story_same_page(text):
    assert render(example()) == text


def test_writes_the_whole_page_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_report(bare(), path)
    first = path.read_text(encoding="utf-8")
    assert first.startswith("<!DOCTYPE html>")
    with pytest.raises(OSError, match="nowhere"):
        write_report(bare(), tmp_path / "nowhere" / "report.html")

    def refuse(*_):
        raise OSError("disk is full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk is full"):
        write_report(example(), path)
    assert path.read_text(encoding="utf-8") == first
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(InputError, match="table power_curve lacks mcse, n_analysed"):
        dataclasses.replace(bare(), power_curve=example().power_curve.drop(columns=["mcse", "n_analysed"]))


def test_templates_are_in_the_package():
    names = {entry.name for entry in (resources.files("sim.report") / "templates").iterdir()}
    assert {"report.html.j2", "report.css"} <= names


@pytest.mark.process
def test_drawing_is_imported_only_when_something_is_drawn():
    code = "import sys, sim.report.html, sim.report.terminal; sys.exit('matplotlib' in sys.modules or 'lifelines' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_simulated_values_stand_beside_the_verdict_when_there_are_any():
    story = example()
    simulated = Page(render(dataclasses.replace(story, calibration=story.calibration.assign(simulated=3.1415))))
    assert "Simulated" in next(row for row in simulated.rows if row[0] == "Figure")
    assert next(row for row in simulated.rows if row[0] == "treated_share")[7] == "3.14"


def test_one_metric_with_two_definitions_is_defined_once():
    oc = example().operating_characteristics
    oc.loc[(oc["metric"] == "n") & (oc["cell"] == "single_arm_orr"), "definition"] = "another definition of n"
    text = Page(render(dataclasses.replace(example(), operating_characteristics=oc))).text
    assert text.count("another definition of n") == 1
    assert text.count("smallest number of patients whose power reaches the target") == 1


def test_the_course_of_the_disease_is_shown(page):
    [row] = [row for row in page.rows if "OS" in row and "progression after CAR-T" in row]
    assert row[3:] == ["3.47", "0.301 (3.47)", "0.091 (3.47)", "0.008 (not reached)"]
    [row] = [row for row in page.rows if "Death (invented)" in row]
    assert row[3:] == ["0.699", "0.909", "0.992"]
