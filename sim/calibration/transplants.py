"""The transplants of a cohort from infusion: when each was, and what came after it, from the words of the patients' courses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.calibration.cohort_marks import uniforms
from sim.later import later
from sim.population.parameters import Parameters
from sim.rng import Draws
from sim.types import Array

log = later("sim.kernels.vectors", "log")


def transplants(table: pd.DataFrame, p: Parameters, draws: Draws) -> pd.DataFrame:
    """Return months from infusion to transplant, and from transplant to relapse or death and to death; NaN without one.

    Parameters
    ----------
    table : patients from infusion (`cohort.patients`), one replicate
    p, draws : the parameters and addresses that they were sampled with

    Notes
    -----
    The kernel of courses keeps who is transplanted, not when; the words say it again. All deaths after transplant follow a
    relapse, as in the model.
    """
    wait = {
        "from response": table["time_to_first_line"] + _exponential(draws, "allo_from_response") / p.allo_from_response_rate,
        "after progression": table["next_progression"] + _exponential(draws, "allo_after_progression") / p.allo_after_progression_rate,
    }
    at = pd.Series(np.nan, index=table.index)
    for how, when in wait.items():
        at = at.where(table["allo"] != how, when)
    relapse = np.where(uniforms(draws, "allo_cured") < p.allo_cured, np.inf, _exponential(draws, "allo_relapse") / p.allo_relapse_rate)
    death = relapse + _exponential(draws, "after_allo_relapse") / p.allo_death_rate
    none = at.isna()
    return pd.DataFrame({"transplanted": at, "relapse": pd.Series(relapse).mask(none), "death": pd.Series(death).mask(none)})


def _exponential(draws: Draws, stream: str) -> Array:
    return -log(uniforms(draws, stream))
