"""Baseline covariates: marginals of Table 1, dependence on the outcome of Table 2 through its odds ratios.

A covariate depends on a patient's fate (a failure sooner or later, or cured) and on nothing else. Table 2 prints it by
outcome at the cut, when some who will fail have not yet failed: the shares by fate are solved from that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.benchmark import Figure
from sim.calibration.study import Counts
from sim.later import later
from sim.types import Array

brentq = later("scipy.optimize", "brentq")


@dataclass(frozen=True)
class Level:
    """A level of a covariate: its printed share of all (figure id), and by outcome (ongoing, failure), if printed.

    odds_ratio : failure against ongoing, where Table 2 prints no share for the level
    """

    name: str
    marginal: str
    ongoing: str | None = None
    failure: str | None = None
    odds_ratio: float = 1.0
    code: float = math.nan


@dataclass(frozen=True)
class Covariate:
    """A covariate, its levels, and what the patients in none of them are called (`unknown` or another level).

    known_only : Table 2 gives shares of the known
    trend : odds of failure per unit of `code`, where Table 2 prints no share of any level
    """

    label: str
    levels: tuple[Level, ...]
    rest: str = "unknown"
    known_only: bool = False
    trend: float = 1.0


# Table 2 prints only the medians of prior lines, 2 and 3: the odds of failure rise by this factor per category, which
# gives those medians and the published hazard ratio per category (1.47, infusion to progression or death).
LINES_TREND = 1.85
COVARIATES: dict[str, Covariate] = {
    "sex": Covariate("Sex", (Level("male", "male", None, None, (1 - 0.398) * 0.417 / (0.398 * (1 - 0.417))),), rest="female"),
    "ecog": Covariate("ECOG performance status", (Level("0-1", "ecog_0_1"), Level("2", "ecog_2"), Level("3-4", "ecog_3_4"))),
    "histology": Covariate(
        "Histology",
        (
            Level("de novo DLBCL", "hist_denovo_dlbcl", "t2_dlbcl_ongoing", "t2_dlbcl_fail"),
            Level("transformed follicular", "hist_tfl", "t2_tfl_ongoing", "t2_tfl_fail"),
            Level("Richter", "hist_richter", "t2_richter_ongoing", "t2_richter_fail"),
        ),
        rest="other",
    ),
    "lines": Covariate(
        "Prior lines of therapy",
        (
            Level("1", "lines_1", code=1),
            Level("2", "lines_2", code=2),
            Level("3-4", "lines_3_4", code=3),
            Level("5-6", "lines_5_6", code=4),
        ),
        trend=LINES_TREND,
    ),
    "ipi": Covariate(
        "IPI",
        (
            Level("0-1", "ipi_0_1", "t2_ipi01_ongoing", "t2_ipi01_fail", code=1),
            Level("2", "ipi_2", "t2_ipi23_ongoing", "t2_ipi23_fail", code=2),
            Level("3", "ipi_3", "t2_ipi23_ongoing", "t2_ipi23_fail", code=3),
            Level("4-5", "ipi_4_5", "t2_ipi45_ongoing", "t2_ipi45_fail", code=4),
        ),
        known_only=True,
    ),
    "ldh": Covariate(
        "LDH", (Level("elevated", "ldh_elev", "t2_ldh_ongoing", "t2_ldh_fail", code=1), Level("normal", "ldh_normal", code=0))
    ),
    "stage": Covariate("Stage", (Level("1-2", "stage_1_2", code=0), Level("3-4", "stage_3_4", code=1))),
    "cell_of_origin": Covariate(
        "Cell of origin", (Level("GCB", "coo_gcb", odds_ratio=0.82, code=0), Level("non-GCB", "coo_nongcb", odds_ratio=1.2, code=1))
    ),
    "dhde": Covariate(
        "Double hit or double expressor",
        (
            Level("double hit", "dh", "t2_dh_ongoing", "t2_dh_fail", code=1),
            Level("double expressor", "de", "t2_de_ongoing", "t2_de_fail", code=1),
            Level("neither", "dhde_none", "t2_dhde_none_ongoing", "t2_dhde_none_fail", code=0),
        ),
    ),
    "prior_autologous_hct": Covariate(
        "Prior autologous HCT", (Level("yes", "prior_auto", "t2_auto_prior_ongoing", "t2_auto_prior_fail", code=0),), rest="no"
    ),
    "cns": Covariate("CNS involvement", (Level("yes", "cns_yes", "t2_cns_ongoing", "t2_cns_fail", code=1), Level("no", "cns_no", code=0))),
    "product": Covariate(
        "CAR-T product",
        (
            Level("axi-cel", "car_axi", "t2_axi_ongoing", "t2_axi_fail", code=0),
            Level("tisa-cel", "car_tisa", "t2_tisa_ongoing", "t2_tisa_fail", code=1),
            Level("liso-cel", "car_liso", "t2_liso_ongoing", "t2_liso_fail"),
        ),
    ),
    "cart_on_trial": Covariate("CAR-T given on a trial", (Level("yes", "cart_on_trial"),), rest="no"),
    "extranodal": Covariate("Extranodal disease", (Level("yes", "", "t2_extranodal_ongoing", "t2_extranodal_fail", code=1),), rest="no"),
    "crs": Covariate("Cytokine release syndrome", (Level("any", "", "t2_crs_ongoing", "t2_crs_fail"),), rest="none"),
    "icans": Covariate("Neurotoxicity (ICANS)", (Level("any", "", "t2_icans_ongoing", "t2_icans_fail"),), rest="none"),
    "tocilizumab": Covariate("Tocilizumab given", (Level("yes", "", "t2_toci_ongoing", "t2_toci_fail"),), rest="no"),
    "steroids": Covariate("Steroids given", (Level("yes", "", "t2_steroid_ongoing", "t2_steroid_fail"),), rest="no"),
}


@dataclass(frozen=True, eq=False)
class Shares:
    """P(level | cured, fails) of one covariate: float64[2, levels + 1], the last level being the rest."""

    names: tuple[str, ...]
    by_fate: Array


@dataclass(frozen=True)
class Outcome:
    """Shares of the study at its cut: failed by then, and among the ongoing those who are cured."""

    failed: float
    cured_given_ongoing: float

    def mix(self, by_fate: Array) -> tuple[Array, Array]:
        """Return P(level | ongoing at the cut), P(level | failed by the cut), rows of `by_fate` being cured and fails."""
        return self.cured_given_ongoing * by_fate[0] + (1 - self.cured_given_ongoing) * by_fate[1], by_fate[1]


def _by_outcome(marginal: float, odds_ratio: float, failed: float) -> tuple[float, float]:
    """Return (ongoing, failure) shares with this odds ratio whose mix is `marginal`."""
    if marginal <= 0 or odds_ratio == 1:
        return marginal, marginal

    def failure(ongoing: float) -> float:
        odds = odds_ratio * ongoing / (1 - ongoing)
        return odds / (1 + odds)

    ongoing = float(brentq(lambda x: failed * failure(x) + (1 - failed) * x - marginal, 1e-9, 1 - 1e-9, xtol=1e-15))
    return ongoing, failure(ongoing)


def _trend(covariate: Covariate, figures: Mapping[str, Figure], failed: float) -> tuple[Array, Array]:
    """Return (ongoing, failure) shares of levels whose odds of failure rise by `trend` per code, mixed to the marginals."""
    marginal = np.array([figures[k.marginal].target / 100 for k in covariate.levels])
    slope = np.log(covariate.trend) * np.array([k.code for k in covariate.levels])

    def failing(a: float) -> Array:
        out: Array = 1 / (1 + np.exp(-(a + slope)))
        return out

    a = float(brentq(lambda a: float(marginal @ failing(a)) / marginal.sum() - failed, -20.0, 20.0, xtol=1e-14))
    return marginal * (1 - failing(a)) / (1 - failed), marginal * failing(a) / failed


def shares(name: str, figures: Mapping[str, Figure], counts: Counts, outcome: Outcome) -> Shares:
    """Return the shares of a covariate's levels by fate, solved from the printed marginal and odds ratio of each level."""
    covariate, failed = COVARIATES[name], counts.failures / counts.infused
    rows = []
    for level in covariate.levels:
        o, f = (figures[i].target / 100 if i else math.nan for i in (level.ongoing, level.failure))
        printed = not math.isnan(o)
        ratio = f * (1 - o) / ((1 - f) * o) if printed and o > 0 and f > 0 else level.odds_ratio
        marginal = figures[level.marginal].target / 100 if level.marginal else failed * f + (1 - failed) * o
        rows.append(_by_outcome(marginal, ratio, failed))
    ongoing, failure = np.array(rows).T
    if covariate.trend != 1:
        ongoing, failure = _trend(covariate, figures, failed)
    if covariate.known_only:  # odds ratios are among the known: keep the share known the same in both outcomes
        known = float(sum(figures[k.marginal].target for k in covariate.levels)) / 100
        ongoing, failure = ongoing * known / ongoing.sum(), failure * known / failure.sum()
    cured = (ongoing - (1 - outcome.cured_given_ongoing) * failure) / outcome.cured_given_ongoing
    by_fate = np.clip(np.array([cured, failure]), 0.0, 1.0)
    by_fate /= np.maximum(by_fate.sum(axis=1, keepdims=True), 1.0)
    rest = np.clip(1 - by_fate.sum(axis=1, keepdims=True), 0.0, 1.0)
    return Shares((*(k.name for k in covariate.levels), covariate.rest), np.hstack([by_fate, rest]))


def from_marks(marks: Mapping[str, Any], name: str) -> Shares:
    """Return the shares of a covariate's levels by fate from a parameter file's `marks`."""
    row = marks["covariates"][name]
    return Shares(tuple(row["levels"]), np.array([row["cured"], row["fails"]], dtype=float))
