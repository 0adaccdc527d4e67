"""What regulators and reviewers ask of a simulation report, item by item: what this one shows, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from sim.report.story import Story, filled

SHOWN, PARTLY, NOT_APPLICABLE, NOT_SHOWN = "shown", "shown in part", "not applicable", "not shown"
Verdict = tuple[str, str]
Rule = Callable[["Facts"], Verdict]


@dataclass(frozen=True, eq=False)
class Facts:
    """What a story holds, as the rules ask for it."""

    story: Story
    oc: pd.DataFrame | None
    text: str

    @classmethod
    def of(cls, story: Story) -> Facts:
        """Read the facts from a story."""
        oc = story.operating_characteristics if filled(story.operating_characteristics) else None
        return cls(story, oc, "\n".join(cell.text for cell in story.cells))

    def says(self, pattern: str) -> bool:
        """Return whether design or assumptions mention something."""
        return bool(re.search(pattern, self.text, re.IGNORECASE))

    @property
    def randomised(self) -> bool:
        """Whether any design has two arms."""
        return self.says(r"randomi[sz]ed")

    @property
    def looks(self) -> int:
        """Number of analyses of the design with most of them."""
        return 1 if self.oc is None else max(1, int(self.oc.groupby("cell")["look"].nunique(dropna=True).max()))


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
