"""Who is where over time: the probabilities of the model's states, stacked to 1."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.report.figures import style

# one hue a stage of the disease; within it the better state is the fuller colour
_COLOURS = {
    "cured": (style.GREEN, 1.0),
    "at_risk": (style.GREEN, 0.45),
    "waiting": (style.ORANGE, 0.5),
    "supportive_care": (style.ORANGE, 1.0),
    "first_line_response": (style.BLUE, 1.0),
    "first_line_no_response": (style.BLUE, 0.45),
    "second_progression": (style.VERMILION, 0.85),
    "allo": (style.PURPLE, 1.0),
    "allo_relapse": (style.PURPLE, 0.5),
    "dead": (style.MUTED, 0.25),
}


def occupancy(table: pd.DataFrame, name: str = "occupancy", end: float = 36.0) -> str:
    """Draw the state occupancies of one group from one time zero.

    Parameters
    ----------
    table : columns name, label, month, probability, one row a state and month
    name : str, prefix of the ids in the SVG
    end : float, months

    Returns
    -------
    svg : str

    References
    ----------
    Putter, Fiocco & Geskus 2007, figure 14 (stacked transition probabilities).
    """
    rows = table[table["month"] <= end]
    labels = dict(zip(rows["name"], rows["label"], strict=True))
    states = [state for state in _COLOURS if state in labels]
    months = np.sort(rows["month"].unique())
    heights = rows.pivot(index="name", columns="month", values="probability")
    with style.styled():
        figure, axes = style.canvas(5.4, 3.2)
        bottom = np.zeros(len(months))
        for state in states:
            colour, opacity = _COLOURS[state]
            top = bottom + heights.loc[state].to_numpy(dtype=float)
            axes.fill_between(months, bottom, top, color=colour, alpha=opacity, linewidth=0, label=labels[state])
            axes.plot(months, top, color=style.PAPER, linewidth=0.6)
            bottom = top
        axes.set(xlim=(0, end), ylim=(0, 1), xlabel="Months", ylabel="Probability of being in the state", xticks=np.arange(0, end + 1, 6))
        handles, words = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], words[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.1)
        return style.to_svg(figure, name, "State occupancy over time")
