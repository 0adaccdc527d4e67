"""The calibration as a picture: simulated patients from progression, beside the published medians and their intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from sim.benchmark import Benchmark
from sim.calibration.cohort import cohort
from sim.population.post_cart_failure import PostCartFailure

PATIENTS = 4000  # enough that the curves' own noise is thinner than their lines

# figure of the benchmark -> endpoint, group, how its patients are found among all who progressed
FIGURES = {
    "failure_os_median": ("OS from progression", "all"),
    "d30ref_os_median": ("OS from progression", "day-30 refractory"),
    "d30oth_os_median": ("OS from progression", "other"),
    "treated_os_median": ("OS from progression", "treated"),
    "treated_pfs_median": ("PFS from progression", "treated"),
}


@dataclass(frozen=True, eq=False)
class AgainstPublished:
    """Tables for the report's Kaplan-Meier figure.

    cohort : group, time (months), event, endpoint; medians : endpoint, group, median, ci_low, ci_high, id
    """

    cohort: pd.DataFrame
    medians: pd.DataFrame


def against_published(benchmark: Benchmark, population: PostCartFailure, seed: int) -> AgainstPublished:
    """Sample patients from progression, in the mix that the authors saw, and set the published medians beside them."""
    figures = benchmark.read()
    seen = figures["progressed_n" if benchmark.denominator == "progressed" else "failure_n"].numerator
    refractory = figures["d30ref_share"].numerator
    share = None if seen is None or refractory is None else refractory / seen
    published = replace(population, time_zero="progression", refractory_share=share, regimen="mix", eligible=None)
    patients = cohort(published, seed, PATIENTS, followup=36.0, baseline=False)
    parts, medians = [], []
    for id, (endpoint, group) in FIGURES.items():
        chosen = _group(patients, group)
        name = endpoint.split()[0].lower()
        parts.append(pd.DataFrame({"group": group, "time": chosen[f"{name}_time"], "event": chosen[f"{name}_event"], "endpoint": endpoint}))
        f = figures[id]
        medians.append({"endpoint": endpoint, "group": group, "median": f.value, "ci_low": f.ci_low, "ci_high": f.ci_high, "id": id})
    return AgainstPublished(pd.concat(parts, ignore_index=True), pd.DataFrame(medians))


def _group(patients: pd.DataFrame, group: str) -> pd.DataFrame:
    if group == "all":
        return patients
    if group == "treated":
        return patients[patients["treated"] == 1]
    return patients[patients["stratum"] == group]
