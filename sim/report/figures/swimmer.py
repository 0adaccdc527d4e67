"""A swimmer plot: one line per patient from entry to the end of observation, by arm, with the calendar times of the looks."""

from __future__ import annotations

import pandas as pd

from sim.report.figures import style

COLOURS = {"experimental": style.BLUE, "all patients": style.BLUE, "control": style.VERMILION}


def swimmer(patients: pd.DataFrame, looks: pd.DataFrame, name: str = "swimmer") -> str:
    """Draw each enrolled patient's course in calendar time.

    Parameters
    ----------
    patients : columns arm, entry_month, in_analysis, and either observed_months with observed_event, or response
    looks : columns look, month
    name : str, prefix of the ids in the SVG

    Returns
    -------
    svg : str
    """
    end = float(looks["month"].iloc[-1])
    seen = patients[patients["in_analysis"]].sort_values(["arm", "entry_month"], kind="stable").reset_index(drop=True)
    binary = "response" in seen
    with style.styled():
        figure, axes = style.canvas(6.6, min(1.2 + 0.045 * max(len(seen), 20), 9.0))
        for arm, mine in seen.groupby("arm", sort=False):
            colour = COLOURS[str(arm)]
            length = (end - mine["entry_month"]) if binary else mine["observed_months"]
            stop = mine["entry_month"] + length
            axes.hlines(mine.index, mine["entry_month"], stop, color=colour, linewidth=1.3, alpha=0.75)
            marked = mine["response"] if binary else mine["observed_event"]
            what = "response" if binary else "event"
            at = mine["entry_month"] if binary else stop
            axes.scatter(
                at[marked],
                mine.index[marked],
                s=11,
                color=colour,
                zorder=3,
                label=f"{arm}, n = {len(mine)}: {int(marked.sum())} with {what}",
            )
        _looks(axes, looks)
        axes.set(
            xlabel="Calendar months from the first possible entry",
            ylabel="Patients, by arm and order of entry",
            yticks=[],
            xlim=(0, end * 1.04),
        )
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, markerscale=1.6)
        return style.to_svg(figure, name, "Swimmer plot: every patient from entry to event, dropout or analysis")


def _looks(axes, looks: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    for row in looks.to_dict("records"):
        axes.axvline(row["month"], color=style.MUTED, linewidth=0.9, linestyle=style.LINES[1], zorder=0)
