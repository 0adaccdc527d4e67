"""Write a story as one self-contained HTML page: the answer first, every number with its error, nothing loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from sim import provenance
from sim.report import requirements, tables
from sim.report.checklist import REQUIREMENTS
from sim.report.sections import ALWAYS, sections
from sim.report.story import Story

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(story: Story, path: Path) -> None:
    """Write the report of a story to `path`, whole or not at all.

    Parameters
    ----------
    story : tables and words
    path : the HTML file to write

    Raises
    ------
    OSError : when the folder cannot be written; nothing is left behind
    """
    provenance.write_atomically(Path(path), render(story))


def render(story: Story) -> str:
    """Return the page as text; the same story gives the same text.

    Examples
    --------
    >>> page = render(Story("Sizes < 60", "How many?", ["None yet."], [], None))
    >>> "Sizes &lt; 60" in page
    True
    """
    there, left_out = sections(story)
    answers = requirements.answers(story, ALWAYS | frozenset(there), REQUIREMENTS)
    statuses = (requirements.SHOWN, requirements.PARTLY, requirements.NOT_APPLICABLE, requirements.NOT_SHOWN)
    return _template().render(
        story=story,
        css=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        sections=there,
        left_out=left_out,
        answers=answers,
        counts=[(status, sum(a.status == status for a in answers)) for status in statuses],
        tables=tables,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html.j2")
