"""What the authors would have tabulated of response to CAR-T, baseline covariates and regressions on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sim.benchmark import Figure
from sim.calibration import cart_response, covariates
from sim.calibration.study import Counts
from sim.effect.cox_limit import cox_limit
from sim.population.multi_state import Infusion
from sim.types import Array


class Marked(Protocol):
    """What these figures need of a model's parameters."""

    @property
    def bridged(self) -> float: ...
    @property
    def marks(self) -> Mapping[str, Any]: ...


class Study(Protocol):
    """What these figures need of a model seen through a study, whichever model it is."""

    @property
    def parameters(self) -> Marked: ...
    @property
    def figures(self) -> Mapping[str, Figure]: ...
    @property
    def counts(self) -> Counts: ...
    @property
    def follow(self) -> Array: ...
    @property
    def fates(self) -> tuple[float, float, float, float]: ...
    @property
    def outcome(self) -> covariates.Outcome: ...
    @property
    def infusion(self) -> Infusion: ...


def response(s: Study) -> dict[str, float]:
    marks = cart_response.from_marks(s.parameters.marks)
    orr, cr = marks.overall(s.fates)
    product = covariates.from_marks(s.parameters.marks, "product")
    out = {"cart_orr": 100 * orr, "cart_cr": 100 * cr}
    r, o, n, c = s.fates
    for i, name in enumerate(("axi", "tisa", "liso")):
        cured, fails = product.by_fate[:, i]
        total = cured * c + fails * (r + o + n)
        got = marks.overall((fails * r / total, fails * o / total, fails * n / total, cured * c / total))
        out |= {f"{name}_orr": 100 * got[0], f"{name}_cr": 100 * got[1]}
    stable, recovered = r * marks.stable_refractory, c * marks.stable_cured
    partial = orr - cr
    converted, later = cr * marks.partial_to_complete, cr * cart_response.LATER_CONVERSIONS
    return out | {
        "d30_sd_n": s.counts.infused * (stable + recovered),
        "d30_sd_to_cr": 100 * recovered / (stable + recovered),
        "d30_pr_to_cr": 100 * converted / (converted + later + partial),
        "cd19_loss": 100 * s.parameters.marks["cd19_loss"],
        "cd19_no_loss": 100 - 100 * s.parameters.marks["cd19_loss"],
    }


def trial(shares: Sequence[float], treated: Array) -> dict[str, float]:
    """Return the shares given first line on a trial, per cent; treated : float64[2], day-30 groups among the treated."""
    each = [100 * float(x) for x in shares]
    return {"d30ref_trial": each[0], "d30oth_trial": each[1], "first_line_on_trial": float(treated[0] * each[0] + treated[1] * each[1])}


def baseline(s: Study) -> dict[str, float]:
    out: dict[str, float] = {}
    fails = 1 - s.fates[3]
    for name, covariate in covariates.COVARIATES.items():
        x = covariates.from_marks(s.parameters.marks, name)
        everyone = s.fates[3] * x.by_fate[0] + fails * x.by_fate[1]
        ongoing, failure = s.outcome.mix(x.by_fate)
        known = [1 - v[-1] if covariate.known_only else 1.0 for v in (ongoing, failure)]
        for level in {k.ongoing for k in covariate.levels if k.ongoing}:
            members = [i for i, k in enumerate(covariate.levels) if k.ongoing == level]
            out[level] = 100 * float(sum(ongoing[i] for i in members)) / known[0]
            out[str(covariate.levels[members[0]].failure)] = 100 * float(sum(failure[i] for i in members)) / known[1]
        out |= {k.marginal: 100 * float(everyone[i]) for i, k in enumerate(covariate.levels) if k.marginal}
        _derived(name, x, everyone, ongoing, failure, out)
    return out


def _derived(name: str, x: covariates.Shares, everyone: Array, ongoing: Array, failure: Array, out: dict[str, float]) -> None:
    rest = 100 * float(everyone[-1])
    if name == "sex":
        out |= {"t2_female_ongoing": 100 * float(ongoing[-1]), "t2_female_fail": 100 * float(failure[-1])}
    if name in ("lines", "ipi"):
        out[f"{name}_unknown"] = rest
    if name == "lines":
        out["lines_ge2"] = 100 * float(everyone[1:4].sum())
    if name == "ecog":
        out["ecog_0_1_known"] = 100 * float(everyone[0] / everyone[:3].sum())
    if name == "ipi":
        out["ipi_ge3_known"] = 100 * float(everyone[2:4].sum() / everyone[:4].sum())
    if name == "ldh":
        out["ldh_elev_known"] = 100 * float(everyone[0] / everyone[:2].sum())
    if name == "prior_autologous_hct":
        out["no_prior_auto"] = rest
    if name == "cart_on_trial":
        out["cart_not_on_trial"] = rest
    if name == "dhde":
        out |= {"t2_dhde_unknown_ongoing": 100 * float(ongoing[-1]), "t2_dhde_unknown_fail": 100 * float(failure[-1])}
    if name == "cell_of_origin":
        for i, level in enumerate(("gcb", "nongcb")):
            out |= {
                f"t2_{level}_ongoing": 100 * float(ongoing[i] / ongoing[:2].sum()),
                f"t2_{level}_fail": 100 * float(failure[i] / failure[:2].sum()),
            }


# figure: (endpoint, covariate, levels left out of the fit)
_REGRESSIONS = {
    "hr_pfs_all_female": ("pfs", "sex"),
    "hr_pfs_all_ldh": ("pfs", "ldh"),
    "hr_pfs_all_ipi": ("pfs", "ipi"),
    "hr_pfs_all_stage": ("pfs", "stage"),
    "hr_pfs_all_nongcb": ("pfs", "cell_of_origin"),
    "hr_pfs_all_cns": ("pfs", "cns"),
    "hr_pfs_all_auto": ("pfs", "prior_autologous_hct"),
    "hr_pfs_all_lines": ("pfs", "lines"),
    "hr_pfs_all_axi_vs_tisa": ("pfs", "product"),
    "hr_os_all_ipi": ("os", "ipi"),
    "hr_os_all_lines": ("os", "lines"),
}


def hazard_ratios(s: Study) -> dict[str, float]:
    p = s.parameters
    w = np.array([p.bridged, 1 - p.bridged])
    codes = np.array([1.0, 0.0])
    out = {
        "hr_pfs_all_bt": cox_limit(np.array(s.infusion.pfs), w, codes, s.follow),
        "hr_os_all_bt": cox_limit(np.array(s.infusion.os), w, codes, s.follow),
    }
    c = s.fates[3]
    cured = s.infusion.background
    for figure, (endpoint, name) in _REGRESSIONS.items():
        everyone = w @ np.array(s.infusion.pfs if endpoint == "pfs" else s.infusion.os)
        fails = (everyone - c * cured) / (1 - c)
        out[figure] = _covariate_limit(s, name, fails, cured)
    return out


def _covariate_limit(s: Study, name: str, fails: Array, cured: Array) -> float:
    covariate = covariates.COVARIATES[name]
    x = covariates.from_marks(s.parameters.marks, name)
    codes = np.array([k.code for k in covariate.levels] + [np.nan])
    if name == "sex":
        codes = np.array([0.0, 1.0])
    if name == "prior_autologous_hct":
        codes = np.array([1.0, 0.0])
    weights = np.array([s.fates[3] * x.by_fate[0], (1 - s.fates[3]) * x.by_fate[1]])
    total = weights.sum(axis=0)
    keep = ~np.isnan(codes) & (total > 0)
    curves = (weights[0][:, None] * cured + weights[1][:, None] * fails)[keep] / total[keep][:, None]
    return cox_limit(curves, total[keep] / total[keep].sum(), codes[keep], s.follow)
