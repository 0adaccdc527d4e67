"""Published against achieved: one row a figure, the difference in standard errors of the published value."""

from __future__ import annotations

import math

import pandas as pd

from sim.report.figures import style

LIMIT = 4.0
_MARKS = {
    "met": ("o", style.BLUE),
    "within interval": ("s", style.GREEN),
    "outside interval": ("X", style.VERMILION),
    "known contradiction": ("^", style.PURPLE),
}
_OTHER = ("D", style.MUTED)


def forest(calibration: pd.DataFrame, name: str = "forest") -> str:
    """Draw `difference_se` of each figure, with published and achieved values beside it.

    Parameters
    ----------
    calibration : columns id, published, achieved, difference_se, verdict; rows without a difference are left out
    name : str, prefix of the ids in the SVG

    Returns
    -------
    svg : str

    Notes
    -----
    difference = (g(achieved) − g(published)) / ((g(ci_high) − g(ci_low)) / 3.92) with g = log for times and
    hazard ratios, logit for shares. The shaded band is ±1.96: inside the published 95 % interval. Beyond ±4 the
    mark stands at the edge with its value.
    """
    rows = calibration[calibration["difference_se"].notna()].to_dict("records")
    with style.styled():
        figure, axes = style.canvas(5.2, 0.85 + 0.235 * max(len(rows), 1))
        axes.axvspan(-1.96, 1.96, color=style.GRID, alpha=0.55, linewidth=0, zorder=0)
        axes.axvline(0, color=style.MUTED, linewidth=0.9, zorder=1)
        seen: dict[str, None] = {}
        for y, row in enumerate(rows):
            verdict, difference = str(row["verdict"]), float(row["difference_se"])
            marker, colour = _MARKS.get(verdict, _OTHER)
            x = min(max(difference, -LIMIT), LIMIT)
            axes.plot([0, x], [y, y], color=colour, linewidth=1.0, zorder=2)
            axes.plot(
                x,
                y,
                marker,
                color=colour,
                markersize=6.5,
                zorder=3,
                label=verdict if verdict not in seen else None,
                linestyle="none",
                clip_on=False,
            )
            seen[verdict] = None
            if abs(difference) > LIMIT:
                inward = -1 if difference > 0 else 1
                shown = f"{difference:+.1f}".replace("-", "−") if math.isfinite(difference) else "∞"
                axes.annotate(
                    shown,
                    (x, y),
                    (8 * inward, 0),
                    textcoords="offset points",
                    ha="right" if inward < 0 else "left",
                    va="center",
                    fontsize=8.5,
                    zorder=4,
                    bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.8},
                )
            for place, value in ((1.15, row["published"]), (1.31, row["achieved"])):
                axes.text(place, y, f"{float(value):.3g}", transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=8.5)
        for place, head in ((1.15, "published"), (1.31, "achieved")):
            axes.text(place, -0.9, head, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=8.5, color=style.MUTED)
        axes.set(xlim=(-LIMIT, LIMIT), ylim=(len(rows) - 0.4, -1.3), yticks=range(len(rows)), yticklabels=[str(r["id"]) for r in rows])
        axes.set_xlabel("Achieved minus published, in standard errors of the published value")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, handletextpad=0.2, columnspacing=1.2)
        return style.to_svg(figure, name, "Published against achieved, in standard errors")
