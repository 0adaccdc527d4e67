"""One row of the table: whose it is, the number with its error, and over how many replicates."""

from __future__ import annotations

from dataclasses import dataclass

from sim.oc.definitions import DEFINITIONS
from sim.oc.estimate import Estimate
from sim.types import Row


@dataclass(frozen=True)
class Subject:
    """What a set of rows is about: the first columns of the table, and what its rejections are called."""

    scenario: str
    cell: str
    hypothesis: str
    rejection: str  # power, type_i_error or rejection_no_effect


def row(subject: Subject, metric: str, e: Estimate, unit: str, look: int, requested: int, analysed: int, failed: int) -> Row:
    """Return the row of one metric; `look` 0 is the whole trial."""
    return {
        "scenario": subject.scenario, "cell": subject.cell, "hypothesis": subject.hypothesis, "look": look, "metric": metric,
        "estimate": e.value, "mcse": e.mcse, "ci_low": e.low, "ci_high": e.high,
        "n_requested": requested, "n_analysed": analysed, "n_failed": failed, "unit": unit, "definition": DEFINITIONS[metric],
    }  # fmt: skip
