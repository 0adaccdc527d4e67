"""Hazard ratios of prognostic covariates after failure as a Cox regression would find them, with the effects switched on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sim.calibration.cox_limit import cox_limit
from sim.calibration.study_view import Study
from sim.later import later
from sim.population.multi_state import averages, time_distributions, treated_pfs
from sim.population.parameters import Parameters, mix_weights
from sim.population.prognostic import EFFECTS, shares, with_prognosis
from sim.types import Array

fftconvolve = later("scipy.signal", "fftconvolve")

FIGURES = {"lines": "hr_pfs_fail_gt2_lines", "dhde": "hr_pfs_fail_dhde"}


def after_failure(s: Study) -> dict[str, float]:
    """Return the limit of the Cox estimate of each effect: PFS from progression of the treated, covariate known.

    Notes
    -----
    Below the effect on a patient's own rate: nobody progresses while waiting, durable responders are spared, and the
    other covariate is a frailty here (its joint distribution is taken as independent, so it does not confound).
    """
    p = with_prognosis(s.parameters, math.inf)
    follow = _from_progression(s)
    out = {}
    for axis, name in enumerate(EFFECTS):
        w = shares(p.marks, name)[:2]
        curves = np.array([_pfs(s, p, axis, kind) for kind in (0, 1)])
        out[FIGURES[name]] = cox_limit(curves, w / w.sum(), np.array([0.0, 1.0]), follow)
    return out


def _pfs(s: Study, p: Parameters, axis: int, kind: int) -> Array:
    """PFS from progression of the treated whose covariate number `axis` is of one kind."""
    mine = [x for i, x in enumerate(p.exit_classes) if (i // 3, i % 3)[axis] == kind]
    total = sum(w for w, *_ in mine)
    given = replace(p, exit_classes=tuple((w / total, none, responds) for w, none, responds in mine))
    weights, response = mix_weights(p)
    both = np.array([treated_pfs(given, g, weights, response, s.t) for g in (0, 1)])
    out: Array = s.counts.treated_weights @ both
    return out


def _from_progression(s: Study) -> Array:
    """P(cut later than t after progression | progression seen by the cut), among the treated."""
    refractory, late, _ = time_distributions(s.parameters, s.t)
    mass = np.diff(s.counts.treated_weights @ np.array([refractory, late]))
    cut = np.concatenate([s.follow, np.zeros(len(mass))])
    later = fftconvolve(averages(cut), mass[::-1])[len(mass) - 1 :][: len(s.t)]
    out: Array = np.clip(later / later[0], 0.0, 1.0)
    return out
