"""Sentences are made from facts: what a design says of itself as data agrees with its plan, and the report concludes from data alone."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

import sim.report
from sim.design.facts import DesignFacts
from sim.population.post_cart_failure import PostCartFailure
from sim.report.checklist import REQUIREMENTS
from sim.report.requirements import NOT_APPLICABLE, NOT_SHOWN, PARTLY, SHOWN, answers
from sim.report.sections import ALWAYS, sections
from sim.report.story import CellStory
from sim.types import Assumption
from tests.contract.building import POPULATIONS, options, trial
from tests.report.example import example, oc_row
from tests.thinning import crossed

REPORT = Path(sim.report.__file__).parent
EFFECTS = {"PFS": "effect=hazard_ratio", "OS": "effect=hazard_ratio", "ORR": "effect=response_rate"}


@pytest.fixture(params=crossed(options("design"), POPULATIONS, alone=True), ids=lambda x: "-".join(x), scope="module")
def made(request):
    design, population = request.param
    return trial(f"design={design}", f"population={population}", "effect=none")


def test_facts_are_those_of_the_plan(made):
    facts, plan = made.facts, made.plan
    assert isinstance(facts, DesignFacts)
    assert (facts.endpoint, facts.n, facts.alpha, facts.looks) == (plan.hypothesis, plan.n, made.design.level, plan.cut.looks)
    stratum = np.zeros((1, 8), dtype=np.uint8)
    from sim.rng import Draws

    arms = plan.allocation.arms(Draws(1, 0, 1, 8), stratum)
    assert facts.arms == len(np.unique(arms)) if facts.arms == 2 else (arms == 1).all()
    assert facts.guards_survival is (plan.safety is not None)
    assert (facts.binding is False) is plan.nonbinding_futility
    assert facts.binding is None or facts.looks > 1
    lines = made.describe_design()
    assert lines.count(facts.smallest_rejecting) == 1  # the very line that the reader sees
    assert facts.smallest_rejecting == made.design.smallest_effect(made.setting)
    assert lines[0].value.startswith(facts.kind)


def test_only_the_bayesian_design_has_a_prior():
    with_prior = [d for d in options("design") if trial(f"design={d}", "effect=none").facts.prior is not None]
    assert with_prior == ["bayesian_single_arm"]


def test_a_rate_said_to_reject_is_the_smallest_that_does():
    for name in ("simon_two_stage", "multi_stage_binomial", "bayesian_single_arm"):
        x = trial(f"design={name}", "effect=none")
        assert x.facts.smallest_rejecting.value.startswith(f"{x.plan.rule.efficacy[-1] / x.plan.n:.1%}")


def modules():
    return [path for path in sorted(REPORT.rglob("*.py")) if path.name != "style.py"]  # style.py rewrites the SVG that matplotlib draws


def test_the_report_reads_no_prose_and_asks_no_type():
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
        assert "re" not in names, path
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                assert ast.unparse(node.args[1]) in ("str", "float", "bool", "int"), (path, ast.unparse(node))
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("fullmatch", "contains"), path


def verdicts(story):
    there, _ = sections(story)
    return [(a.id, a.status, a.reason) for a in answers(story, ALWAYS | frozenset(there), REQUIREMENTS)]


MISLEADING = (
    "bayesian single-arm platform trial, stratified, tied, missing, next treatment, external control, safety stopping, screen, smallest"
)


def test_the_checklist_does_not_change_with_the_words():
    story = example()
    nonsense = [Assumption(MISLEADING, MISLEADING, MISLEADING)]
    cells = [CellStory(c.name, nonsense, nonsense, c.facts) for c in story.cells]
    assert verdicts(dataclasses.replace(story, cells=cells)) == verdicts(story)


def status(story, id):
    return next((status, reason) for i, status, reason in verdicts(story) if i == id)


def with_facts(**changes):
    """The example whose randomised cell has other facts."""
    story = example()
    *others, last = story.cells
    return dataclasses.replace(story, cells=[*others, dataclasses.replace(last, facts=dataclasses.replace(last.facts, **changes))])


def test_the_checklist_changes_with_the_facts():
    assert status(example(), "BAY-15") == (NOT_APPLICABLE, "no analysis of this run is Bayesian.")
    assert status(with_facts(prior=(1.0, 2.0)), "BAY-15")[0] == PARTLY
    assert status(example(), "ADP-14")[0] == NOT_APPLICABLE
    assert status(example(), "OSA-17")[0] == NOT_SHOWN
    assert status(with_facts(guards_survival=True), "OSA-17")[0] == PARTLY
    assert "unstratified test" in status(with_facts(stratified_test=False), "PC-33")[1]
    assert status(example(), "PC-31") == (PARTLY, "not for single_arm_pfs.")


def test_bias_rows_are_seen():
    story = with_facts(looks=3)
    assert status(story, "ADP-14")[0] == NOT_SHOWN
    oc = story.operating_characteristics
    oc.loc[len(oc)] = oc_row("randomised_pfs", "bias_log_hr", -0.01, 0.001)
    assert status(dataclasses.replace(story, operating_characteristics=oc), "ADP-14") == (SHOWN, "")


def test_numbers_of_the_paper_come_from_the_benchmark():
    (cell,) = _study("population=post_cart_failure", "++benchmark.figures.failure_os_median.value=7.0").cells
    plain = {line.what: line.value for line in PostCartFailure().describe()}
    altered = {line.what: line.value for line in cell.trial.population.describe()}
    changed = [what for what in plain if plain[what] != altered[what]]
    assert changed == ["published medians from progression, months (95 % interval)"]
    assert "OS, all 7 (5.85 to 8.4), altered" in altered[changed[0]]
    (cell,) = _study("population=post_cart_failure", "++benchmark.figures.d30ref_share.value=50").cells
    lines = {line.what: line.value for line in cell.trial.population.describe()}
    assert lines["day-30 refractory share of failures"].startswith("50.0 % (142/284)")
    assert lines["day-30 refractory share of progressions observed by the cut"].startswith("55.9% (142/254)")


def _study(*overrides):
    from tests.contract.building import study

    return study(*overrides)


def test_what_is_assumed_is_declared_with_value_and_source():
    lines = {line.what: line for line in trial("design=randomised_pfs").describe_assumptions()}
    expected = {
        "response rates of regimens without a published one": "68 of 162 patients",
        "durable share of responders to first line": "45.8%",
        "plateau after first line: exit rate of durable responders": "0.003",
        "shape of survival after progression on first line": "1.17",
        "transplant rate in response": "0.043",
        "transplant rate after a progression": "0.015",
        "dropout": "3.0% a year",
    }
    for what, value in expected.items():
        assert value in lines[what].value, what
        assert lines[what].source, what
    assert "23." not in lines["dropout"].value
    textbook = {line.what: line.value for line in _study("scenarios=textbook_rct_pfs").cells[0].trial.describe_assumptions()}
    assert "0.0202 per month: 21.5% a year" in textbook["dropout"]
