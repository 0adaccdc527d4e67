"""Accrual and events of one trial over calendar time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.report.figures import style


def timeline(patients: pd.DataFrame, looks: pd.DataFrame, name: str = "timeline") -> str:
    """Draw the cumulative numbers of patients enrolled and of events, with each look's numbers.

    Parameters
    ----------
    patients : columns entry_month, in_analysis, and for times to event observed_months, observed_event
    looks : columns look, month, enrolled_cumulative, events_cumulative
    name : str, prefix of the ids in the SVG

    Returns
    -------
    svg : str
    """
    end = float(looks["month"].iloc[-1])
    seen = patients[patients["in_analysis"]]
    with style.styled():
        figure, axes = style.canvas(6.6, 3.0)
        entries = np.sort(seen["entry_month"].to_numpy(dtype=float))
        _steps(axes, entries, end, style.INK, "enrolled")
        if "observed_event" in seen:
            events = seen[seen["observed_event"]]
            _steps(axes, np.sort((events["entry_month"] + events["observed_months"]).to_numpy(dtype=float)), end, style.VERMILION, "events")
        for row in looks.to_dict("records"):
            axes.axvline(row["month"], color=style.MUTED, linewidth=0.9, linestyle=style.LINES[1], zorder=0)
            axes.annotate(f"look {row['look']}", (row["month"], 1.0), (-3, -4), xycoords=("data", "axes fraction"), textcoords="offset points",
                          ha="right", va="top", rotation=90, fontsize=8.5, color=style.MUTED)  # fmt: skip
            axes.plot(row["month"], row["events_cumulative"], "o", color=style.VERMILION, markersize=5)
        axes.set(
            xlim=(0, end * 1.04),
            ylim=(0, 1.18 * max(len(entries), 1)),
            xlabel="Calendar months from the first possible entry",
            ylabel="Patients, cumulative",
        )
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2)
        return style.to_svg(figure, name, "Patients enrolled and events over calendar time")


def _steps(axes, months, end: float, colour: str, label: str) -> None:  # type: ignore[no-untyped-def]
    x = np.concatenate([[0.0], months, [end]])
    y = np.concatenate([np.arange(len(months) + 1), [len(months)]])
    axes.step(x, y, where="post", color=colour, label=f"{label}: {len(months)}")
