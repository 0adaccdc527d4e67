"""Hazard ratios of prognostic covariates after failure as a Cox regression would find them, with the effects switched on."""

from __future__ import annotations

import math

from sim.calibration.study_view import Study
from sim.population.authors_regression import Regression
from sim.population.prognostic import kinds_of, with_prognosis

FIGURES = {"lines": "hr_pfs_fail_gt2_lines", "dhde": "hr_pfs_fail_dhde"}


def after_failure(s: Study) -> dict[str, float]:
    """Return the limit of the Cox estimate of each effect in the study at hand; keys are those of the figures."""
    p = with_prognosis(s.parameters, math.inf)
    found = Regression(s.t, s.counts.treated_weights, s.follow).limits(p, kinds_of(p.marks))
    return {FIGURES[name]: value for name, value in found.items()}
