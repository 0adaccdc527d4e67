"""Everything a report shows, as tables and words: the report reads a story and draws, it never simulates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sim.design.facts import DesignFacts
from sim.types import Assumption, InputError

OC_COLUMNS = (
    "scenario", "cell", "hypothesis", "look", "metric", "estimate", "mcse", "ci_low", "ci_high",
    "n_requested", "n_analysed", "n_failed", "unit", "definition",
)  # fmt: skip
POWER_CURVE_COLUMNS = ("cell", "n", "power", "mcse", "ci_low", "ci_high", "n_analysed")
CALIBRATION_COLUMNS = (
    "id",
    "role",
    "population",
    "quantity",
    "published",
    "ci_low",
    "ci_high",
    "achieved",
    "difference_se",
    "verdict",
    "reason",
    "fit",
)
COHORT_COLUMNS = ("group", "time", "event", "endpoint")
OCCUPANCY_COLUMNS = ("time_zero", "group", "kind", "name", "label", "month", "probability")
LANDMARK_COLUMNS = ("time_zero", "group", "endpoint", "month", "survival", "further_median")
MEDIAN_COLUMNS = ("endpoint", "group", "median", "ci_low", "ci_high", "id")


@dataclass(frozen=True)
class CellStory:
    """One design on one population: its name, the lines that describe it to a reader, and its facts as data.

    Parameters
    ----------
    name : str, the `cell` of the tables
    design : lines on what is done: test, decision rule, sample size, analyses
    assumptions : lines on what is believed: population, accrual, dropout, effect
    facts : what the design is; whatever the report concludes of it is read here, never in the lines. None: nothing is known

    Examples
    --------
    >>> CellStory("phase 2", [], [], facts=DesignFacts("single arm", 1, "PFS", 60, 0.025, 1)).without_control
    True
    """

    name: str
    design: Sequence[Assumption]
    assumptions: Sequence[Assumption]
    facts: DesignFacts | None = None

    @property
    def alpha(self) -> float | None:
        """One-sided level that the type I error is held against."""
        return None if self.facts is None else self.facts.alpha

    @property
    def without_control(self) -> bool:
        """Whether this is progression-free or overall survival in a single arm: a decision tool, no evidence of efficacy."""
        return self.facts is not None and self.facts.decision_tool_only


@dataclass(frozen=True, eq=False)
class Story:
    """Hold the tables and the words of one report.

    Parameters
    ----------
    title, question : str
    answer_lines : plain sentences with numbers and their errors, the most important first
    cells : what was compared
    operating_characteristics : one row per cell, hypothesis, look and metric (`OC_COLUMNS`); None when none were computed
    power_curve : power by number of patients (`POWER_CURVE_COLUMNS`; constant in a cell, where known: target_power, n_required, n_low, n_high)
    calibration : published against achieved (`CALIBRATION_COLUMNS`)
    cohort : simulated patients for Kaplan-Meier curves (`COHORT_COLUMNS`; time in months, event 1 = happened)
    published_medians : what is marked on those curves (`MEDIAN_COLUMNS`; months)
    limitations, citations : one sentence, one source each
    provenance : what `sim.provenance.collect` returned
    not_applicable : requirement id -> why it does not apply to this run (see `sim.report.requirements`)
    occupancy : the model's states and events over time (`OCCUPANCY_COLUMNS`; kind state or event, exact)
    landmarks : the model's survival at landmarks (`LANDMARK_COLUMNS`; months, exact)

    Raises
    ------
    InputError : when a table lacks a column
    """

    title: str
    question: str
    answer_lines: Sequence[str]
    cells: Sequence[CellStory]
    operating_characteristics: pd.DataFrame | None
    power_curve: pd.DataFrame | None = None
    calibration: pd.DataFrame | None = None
    cohort: pd.DataFrame | None = None
    published_medians: pd.DataFrame | None = None
    limitations: Sequence[str] = ()
    citations: Sequence[str] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    occupancy: pd.DataFrame | None = None
    landmarks: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for name, columns in (
            ("operating_characteristics", OC_COLUMNS),
            ("power_curve", POWER_CURVE_COLUMNS),
            ("calibration", CALIBRATION_COLUMNS),
            ("cohort", COHORT_COLUMNS),
            ("published_medians", MEDIAN_COLUMNS),
            ("occupancy", OCCUPANCY_COLUMNS),
            ("landmarks", LANDMARK_COLUMNS),
        ):
            table = getattr(self, name)
            missing = [] if table is None else [c for c in columns if c not in table.columns]
            if missing:
                raise InputError(f"report: table {name} lacks {', '.join(missing)}; allowed: a table with the columns {', '.join(columns)}")


def filled(table: pd.DataFrame | None) -> bool:
    """Return whether a table is there and has rows."""
    return table is not None and len(table) > 0
