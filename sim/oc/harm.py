"""Operating characteristics of a guard on overall survival: how often it stops a trial, by which look, on how many deaths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.design.design import STOP_HARM
from sim.engine import Replicates
from sim.oc.estimate import mean, proportion
from sim.oc.row import Subject, row
from sim.statistic.statistic import Code
from sim.trial import final_rows, rows_of, where
from sim.types import Row


def harm_characteristics(subject: Subject, replicates: Replicates, looks: int) -> list[Row]:
    """Return the rows of a guard on overall survival, the hypothesis "OS"; none where the rows hold no guard.

    Notes
    -----
    Over analysed trials; a stop is counted at the look that shows harm. Trials that reject or give up earlier are not watched further.
    """
    deaths = rows_of(replicates.rows, 1)
    final = final_rows(replicates.rows)
    analysed = where(final, final["code"] != Code.FAILED)
    n, failed = len(analysed), replicates.requested - len(analysed)
    if len(deaths) == 0 or n == 0:
        return []
    about, suffix = replace(subject, hypothesis="OS"), "" if subject.rejection == "power" else "_no_effect"
    at = np.where(analysed["decision"] == STOP_HARM, analysed["look"], 0)
    kept = deaths[np.isin(deaths["replicate"], analysed["replicate"])] if failed else deaths

    def share(metric: str, flags: np.ndarray, look: int = 0) -> Row:
        return row(about, f"{metric}{suffix}", proportion(int(flags.sum()), n), "probability", look, replicates.requested, n, failed)

    out = [share("harm_stop", at > 0)]
    for look in range(1, looks + 1):
        here = kept["events"][kept["look"] == look].astype(float)
        out.append(share("harm_by_look", (at > 0) & (at <= look), look))
        out.append(row(about, f"deaths_at_look{suffix}", mean(here), "deaths", look, replicates.requested, len(here), failed))
    return out
