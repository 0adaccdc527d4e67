"""What regulators and reviewers ask of a simulation report, item by item: what this one shows, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sim.design.facts import DesignFacts
from sim.report.story import Story, filled

SHOWN, PARTLY, NOT_APPLICABLE, NOT_SHOWN = "shown", "shown in part", "not applicable", "not shown"
Verdict = tuple[str, str]
Rule = Callable[["Facts"], Verdict]


@dataclass(frozen=True, eq=False)
class Facts:
    """What a story holds, as the rules ask for it: tables and facts, never its sentences.

    designs : of each cell whose design is known; metrics : of the table, by cell
    """

    story: Story
    oc: pd.DataFrame | None
    designs: tuple[DesignFacts, ...]
    metrics: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, story: Story) -> Facts:
        """Read the facts from a story."""
        oc = story.operating_characteristics if filled(story.operating_characteristics) else None
        metrics = {} if oc is None else {str(cell): frozenset(map(str, rows)) for cell, rows in oc.groupby("cell")["metric"]}
        return cls(story, oc, tuple(c.facts for c in story.cells if c.facts is not None), metrics)

    @property
    def randomised(self) -> list[DesignFacts]:
        """The designs with two arms."""
        return [d for d in self.designs if not d.single_arm]

    @property
    def single_arms(self) -> list[DesignFacts]:
        """The designs without a control."""
        return [d for d in self.designs if d.single_arm]

    def cells_with(self, metric: str) -> list[str]:
        """Return the cells whose table has a metric."""
        return [cell for cell, metrics in self.metrics.items() if metric in metrics]


@dataclass(frozen=True)
class Requirement:
    """One item: a stable identifier, the text, who asks for it, the section that answers it, and the rule that judges."""

    id: str
    text: str
    source: str
    place: str
    rule: Rule


@dataclass(frozen=True)
class Answer:
    """The verdict on one requirement; `place` is empty where there is nothing to look at."""

    id: str
    text: str
    source: str
    status: str
    reason: str
    place: str


def answers(story: Story, places: frozenset[str], requirements: Sequence[Requirement]) -> list[Answer]:
    """Judge every requirement on a story.

    Parameters
    ----------
    story : the report's content
    places : anchors of the sections the report holds; an answer never points elsewhere
    requirements : what to judge, `sim.report.checklist.REQUIREMENTS`

    Returns
    -------
    answers : list[Answer], in the order of the requirements
    """
    facts = Facts.of(story)
    out = []
    for item in requirements:
        stated = story.not_applicable.get(item.id)
        status, reason = (NOT_APPLICABLE, stated) if stated else item.rule(facts)
        if status in (SHOWN, PARTLY) and item.place not in places:
            status, reason = NOT_SHOWN, "this run holds no such table."
        out.append(Answer(item.id, item.text, item.source, status, reason, item.place if status in (SHOWN, PARTLY) else ""))
    return out
