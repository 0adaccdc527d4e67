"""Kaplan-Meier curves of the simulated cohort, with the published medians and their intervals marked on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.later import later
from sim.report.figures import style
from sim.types import Array

KaplanMeierFitter = later("lifelines", "KaplanMeierFitter")

# The table of numbers at risk hangs this many points below the axis, whatever the height of the figure.
_BELOW = -47.0
_POINTS: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8.5, "va": "center", "annotation_clip": False}


def kaplan_meier(cohort: pd.DataFrame, medians: pd.DataFrame | None, endpoint: str, name: str = "km") -> str:
    """Draw one endpoint's curves with numbers at risk.

    Parameters
    ----------
    cohort : columns group, time (months), event (1 = happened), endpoint
    medians : columns endpoint, group, median, ci_low, ci_high (months), id; None marks nothing
    endpoint : str, which rows to draw
    name : str, prefix of the ids in the SVG

    Returns
    -------
    svg : str

    References
    ----------
    Kaplan and Meier 1958; the estimator is lifelines' (Davidson-Pilon 2019).
    """
    rows = cohort[cohort["endpoint"] == endpoint]
    groups = list(dict.fromkeys(rows["group"]))
    marks = medians[medians["endpoint"] == endpoint] if medians is not None else None
    end = _horizon(rows, marks)
    ticks = np.arange(0, end + 1e-9, _step(end))
    with style.styled():
        figure, axes = style.canvas(5.8, 3.4)
        for i, group in enumerate(groups):
            colour = style.SERIES[i % len(style.SERIES)]
            mine = rows[rows["group"] == group]
            time, survival, median = _fit(mine)
            keep = time <= end
            time, survival = np.append(time[keep], end), np.append(survival[keep], survival[keep][-1])
            published = marks[marks["group"] == group] if marks is not None else cohort.head(0)
            label = "; ".join([f"{group}: {median:.1f}" if math.isfinite(median) else f"{group}: not reached", *_words(published)])
            axes.step(time, survival, where="post", color=colour, linestyle=style.LINES[i % len(style.LINES)], label=label)
            _mark(axes, published, colour, 0.5 + 0.035 * (i - (len(groups) - 1) / 2))
            _at_risk(axes, mine["time"].to_numpy(dtype=float), ticks, group, colour, _BELOW - 12.5 * (i + 1))
        axes.annotate("Number at risk", (0, 0), (-20, _BELOW), **_POINTS, ha="right", color=style.MUTED)
        axes.axhline(0.5, color=style.GRID, linewidth=0.8, zorder=0)
        axes.set(xlim=(0, end), ylim=(0, 1.01), xlabel="Months", ylabel=f"{endpoint}, probability", xticks=ticks)
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.03, 1.0),
            title="Median in months, simulated; published with its 95 % interval",
            alignment="left",
            title_fontsize=9,
        )
        return style.to_svg(figure, name, f"Kaplan-Meier curves, {endpoint}")


def _fit(rows: pd.DataFrame) -> tuple[Array, Array, float]:
    fit = KaplanMeierFitter().fit(rows["time"], rows["event"])
    curve = fit.survival_function_.iloc[:, 0]
    return curve.index.to_numpy(dtype=float), curve.to_numpy(dtype=float), float(fit.median_survival_time_)


def _horizon(rows: pd.DataFrame, marks: pd.DataFrame | None) -> float:
    longest = float(rows["time"].quantile(0.97))
    if marks is not None and len(marks):
        longest = max(longest, 1.25 * float(marks[["median", "ci_high"]].max().max()))
    longest = min(longest, float(rows["time"].max()), 60.0)
    return max(_step(longest) * math.ceil(longest / _step(longest)), 1.0)


def _step(end: float) -> float:
    return 1.0 if end <= 8 else 3.0 if end <= 24 else 6.0 if end <= 42 else 12.0


def _bounded(row: dict[Any, Any]) -> bool:
    return bool(pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]))


def _words(marks: pd.DataFrame) -> list[str]:
    return [
        f"published {r['median']:g}" + (f" ({r['ci_low']:g} to {r['ci_high']:g})" if _bounded(r) else "") for r in marks.to_dict("records")
    ]


def _mark(axes: Axes, marks: pd.DataFrame, colour: str, height: float) -> None:
    for row in marks.to_dict("records"):
        half = [[max(row["median"] - row["ci_low"], 0)], [max(row["ci_high"] - row["median"], 0)]] if _bounded(row) else None
        axes.errorbar(
            row["median"], height, xerr=half, fmt="D", color=colour, markersize=6, markeredgecolor=style.PAPER, markeredgewidth=0.8, elinewidth=2.2,
            capsize=4, capthick=1.5, zorder=5,
        )  # fmt: skip


def _at_risk(axes: Axes, time: Array, ticks: Array, group: str, colour: str, below: float) -> None:
    for tick in ticks:
        axes.annotate(f"{int((time >= tick).sum())}", (tick, 0), (0, below), **_POINTS, ha="center")
    axes.annotate(group, (0, 0), (-20, below), **_POINTS, ha="right", color=colour)
