"""What the authors would have measured, figure by figure: deterministic expectations of the model, in the figure's unit."""

from __future__ import annotations

import numpy as np

from sim.benchmark import Benchmark
from sim.calibration import baseline_measures, study
from sim.calibration.study_view import Study
from sim.population.multi_state import (
    after_allo,
    averages,
    convolve,
    treated_pfs,
)
from sim.population.parameters import Parameters, mix_weights
from sim.types import Array

# Printed beside the figures: follow-up of the transplanted, median 25.3 months (range 9.5-35.2); taken as uniform.
ALLO_FOLLOWUP = (9.5, 35.2)


def achieved(benchmark: Benchmark, parameters: Parameters, own_mix: bool = False) -> dict[str, float]:
    """Return the model's value of every figure that it speaks to, in the figure's unit (per cent for shares).

    own_mix : evaluate medians of mixed groups at the mix that the model itself expects. A published figure is compared at
        the published mix; a draw of the parameters stands for another study, which had another mix.
    """
    s = Study(benchmark.read(), benchmark.followup, parameters, own_mix)
    return {
        **_infusion(s),
        **_treatment(s),
        **_regimens(s),
        **_allo(s),
        **baseline_measures.response(s),
        **baseline_measures.baseline(s),
        **baseline_measures.hazard_ratios(s),
    }


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
        **baseline_measures.trial(p.marks["first_line_on_trial"], c.treated_weights),
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
    weights, response = mix_weights(p)
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
