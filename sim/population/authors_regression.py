"""The authors' regression after failure: what a Cox hazard ratio of a prognostic covariate tends to in their patients and follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from sim.benchmark import zurko2023
from sim.effect.cox_limit import cox_limit
from sim.later import later
from sim.population.multi_state import averages, grid, time_distributions, treated_pfs
from sim.population.parameters import Parameters, mix_weights, response_by_class
from sim.types import Array

fftconvolve = later("scipy.signal", "fftconvolve")


def followup_survival(followup: Mapping[str, Any], t: Array) -> Array:
    """Return P(administrative cut later than t), time from infusion: uniform on each piece."""
    left = 1 - np.concatenate([[0.0], np.cumsum(followup["shares"])])
    out: Array = np.interp(t, [0.0, *followup["breaks"]], [1.0, *left])
    return out


@dataclass(frozen=True, eq=False)
class Regression:
    """Who was regressed, and how long they were followed.

    t : float64[k], months; treated : float64[2], day-30 groups among the treated; follow : float64[k], P(cut later than t), from infusion
    """

    t: Array
    treated: Array
    follow: Array

    def limits(self, p: Parameters, shares: Mapping[str, Array]) -> dict[str, float]:
        """Return the limit of the Cox estimate of each covariate: PFS from progression of the treated, covariate known.

        p : with prognostic classes; shares : name -> float64[3], of reference, exposed and unknown, in the order of the classes

        Notes
        -----
        Nearer to 1 than the effect on a patient's own rate: nobody progresses while waiting, durable responders are spared, and the
        other covariate is a frailty here (its joint distribution is taken as independent, so it does not confound).
        """
        watched = self._from_progression(p)
        out = {}
        for axis, (name, share) in enumerate(shares.items()):
            curves = np.array([self._pfs(p, axis, kind) for kind in (0, 1)])
            out[name] = cox_limit(curves, share[:2] / share[:2].sum(), np.array([0.0, 1.0]), watched)
        return out

    def _pfs(self, p: Parameters, axis: int, kind: int) -> Array:
        """PFS from progression of the treated whose covariate number `axis` is of one kind."""
        mine = [i for i in range(len(p.exit_classes)) if (i // 3, i % 3)[axis] == kind]
        own = np.array([p.exit_classes[i][0] for i in mine])
        own /= own.sum()
        given = replace(p, exit_classes=tuple((float(w), *p.exit_classes[i][1:]) for w, i in zip(own, mine, strict=True)))
        weights, published = mix_weights(p)
        response = np.sum(own[:, None] * response_by_class(p, published)[mine], axis=0)
        both = [treated_pfs(given, g, weights, response, self.t) for g in (0, 1)]
        out: Array = self.treated[0] * both[0] + self.treated[1] * both[1]
        return out

    def _from_progression(self, p: Parameters) -> Array:
        """P(cut later than t after progression | progression seen by the cut), among the treated."""
        refractory, late, _ = time_distributions(p, self.t)
        mass = np.diff(self.treated[0] * refractory + self.treated[1] * late)
        cut = np.concatenate([self.follow, np.zeros(len(mass))])
        later = fftconvolve(averages(cut), mass[::-1])[len(mass) - 1 :][: len(self.t)]
        out: Array = np.clip(later / later[0], 0.0, 1.0)
        return out


@cache
def published_regression() -> Regression:
    """Return the regression of the shipped benchmark."""
    benchmark = zurko2023()
    figures, t = benchmark.read(), grid(0.1, 100.0)
    treated = np.array([float(figures[name].numerator or 0) for name in ("d30ref_treated", "d30oth_treated")])
    return Regression(t, treated / treated.sum(), followup_survival(benchmark.followup, t))
