"""A simulated copy of the study: a cohort of its size and follow-up, measured by lifelines as the authors measured theirs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from sim.benchmark import Benchmark
from sim.calibration import class_cohort
from sim.calibration.cohort import patients
from sim.calibration.cohort_marks import add_cart_response, uniforms
from sim.calibration.transplants import transplants
from sim.later import later
from sim.population.failure_classes import parameters as class_parameters
from sim.population.parameters import MODEL
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.types import Array

KaplanMeierFitter = later("lifelines", "KaplanMeierFitter")

DAYS = 30.4375


def simulate_study(benchmark: Benchmark, population: PostCartFailure, seed: int, replicate: int = 0) -> dict[str, float]:
    """Return the figures measured on one simulated copy, by figure id, in the figure's unit.

    Notes
    -----
    Patients are followed to one administrative cut each, drawn from the benchmark's follow-up. A patient counts as
    progressed, treated or dead when that was seen by the cut; post-progression times run from progression.
    """
    n = int(benchmark.read()["n_all"].value)
    table = copy(benchmark, population, seed, replicate, n)
    return measure(table)


def copy(benchmark: Benchmark, population: PostCartFailure, seed: int, replicate: int, n: int) -> pd.DataFrame:
    """Return the patients of a copy with what was seen of each by the cut."""
    source = PostCartFailure(time_zero="infusion", denominator="progressed", parameters=population.parameters)
    draws = Draws(seed, replicate, 1, n)
    cut = followup_quantile(benchmark, uniforms(draws, "followup"))
    table = patients(source, draws, np.full(n, np.inf))
    table["cut"] = cut
    progression = table["time_to_progression"]
    table["progressed"] = progression <= cut
    table["died_first"] = (table["fate"].isin(["death without progression", "cured"])) & (table["os_time"] <= cut)
    table["seen_treated"] = (table["time_to_first_line"] <= cut) & table["progressed"]
    table["pfs_seen"], table["pfs_flag"] = np.minimum(table["pfs_time"], cut), table["pfs_time"] <= cut
    table["os_seen"], table["os_flag"] = np.minimum(table["os_time"], cut), table["os_time"] <= cut
    table["second_pfs"] = table["next_progression"] - progression
    add_cart_response(table, source.course, draws, (table["day30_refractory"] == 1).to_numpy())
    return table.join(TRANSPLANTS[source.model](table, source, draws))


# model -> the transplants of its patients
TRANSPLANTS: dict[str, Callable[[pd.DataFrame, PostCartFailure, Draws], pd.DataFrame]] = {
    MODEL: lambda table, source, draws: transplants(table, source.values, draws),
    class_parameters.MODEL: lambda table, source, draws: class_cohort.transplants(table, source.classes.parameters, draws),
}


def followup_quantile(benchmark: Benchmark, u: Array) -> Array:
    """Return the administrative cut at probability u: uniform on each piece of the benchmark's follow-up."""
    cumulative = np.concatenate([[0.0], np.cumsum(benchmark.followup["shares"])])
    out: Array = np.interp(u, cumulative, np.asarray(benchmark.followup["breaks"], dtype=float))
    return out


def _median(time: pd.Series, event: pd.Series) -> float:
    if not len(time):
        return np.nan
    return float(KaplanMeierFitter().fit(time, event).median_survival_time_)


def measure(x: pd.DataFrame) -> dict[str, float]:
    """Return the figures of a copy as the authors measured them."""
    n = len(x)
    failed = x["progressed"] | x["died_first"]
    y = x[x["progressed"]]
    since = y["time_to_progression"]
    os_time, os_event = y["os_seen"] - since, y["os_flag"]
    refractory = y["day30_refractory"] == 1
    treated = y["seen_treated"]
    pfs_time = pd.concat([y["second_pfs"], y["cut"] - since], axis=1).min(axis=1)
    pfs_event = y["second_pfs"] <= y["cut"] - since
    others = int((~refractory).sum() + x["died_first"].sum())
    untreated_failure = pd.concat([since[~treated], x.loc[x["died_first"], "os_time"]])
    out = {
        "cart_orr": 100 * float((x["cart_response"] != "none").mean()),
        "cart_cr": 100 * float((x["cart_response"] == "complete").mean()),
        "bt_any": 100 * float(x["bridging"].mean()),
        "t2_bt_ongoing": 100 * float(x["bridging"][~failed].mean()),
        "t2_bt_fail": 100 * float(x["bridging"][failed].mean()),
        "failure_n": 100 * float(failed.mean()),
        "ongoing_n": 100 - 100 * float(failed.mean()),
        "progressed_n": float(x["progressed"].sum()),
        "nrm_n": 100 * float(x["died_first"].mean()),
        "late_relapse_all": 100 * float((since >= 180 / DAYS).sum()) / n,
        "late_relapse_progressed": 100 * float((since >= 180 / DAYS).mean()),
        "d30ref_share": 100 * float(refractory.sum()) / float(failed.sum()),
        "treated_share": 100 * float(treated.sum()) / float(failed.sum()),
        "treated_share_of_progressed": 100 * float(treated.mean()),
        "d30ref_treated": 100 * float(treated[refractory].mean()),
        "d30oth_treated": 100 * float(treated[~refractory].sum()) / others,
        "failure_os_median": _median(os_time, os_event),
        "d30ref_os_median": _median(os_time[refractory], os_event[refractory]),
        "d30oth_os_median": _median(os_time[~refractory], os_event[~refractory]),
        "treated_os_median": _median(os_time[treated], os_event[treated]),
        "untreated_os_median": _median(os_time[~treated], os_event[~treated]),
        "treated_pfs_median": _median(pfs_time[treated], pfs_event[treated]),
        "ttp_treated_median_days": float(since[treated].median()) * DAYS,
        "ttp_untreated_median_days": float(untreated_failure.median()) * DAYS,
        "second_line_n": 100 * float((y["second_line"] * (y["next_progression"] <= y["cut"]))[treated].mean()),
        "fu_from_infusion_median": float(x["cut"].median()),
    }
    for prefix, rows in (("cart", x), ("bt", x[x["bridging"] == 1]), ("nobt", x[x["bridging"] == 0])):
        out[f"{prefix}_pfs_median"] = _median(rows["pfs_seen"], rows["pfs_flag"])
        out[f"{prefix}_os_median"] = _median(rows["os_seen"], rows["os_flag"])
    regimen = y["regimen"].where(treated)
    for name in ("polabr", "bispecific", "cpi", "chemo"):
        chosen = regimen == name
        out[f"pfs1_{name}_median"] = _median(pfs_time[chosen], pfs_event[chosen])
    rest = treated & (regimen != "chemo")
    out["pfs1_nonchemo_median"] = _median(pfs_time[rest], pfs_event[rest])
    in_time = (y["allo"] == "from response") | ((y["allo"] == "after progression") & (y["next_progression"] <= y["cut"]))
    out["allo_of_treated"] = 100 * float(in_time[treated].mean())
    return out | _after_transplant(x[x["transplanted"] <= x["cut"]])


def _after_transplant(z: pd.DataFrame) -> dict[str, float]:
    """Return PFS and OS at one year of those seen to be transplanted, from transplant."""
    follow = z["cut"] - z["transplanted"]
    return {
        f"allo_{name}_1y": 100 * float(KaplanMeierFitter().fit(np.minimum(z[end], follow), z[end] <= follow).predict(12.0))
        if len(z)
        else np.nan
        for name, end in (("pfs", "relapse"), ("os", "death"))
    }
