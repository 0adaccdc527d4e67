"""What the authors would have measured, figure by figure: deterministic expectations of the model, in the figure's unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sim.benchmark import Benchmark, Figure
from sim.population import cart_response, covariates, study
from sim.population.cox_limit import cox_limit
from sim.population.multi_state import (
    Infusion,
    Progression,
    after_allo,
    averages,
    convolve,
    fate_shares,
    from_infusion,
    grid,
    os_from_progression_average,
    treated_pfs,
)
from sim.population.parameters import Parameters
from sim.types import Array

STATED_END = 100.0
# Printed beside the figures: follow-up of the transplanted, median 25.3 months (range 9.5-35.2); taken as uniform.
ALLO_FOLLOWUP = (9.5, 35.2)


@dataclass(frozen=True, eq=False)
class Study:
    """The model seen through the study: its cells, its follow-up and its curves on one grid."""

    figures: Mapping[str, Figure]
    followup: Mapping[str, Any]
    parameters: Parameters

    @cached_property
    def t(self) -> Array:
        return grid(0.02, STATED_END)

    @cached_property
    def follow(self) -> Array:
        return study.followup_survival(self.followup, self.t)

    @cached_property
    def counts(self) -> study.Counts:
        return study.counts(self.figures, self.parameters.denominator)

    @cached_property
    def groups(self) -> tuple[Progression, Progression]:
        return study.groups(self.parameters, self.t)

    @cached_property
    def infusion(self) -> Infusion:
        r, o = self.groups
        averaged = [os_from_progression_average(self.parameters, g, x) for g, x in ((0, r), (1, o))]
        return from_infusion(self.parameters, (r.os, averaged[0]), (o.os, averaged[1]), self.t)

    @cached_property
    def before(self) -> dict[str, float]:
        return study.expected_before(self.parameters, self.counts, self.t, self.follow)

    @cached_property
    def after(self) -> dict[str, float]:
        return study.expected_after(self.parameters, self.counts, self.t)

    @cached_property
    def fates(self) -> tuple[float, float, float, float]:
        """Shares of fates among the infused: refractory, late, death without progression, cured."""
        p = self.parameters
        r, o, n, c = p.bridged * fate_shares(p)[0] + (1 - p.bridged) * fate_shares(p)[1]
        return float(r), float(o), float(n), float(c)

    @cached_property
    def failed(self) -> float:
        """Expected number failed (progression or death) by the cut."""
        return self.before["d30ref_n"] + self.before["d30oth_n"] + self.before["nrm_n"]

    @cached_property
    def outcome(self) -> covariates.Outcome:
        n = self.counts.infused
        ongoing = n - self.failed
        background = 1 - self.infusion.background
        cured = n * self.fates[3] * (1 - study.observed(background, self.follow)[-1])
        return covariates.Outcome(self.failed / n, float(min(cured / ongoing, 1.0)))


def achieved(benchmark: Benchmark, parameters: Parameters) -> dict[str, float]:
    """Return the model's value of every figure that it speaks to, in the figure's unit (per cent for shares)."""
    s = Study(benchmark.read(), benchmark.followup, parameters)
    return {**_infusion(s), **_treatment(s), **_regimens(s), **_allo(s), **_response(s), **_baseline(s), **_hazard_ratios(s)}


def _infusion(s: Study) -> dict[str, float]:
    p, b, n, t = s.parameters, s.before, s.counts.infused, s.t
    os = p.bridged * s.infusion.os[0] + (1 - p.bridged) * s.infusion.os[1]
    fu = study.median(s.follow, t)
    return {
        "bt_any": 100 * p.bridged,
        "cart_pfs_median": b["cart_pfs_median"],
        "bt_pfs_median": b["bt_pfs_median"],
        "nobt_pfs_median": b["nobt_pfs_median"],
        "cart_os_median": study.median(os, t),
        "bt_os_median": study.median(s.infusion.os[0], t),
        "nobt_os_median": study.median(s.infusion.os[1], t),
        "failure_n": 100 * s.failed / n,
        "ongoing_n": 100 - 100 * s.failed / n,
        "progressed_n": b["d30ref_n"] + b["d30oth_n"],
        "nrm_n": 100 * b["nrm_n"] / n,
        "late_relapse_all": 100 * b["late_relapse_n"] / n,
        "late_relapse_responders": 100 * b["late_relapse_n"] / (s.figures["cart_orr"].target / 100 * n),
        "late_relapse_progressed": 100 * b["late_relapse_n"] / (b["d30ref_n"] + b["d30oth_n"]),
        "fu_from_infusion_median": fu,
        "d30ref_share": 100 * b["d30ref_n"] / s.failed,
        "t2_bt_ongoing": 100 * p.bridged * n * (1 - b["bt_failed"]) / (n - s.failed),
        "t2_bt_fail": 100 * p.bridged * n * b["bt_failed"] / s.failed,
    }


def _treatment(s: Study) -> dict[str, float]:
    p, b, a, c = s.parameters, s.before, s.after, s.counts
    seen = [a * share for a, share in zip(study.started_by_cut(p, s.t, s.follow), p.treated, strict=True)]
    treated = b["d30ref_n"] * seen[0] + b["d30oth_n"] * seen[1]
    others, all_failures = b["d30oth_n"] + b["nrm_n"], s.failed
    if p.denominator == "failures":  # every failure, deaths without progression included, has a course after it
        treated = b["d30ref_n"] * seen[0] + others * seen[1]
    share_other = 100 * (treated - b["d30ref_n"] * seen[0]) / others
    trial = [100 * x for x in p.marks["first_line_on_trial"]]
    start = _infusion_to_start(s)
    weights = c.weights
    os_u = (
        weights[0] * (1 - p.treated_refractory) * s.groups[0].os_untreated + weights[1] * (1 - p.treated_other) * s.groups[1].os_untreated
    )
    names = ("failure_os_median", "treated_pfs_median", "treated_os_median", "d30ref_os_median", "d30oth_os_median")
    return {
        **{k: a[k] for k in names},
        "untreated_os_median": study.median(os_u / os_u[0], s.t),
        "treated_share": 100 * treated / all_failures,
        "treated_share_of_progressed": 100 * treated / (b["d30ref_n"] + b["d30oth_n"]),
        "d30ref_treated": 100 * seen[0],
        "d30oth_treated": share_other,
        "ttp_treated_median_days": b["ttp_treated_median_days"],
        "ttp_untreated_median_days": b["ttp_untreated_median_days"],
        "ttp_soc_median_days": b["ttp_treated_median_days"],
        "ttp_trial_median_days": b["ttp_treated_median_days"],
        "inf_to_tx_polalen_median_days": start,
        "inf_to_tx_other_median_days": start,
        "d30ref_trial": trial[0],
        "d30oth_trial": trial[1],
        "first_line_on_trial": float(c.treated_weights @ trial),
        "second_line_n": 100 * p.second_line_share * progressed_by_cut(s),
    }


def _infusion_to_start(s: Study) -> float:
    """Median days from infusion to first line among patients whose start was observed by the cut."""
    total = np.zeros_like(s.t)
    for g, to_progression in enumerate((s.infusion.refractory, s.infusion.late)):
        started = convolve(to_progression, averages(s.groups[g].started))
        seen = study.observed(started, s.follow)
        total += s.counts.treated_weights[g] * seen / seen[-1]
    return study.median(1 - total, s.t) * study.DAYS


def progressed_by_cut(s: Study) -> float:
    """Return P(progressed on first line, alive, by the cut | start of first line seen by the cut)."""
    total = 0.0
    for g, to_progression in enumerate((s.infusion.refractory, s.infusion.late)):
        started = convolve(to_progression, averages(s.groups[g].started))
        progressed = convolve(started, averages(s.groups[g].first_line.progressed))
        total += float(s.counts.treated_weights[g]) * study.observed(progressed, s.follow)[-1] / study.observed(started, s.follow)[-1]
    return total


def _regimens(s: Study) -> dict[str, float]:
    p, a = s.parameters, s.after
    total = sum(k.patients for k in p.regimens)
    by_name = {k.name: k for k in p.regimens}
    out = {f"use_{k}": 100 * by_name[k].patients / total for k in ("rt", "len", "polabr", "cpi", "chemo")}
    out["use_named5"] = sum(out.values())
    for k in ("polabr", "len", "bispecific", "ibrutinib", "chemo"):
        out[f"orr1_{k}"] = 100 * by_name[k].response
        out[f"cr1_{k}"] = 100 * by_name[k].complete_response
    del out["cr1_chemo"]
    out |= {f"pfs1_{k}_median": a[f"pfs1_{k}_median"] for k in ("polabr", "bispecific", "cpi", "chemo")}
    weights, response = study.mix_weights(p)
    keep = np.array([0.0 if k.name == "chemo" else 1.0 for k in p.regimens]) * weights
    both = [treated_pfs(p, g, keep / keep.sum(), response, s.t) for g in (0, 1)]
    return out | {"pfs1_nonchemo_median": study.median(s.counts.treated_weights @ np.array(both), s.t)}


def _allo(s: Study) -> dict[str, float]:
    p, t, wt = s.parameters, s.t, s.counts.treated_weights
    first = [g.first_line for g in s.groups]
    response, later = (float(wt @ [x[0], x[1]]) for x in ([f.allo[-1] for f in first], [f.allo_after[-1] for f in first]))
    os = after_allo(p, t)
    pfs = p.allo_cured + (1 - p.allo_cured) * np.exp(-p.allo_relapse_rate * t)

    def at_one_year(curve: Array) -> float:
        return 100 * float(np.interp(12.0, t, curve))

    window = (t >= ALLO_FOLLOWUP[0]) & (t <= ALLO_FOLLOWUP[1])
    free, alive = 100 * float(pfs[window].mean()), 100 * float(os[window].mean())
    seen = study.started_by_cut(p, t, s.follow)
    treated = s.before["d30ref_n"] * p.treated_refractory * seen[0] + s.before["d30oth_n"] * p.treated_other * seen[1]
    return {
        "allo_of_treated": 100 * (response + later),
        "allo_of_failure": 100 * (response + later) * treated / s.failed,
        "allo_in_cr": 100 * response / (response + later),
        "allo_pfs_1y": at_one_year(pfs),
        "allo_os_1y": at_one_year(os),
        "allo_pfs_median": study.median(pfs, t),
        "allo_os_median": study.median(os, t),
        "allo_alive_pf": free,
        "allo_alive_after_pd": alive - free,
        "allo_dead": 100 - alive,
    }


def _response(s: Study) -> dict[str, float]:
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


def _baseline(s: Study) -> dict[str, float]:
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


def _hazard_ratios(s: Study) -> dict[str, float]:
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
