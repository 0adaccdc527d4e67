"""Power by number of patients, with its Monte Carlo band and the interval for n."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sim.report.figures import style


def power_curve(curve: pd.DataFrame, name: str = "power") -> str:
    """Draw the power curve of one cell.

    Parameters
    ----------
    curve : columns cell, n, power, ci_low, ci_high, n_analysed (0 = exact) of one cell; where present target_power, n_required, n_low, n_high
    name : str, prefix of the ids in the SVG

    Returns
    -------
    svg : str

    Notes
    -----
    The band is the pointwise 95 % interval for power; the interval for n holds all n whose band contains the target.
    """
    rows = curve.sort_values("n")
    target, needed, low, high = (_one(rows, c) for c in ("target_power", "n_required", "n_low", "n_high"))
    with style.styled():
        figure, axes = style.canvas(5.8, 3.2)
        if low is not None and high is not None and low < high:
            axes.axvspan(low, high, color=style.ORANGE, alpha=0.22, linewidth=0, label=f"95 % interval for n: {low:g} to {high:g}")
        if target is not None:
            axes.axhline(target, color=style.MUTED, linewidth=1.0, linestyle=(0, (4, 2)), label=f"target power {target:g}")
        simulated = bool((rows["n_analysed"].fillna(0) > 0).any())
        if simulated:
            axes.fill_between(
                rows["n"], rows["ci_low"], rows["ci_high"], color=style.BLUE, alpha=0.25, linewidth=0, label="95 % Monte Carlo band"
            )
        marker = "o" if len(rows) <= 40 else None
        axes.plot(rows["n"], rows["power"], color=style.BLUE, marker=marker, markersize=3.2, label="power" if simulated else "power, exact")
        if needed is not None:
            axes.axvline(needed, color=style.VERMILION, linewidth=1.3, label=f"patients needed: {needed:g}")
        bottom, highest = float(rows["ci_low"].fillna(rows["power"]).min()), float(rows["ci_high"].fillna(rows["power"]).max())
        top = 1.0 if highest > 0.9 else highest + 0.05
        axes.set(xlabel="Patients enrolled", ylabel="Power, probability", ylim=(max(0.0, bottom - 0.05), top + 0.005))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=2, columnspacing=1.4)
        return style.to_svg(figure, name, f"Power by number of patients, {rows['cell'].iloc[0]}")


def _one(rows: pd.DataFrame, column: str) -> float | None:
    value: Any = rows[column].iloc[0] if column in rows.columns else None
    return None if value is None or pd.isna(value) else float(value)
