"""The test statistic of one trial at its looks, against the boundary."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from sim.report.figures import style


def z_path(looks: pd.DataFrame, bounds: Sequence[float], name: str = "z") -> str:
    """Draw z at each look with the critical values, those of looks never reached included.

    Parameters
    ----------
    looks : columns look, z, decision, and futility_z where there is such a bound
    bounds : critical z of every planned look; empty when the decision is on a count
    name : str, prefix of the ids in the SVG

    Returns
    -------
    svg : str
    """
    with style.styled():
        figure, axes = style.canvas(6.6, 2.8)
        planned = max(len(bounds), int(looks["look"].max()))
        if len(bounds):
            axes.plot(
                range(1, len(bounds) + 1),
                bounds,
                color=style.MUTED,
                linestyle=style.LINES[1],
                marker="_",
                markersize=16,
                label="critical value",
            )
        if "futility_z" in looks and looks["futility_z"].notna().any():
            axes.plot(
                looks["look"],
                looks["futility_z"],
                color=style.VERMILION,
                linestyle=style.LINES[2],
                marker="_",
                markersize=16,
                label="futility",
            )
        axes.plot(looks["look"], looks["z"], color=style.BLUE, marker="o", label="z, positive favours the experimental treatment")
        last = looks.iloc[-1]
        words = {"reject": "rejects", "futility": "stops for futility", "none": "does not reject", "harm": "stops for harm"}[
            str(last["decision"])
        ]
        axes.annotate(
            f"z = {last['z']:.3f}: {words}", (last["look"], last["z"]), (8, -12), textcoords="offset points", ha="left", fontsize=9
        )
        axes.axhline(0, color=style.GRID, linewidth=0.8, zorder=0)
        top, bottom = max([0.5, *(b for b in bounds if math.isfinite(b)), *looks["z"]]), min([-0.2, *looks["z"]])
        axes.set(xlabel="Look", ylabel="z", xticks=range(1, planned + 1), xlim=(0.5, planned + 0.9), ylim=(bottom - 0.4, top + 0.4))
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2)
        return style.to_svg(figure, name, "z at each look against the boundary")
