"""What the figures share: colours that colour-blind readers tell apart, quiet axes, and an SVG that is the same every time."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Okabe and Ito's palette without its yellow, which is unreadable on white; sky blue is kept for dark pages.
INK, MUTED, GRID, PAPER = "#1b1f24", "#5b6470", "#d9dde2", "#fefefe"
BLUE, VERMILION, GREEN, PURPLE, ORANGE = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE)
LINES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.5, 1.2, 1.5)))
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    PAPER: "paper",
    BLUE: "blue",
    VERMILION: "vermilion",
    GREEN: "green",
    PURPLE: "purple",
    ORANGE: "orange",
}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "postcart",
    "svg.fonttype": "none",
    # A cell may be called "a$b$c": that is a name, not a formula.
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.labelsize": 9.5,
    "axes.titlesize": 10.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the report's style and leave the caller's settings as they were."""
    # The document type's address and the clock must not reach the page; a fixed salt makes the ids repeatable.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty figure (inches) that no window system ever sees."""
    figure = Figure(figsize=(width, height))
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def to_svg(figure: Figure, name: str, title: str) -> str:
    """Write a figure as an SVG element to stand inside a page.

    Parameters
    ----------
    figure : drawn inside `styled()`
    name : str, prefix of all ids, so that two figures in a page never share one
    title : str, what a screen reader says

    Notes
    -----
    Colours become CSS variables with themselves as fallback, so that the page's dark style reaches them.
    Prologue, name spaces and metadata are dropped: nothing in the result names an address.
    """
    out = io.StringIO()
    figure.savefig(
        out, format="svg", bbox_inches="tight", pad_inches=0.04, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\g<1>#{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = re.sub(re.escape(colour), f"var(--fig-{variable}, {colour})", svg, flags=re.IGNORECASE)
    width, height = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()  # type: ignore[union-attr]
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    svg = svg.replace(
        f'width="{width}pt" height="{height}pt"', f'role="img" aria-label="{label}" style="max-width:{float(width) * 4 / 3:.0f}px"', 1
    )
    return re.sub(r"\n\s*", "\n", svg).strip()
