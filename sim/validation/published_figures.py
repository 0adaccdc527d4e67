"""The calibration: every figure of the benchmark's paper that is judged, against what the population gives.

The verdict is `sim.calibration.verdicts`': the exactly fitted figures within 1 %, every other headline and calibration figure inside its
95 % interval, and no more check figures outside than the 99 % quantile of Binomial(number judged, 0.05).
"""

from __future__ import annotations

import math

import pandas as pd

from sim.calibration.verdicts import EXACT, TOLERANCE, exit_status
from sim.validation.check import Check

FAMILY = "calibration"
JUDGED = ("met", "within interval", "outside interval")


def checks(table: pd.DataFrame, source: str) -> list[Check]:
    """Turn the judged rows of a calibration table into checks.

    Parameters
    ----------
    table : as `sim.calibration.verdicts.calibrate` returns it
    source : the paper, in a few words
    """
    _, bad = exit_status(table)
    out = []
    for row in table.to_dict("records"):
        id = str(row["id"])
        if row["verdict"] not in JUDGED and id not in bad:
            continue
        published, got = float(row["published"]), float(row["achieved"])
        if id in EXACT:
            tolerance = TOLERANCE * abs(published)
        else:
            tolerance = published - float(row["ci_low"]) if got < published else float(row["ci_high"]) - published
        difference = abs(got - published) if math.isfinite(got) else math.inf
        reason = str(row["reason"])
        chance = row["verdict"] == "outside interval" and id not in bad
        note = f"{row['verdict']}; {reason}" + ("; within the number that chance allows" if chance else "")
        out.append(
            Check(
                id, FAMILY, source, str(row["role"]), str(row["quantity"]), (published,), (got,), difference, tolerance, id not in bad, note
            )
        )
    return out


def not_judged(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return (figure, reason) of the figures that are not judged."""
    rows = table[~table["verdict"].isin(JUDGED)]
    return [(str(r["id"]), f"{r['verdict']}: {r['reason']}") for r in rows.to_dict("records")]
