"""A title and a question are true of what is run: every number in them is one of the trial, whatever was overridden."""

from __future__ import annotations

import re
from contextlib import chdir

import pytest

from sim.app import paths
from sim.app.build import build
from sim.app.compose import complete, composer
from sim.app.overlays import private_store, register
from sim.types import InputError
from tests.contract.building import study

SCENARIOS = sorted(path.stem for path in paths.scenarios_dir().glob("*.yaml"))
CHANGES = {
    "as it is": [],
    "n": ["design.n=173"],
    "alpha": ["design.alpha=0.07"],
    "hazard ratio": ["effect.hr=0.63"],
    "difference": ["effect.difference=0.23"],
    "no effect": ["effect=none"],
    "n and effect": ["design.n=173", "effect.hr=0.63"],
    "another design": ["design=single_arm_pfs", "effect=hazard_ratio"],
    "grid": ["grid={design.n: [151, 173]}"],
    "size": ["task=size", "task.target_power=0.85"],
    "power": ["task=power"],
}
PLAIN = re.compile(r"phase [23]|CD19|1:1|two|three", re.IGNORECASE)  # numbers that are names


def told(scenario, changes):
    try:
        return study(*complete([f"scenarios={scenario}", *changes]))
    except InputError as error:
        pytest.skip(f"refused: {error}")


def known(made):
    """Every number of the trial, as itself and in per cent."""
    out = {float(len(made.cells))}
    for cell in made.cells:
        effect, facts = cell.trial.effect.facts, cell.trial.facts
        out |= {facts.n, facts.alpha, effect.hazard_ratio, effect.delay, effect.after_progression, facts.looks}
        out |= {100 * abs(effect.response_difference)}
        out |= {cell.trial.plan.cut.planned_events(look) or 0 for look in range(facts.looks)}
    out.add(100 * getattr(made.task, "target_power", 0.0))
    return {round(float(x), 9) for x in out}


QUICK = ("alpha", "n and effect", "grid", "size")


@pytest.mark.parametrize("change", [c if c in QUICK else pytest.param(c, marks=pytest.mark.verify) for c in CHANGES])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_number_is_one_of_the_trial(scenario, change):
    made = told(scenario, CHANGES[change])
    assert made.title
    assert made.question.endswith("?")
    for text in (made.title, made.question):
        assert "{" not in text
        if change == "as it is":
            continue  # what a scenario's own words say of its own trial, for example its events
        for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", PLAIN.sub("", text)):
            assert float(number) in known(made), (number, text)
    halves = any(cell.trial.effect.facts.hazard_ratio == 0.5 for cell in made.cells)
    assert halves or "halve" not in made.question
    if made.task.__class__.__name__ == "Size":
        assert not any(f"{cell.trial.facts.n} patients" in made.question for cell in made.cells)


def test_the_command_of_the_readme():
    made = study("scenarios=phase2_randomised_pfs", "design.n=200", "effect.hr=0.6")
    assert "200 patients" in made.question
    assert "to 0.6?" in made.question
    assert "239" not in made.title + made.question


def test_a_sentence_that_names_what_changed_is_kept_and_another_is_made_anew():
    kept = study("scenarios=phase2_single_arm_orr", "design.n=50").question
    assert kept == "What does a single-arm trial of 50 patients tell when the treatment raises the response rate by 20 percentage points?"
    made = study("scenarios=phase2_single_arm_orr", "design.not_evaluable=excluded").question
    assert made.startswith("What are the power, the type I error and the duration of a trial of 45 patients (single arm, response rate")


def test_the_commands_own_words_are_left_alone():
    made = study("scenarios=phase2_randomised_pfs", "design.endpoint=os", "title='Ours, {n}'", "question='Why 42?'")
    assert (made.title, made.question) == ("Ours, 239", "Why 42?")


@pytest.mark.parametrize("text", ["{x}", "{n.__class__}", "{n!r}", "{n:>9}", "{", "{}", "{0}"])
def test_only_facts_may_stand_in_braces(text):
    with pytest.raises(InputError, match=r"title: .*allowed: "):
        study("scenarios=phase2_randomised_pfs", f"title='{text}'")


def test_words_of_another_file_are_not_inherited(tmp_path):
    (tmp_path / "scenarios").mkdir()
    text = "# @package _global_\ndefaults:\n  - phase2_randomised_pfs\n  - _self_\ndesign: {n: 120, endpoint: os}\n"
    (tmp_path / "scenarios" / "mine.yaml").write_text(text, encoding="utf-8")
    with chdir(tmp_path), private_store(), composer():
        made = build(["scenarios=mine"], register(), "postcart")
    assert made.title == "Randomised 1:1, overall survival: 120 patients"
    assert "overall survival" in made.question
