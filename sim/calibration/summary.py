"""How many figures have which verdict: those the model was fitted to counted apart from those it predicts."""

from __future__ import annotations

import pandas as pd

from sim.calibration.fitted import FITTED, NOT_SAID, PREDICTED

JUDGED = ("met", "within interval", "outside interval")
VERDICTS = (*JUDGED, "known contradiction", "not modelled")


def summary(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return the number of figures by verdict: those fitted, those predicted and those not judged apart, each without its zeros."""
    judged = table["verdict"].isin(JUDGED)
    parts = {FITTED: judged & (table["fit"] == FITTED), PREDICTED: judged & (table["fit"] == PREDICTED)}
    parts |= {"fit unknown": judged & (table["fit"] == NOT_SAID), "not judged": ~judged}
    return {name: {v: int(n) for v in VERDICTS if (n := (table["verdict"][rows] == v).sum())} for name, rows in parts.items() if rows.any()}


def summary_in_words(table: pd.DataFrame) -> str:
    """Return the counts as one sentence."""
    parts = (f"{name} {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}" for name, counts in summary(table).items())
    return f"{len(table)} figures: {'; '.join(parts)}."
