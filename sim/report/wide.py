"""Operating characteristics side by side: one row a cell, or a cell and look, from the long table of one row an estimate."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from sim.report.tables import ABSENT, SIZES, estimate, exact, interval, known, look, number, whole_trial

EVENTS = ("events_needed", "events_low", "events_high", "events_safe")
GLANCE = (
    "n", "expected_n", "power", "type_i_error", "rejection_no_effect", "harm_stop", "harm_stop_no_effect", "expected_events", "expected_duration",
)  # fmt: skip


def overall(oc: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell, hypothesis and metric: the whole trial's, or the last look's where there is none."""
    rank = [math.inf if whole_trial(v) else float(v) if str(v).replace(".", "", 1).isdigit() else 0.0 for v in oc["look"]]
    ordered = oc.assign(_rank=rank, _order=range(len(oc))).sort_values(["_rank", "_order"], kind="stable")
    last = ordered.groupby(["cell", "hypothesis", "metric"], sort=False, dropna=False).tail(1)
    return last.sort_values("_order").drop(columns=["_rank", "_order"])


def is_null(hypothesis: Any) -> bool:
    """Return whether a row was simulated without an effect."""
    text = str(hypothesis).lower()
    return text.startswith(("null", "h0", "no_effect", "no effect"))


def chosen(oc: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Return (cell, metric) -> the row that stands for it: the whole trial's, under the alternative where hypotheses tell truths apart."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in overall(oc).to_dict("records"):
        key = (row["cell"], row["metric"])
        if key not in rows or (is_null(rows[key]["hypothesis"]) and not is_null(row["hypothesis"])):
            rows[key] = {str(name): value for name, value in row.items()}
    return rows


def glance(oc: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell with the metrics of the whole trial side by side, each with its Monte Carlo error.

    Notes
    -----
    Expected patients, events and duration are those under the stated effect.
    """
    shown = [m for m in GLANCE if (oc["metric"] == m).any()]
    # a terminal has room for six
    for rather, than in (("n", "expected_n"), ("harm_stop", "expected_events")):
        if rather in shown and than in shown:
            shown.remove(than)
    rows, stand_in = [], chosen(oc)
    for cell in dict.fromkeys(oc["cell"]):
        found = {metric: stand_in.get((cell, metric)) for metric in shown}
        words = {m: ABSENT if r is None else estimate(r) for m, r in found.items()}
        events = stand_in.get((cell, "events_needed"))
        if events is not None:  # places decide nothing
            words["n"] = f"{number(events['estimate'])} events ({interval(events['ci_low'], events['ci_high'])})"
        rows.append({"cell": cell, **words})
    return pd.DataFrame(rows, columns=["cell", *shown])


def by_look(oc: pd.DataFrame, metrics: tuple[str, ...]) -> pd.DataFrame:
    """Return one row per cell and look with the named metrics side by side, as text; empty when there is one look at most."""
    rows = oc[[not whole_trial(v) for v in oc["look"]]]
    shown = [m for m in metrics if (rows["metric"] == m).any()]
    if rows["look"].nunique() < 2 or not shown:
        return pd.DataFrame(columns=["cell", "look"])
    out = []
    for (cell, at), here in rows.groupby(["cell", "look"], sort=False):
        found = {str(r["metric"]): estimate(r) for r in here.to_dict("records")}
        out.append({"cell": cell, "look": look(at), **{m: found.get(m, ABSENT) for m in shown}})
    return pd.DataFrame(out, columns=["cell", "look", *shown])


def sizes(oc: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell that was sized: n (or events, where places decide nothing), its interval, the safe n and the power, as text."""
    rows, stand_in = [], chosen(oc)
    for cell in dict.fromkeys(oc.loc[oc["metric"] == "n", "cell"]):
        power = stand_in.get((cell, "power"))
        by_events = (cell, "events_needed") in stand_in
        row = {m: stand_in.get((cell, e if by_events else m)) for m, e in zip(SIZES, EVENTS, strict=True)}
        value = {m: None if r is None else r["estimate"] for m, r in row.items()}
        rows.append(
            {
                "cell": cell,
                "n": number(value["n"]) + (" events" if by_events else ""),
                "interval": "exact" if exact(row["n"]) else interval(value["n_low"], value["n_high"]),
                "n_safe": number(value["n_safe"]) if known(value["n_safe"]) else "not reached",
                "power": ABSENT if power is None else estimate(power),
            }
        )
    return pd.DataFrame(rows, columns=["cell", "n", "interval", "n_safe", "power"])
