"""The summary of an effect on the terminal: both arms, the hazard ratio over time as a small picture, and what a trial reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 80
ARMS = ("control", "experimental")
BLOCKS = "▁▂▃▄▅▆▇█"
SMALLEST, LARGEST = 0.25, 4.0  # of the picture; beyond it a ratio is drawn at its end


def spark(ratios: Sequence[float]) -> str:
    """Return hazard ratios as blocks on a logarithmic scale from 0.25 to 4; 1 is between the fourth and the fifth height.

    Examples
    --------
    >>> spark([0.25, 0.5, 1.1, 2.0])
    '▁▃▅▇'
    """
    span = math.log(LARGEST / SMALLEST)
    places = (math.log(min(max(r, SMALLEST), LARGEST) / SMALLEST) / span * len(BLOCKS) for r in ratios if r > 0)
    return "".join(BLOCKS[min(int(place + 1e-9), len(BLOCKS) - 1)] for place in places)


def print_effect(summary: pd.DataFrame, console: Console) -> None:
    """Print the summary of one cell's effect within 80 columns; rows as `sim.effect_summary.COLUMNS`, with `cell`."""
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, header_style="bold")
    cell = str(summary["cell"].iloc[0])
    shown.add_column(Text(f"Effect [{cell}]" if len(cell) <= 40 else "Effect"), overflow="fold", min_width=30)
    for name in ("control", "experimental", "ratio"):
        shown.add_column(name, justify="right", no_wrap=True)
    for words, control, experimental, ratio in [*_own(summary), *_arms(summary), *_ratios(summary)]:
        shown.add_row(Text(words), control, experimental, ratio)
    console.print(shown, width=min(WIDTH, console.width), highlight=False)


Line = tuple[str, str, str, str]


def _own(summary: pd.DataFrame) -> list[Line]:
    """What changes in each patient."""
    lines: list[Line] = []
    for row in summary[summary["quantity"].str.startswith("each patient's")].to_dict("records"):
        from_month = f" from month {row['at']:g}" if row["at"] > 0 else ""
        lines.append((f"{row['quantity']}{from_month}", "", "", f"{row['ratio']:.3g}"))
    return lines


def _arms(summary: pd.DataFrame) -> list[Line]:
    """Rates, medians and milestones of both arms."""
    lines: list[Line] = []
    for row in summary[(summary["endpoint"] == "response")].to_dict("records"):
        odds = f"odds {row['ratio']:.2f}" if row["ratio"] == row["ratio"] else ""
        lines.append((row["quantity"], f"{row['control']:.1%}", f"{row['experimental']:.1%}", odds))
    for endpoint, rows in summary[summary["endpoint"].isin(["pfs", "os"])].groupby("endpoint", sort=False):
        name = str(endpoint).upper()
        median, there = (rows[rows["quantity"] == quantity] for quantity in ("median", "survival"))
        lines.append((f"median {name}, months", *(f"{median[arm].iloc[0]:.2f}" for arm in ARMS), ""))  # type: ignore[arg-type]
        months = ", ".join(f"{t:g}" for t in there["at"])
        levels = (", ".join(f"{100 * v:.0f}" for v in there[arm]) for arm in ARMS)
        lines.append((f"{name} at {months} months, %", *levels, ""))  # type: ignore[arg-type]
    return lines


def _ratios(summary: pd.DataFrame) -> list[Line]:
    lines: list[Line] = []
    for endpoint, rows in summary[summary["endpoint"].isin(["pfs", "os"])].groupby("endpoint", sort=False):
        name = str(endpoint).upper()
        over_time = rows[rows["quantity"] == "hazard ratio at a time"]
        first, last = (over_time.iloc[k] for k in (0, -1))
        ends = f"{first['ratio']:.2f} … {last['ratio']:.2f}"
        lines.append((f"hazard ratio of {name}, month {first['at']:g} to {last['at']:g}", "", spark(over_time["ratio"].tolist()), ends))
        limits = rows[rows["quantity"] == "limit of Cox's estimator"]
        months = ", ".join(f"{t:g}" for t in limits["at"])
        lines.append((f"Cox limit of {name}, {months} months", "", "", ", ".join(f"{r:.2f}" for r in limits["ratio"])))
        for row in rows[rows["quantity"].str.startswith("average hazard ratio")].to_dict("records"):
            kind = row["quantity"].partition(", ")[2].partition(",")[0].removesuffix(" 1981")
            lines.append((f"average of {name} to {row['at']:g}, {kind}", "", "", f"{row['ratio']:.2f}"))
        for look, here in rows[rows["look"] > 0].groupby("look"):
            by = here.set_index("quantity")["ratio"]
            own = f", own {by['estimand limit']:.2f}" if "estimand limit" in by else ""
            where = f"limit at look {look}, {by['events at the look']:.0f} events of {name}"
            lines.append((where, "", "", f"Cox {by['limit at the look, Cox']:.2f}{own}"))
    return lines
