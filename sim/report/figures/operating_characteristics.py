"""Power and type I error of every cell as dots with their Monte Carlo intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sim.report import tables, wide
from sim.report.figures import style


def operating_characteristics(
    oc: pd.DataFrame, alpha: Mapping[str, float] | None = None, target: Mapping[str, float] | None = None, name: str = "oc"
) -> str:
    """Draw one panel for power and one for type I error, a row per cell.

    Parameters
    ----------
    oc : operating characteristics; the whole trial's rows are drawn
    alpha, target : cell -> one-sided level, cell -> target power; marked by a tick where known
    name : str, prefix of the ids in the SVG

    Returns
    -------
    svg : str, or "" when there is neither power nor type I error
    """
    reference = {"power": target or {}, "type_i_error": alpha or {}}
    metrics = [m for m in reference if (oc["metric"] == m).any()]
    cells = list(dict.fromkeys(oc.loc[oc["metric"].isin(metrics), "cell"]))
    if not metrics:
        return ""
    rows = wide.chosen(oc)
    with style.styled():
        figure = Figure(figsize=(6.2, 0.8 + 0.3 * len(cells)))
        FigureCanvasSVG(figure)
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric, colour in zip(panels, metrics, (style.BLUE, style.VERMILION), strict=False):
            _panel(axes, rows, cells, metric, colour, reference[metric])
        panels[0].set(yticks=range(len(cells)), yticklabels=cells, ylim=(len(cells) - 0.5, -0.5))
        figure.subplots_adjust(wspace=0.2)
        return style.to_svg(figure, name, "Power and type I error of each design")


def _panel(
    axes: Axes, rows: Mapping[tuple[str, str], dict[str, Any]], cells: list[str], metric: str, colour: str, reference: Mapping[str, float]
) -> None:
    largest = 0.0
    for y, cell in enumerate(cells):
        row = rows.get((cell, metric))
        if cell in reference:
            axes.plot([reference[cell]] * 2, [y - 0.32, y + 0.32], color=style.MUTED, linewidth=1.4, zorder=1)
            largest = max(largest, reference[cell])
        if row is None or pd.isna(row["estimate"]):
            continue
        low, high = (row[c] if pd.notna(row[c]) else row["estimate"] for c in ("ci_low", "ci_high"))
        axes.plot([low, high], [y, y], color=colour, linewidth=2.4, solid_capstyle="butt", zorder=2)
        axes.plot(
            row["estimate"], y, "o", color=colour, markersize=6, markeredgecolor=style.PAPER, markeredgewidth=0.8, zorder=3, clip_on=False
        )
        largest = max(largest, float(high))
    axes.set_xlim(0, 1.0 if metric == "power" else 1.15 * max(largest, 0.01))
    axes.set_xlabel(f"{tables.label(metric)}, probability")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
