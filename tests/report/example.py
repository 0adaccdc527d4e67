"""An invented story for the tests of the report: every number here is made up, none was simulated or published."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.design.facts import DesignFacts
from sim.report.story import CALIBRATION_COLUMNS, LANDMARK_COLUMNS, OC_COLUMNS, OCCUPANCY_COLUMNS, CellStory, Story
from sim.types import Assumption

SMALLEST = Assumption("smallest observed effect that rejects", "an invented one", "invented")
REPLICATES, NULL_REPLICATES = 10_000, 100_000
DEFINITIONS = {
    "power": "share of analysed replicates that reject the null hypothesis when the effect is there",
    "type_i_error": "share of analysed replicates that reject the null hypothesis when there is no effect",
    "expected_n": "mean number of patients enrolled, all trials",
    "expected_events": "mean cumulative number of events at the analysis, all trials",
    "expected_duration": "mean calendar time from the first possible enrolment to the analysis, all trials",
    "n": "smallest number of patients whose power reaches the target",
    "n_low": "smallest number of patients whose 95 % interval for power contains the target",
    "n_high": "largest number of patients whose 95 % interval for power contains the target",
    "n_safe": "smallest number of patients whose one-sided 97.5 % lower limit reaches the target",
}
UNITS = {
    "expected_n": "patients",
    "expected_events": "events",
    "expected_duration": "months",
    "n": "patients",
    "n_low": "patients",
    "n_high": "patients",
    "n_safe": "patients",
}


def size_rows(cell, n, low, high, safe):
    """Return the rows of a sized trial: exact for the binomial design, from replicates elsewhere."""
    rows = [oc_row(cell, m, v) for m, v in (("n", n), ("n_low", low), ("n_high", high), ("n_safe", safe))]
    if cell != "single_arm_orr":
        rows[0] |= {"ci_low": float(low), "ci_high": float(high)}
        rows = [r | {"n_requested": REPLICATES, "n_analysed": REPLICATES} for r in rows]
    return rows


def oc_row(cell, metric, estimate, mcse=None, look=0, hypothesis=None, scenario="invented_example", failed=0):
    """Return one row of an operating characteristics table; a probability gets its binomial error."""
    hypothesis = hypothesis or ("ORR" if cell.endswith("orr") else "PFS")
    n = NULL_REPLICATES if metric.startswith("type_i_error") else REPLICATES
    if mcse is None and metric.startswith(("power", "type_i_error")):
        mcse = float(np.sqrt(estimate * (1 - estimate) / n))
    exact = mcse is None
    low, high = (np.nan, np.nan) if exact else (estimate - 1.96 * mcse, estimate + 1.96 * mcse)
    counts = (0, 0, 0) if exact else (n, n - failed, failed)
    values = (
        scenario,
        cell,
        hypothesis,
        look,
        metric,
        estimate,
        np.nan if exact else mcse,
        low,
        high,
        *counts,
        UNITS.get(metric, "probability"),
        DEFINITIONS.get(metric, metric),
    )
    return dict(zip(OC_COLUMNS, values, strict=True))


def operating_characteristics():
    """Return three designs: exact single-arm, simulated single-arm, randomised."""
    rows = []
    for cell, n, low, high, safe, power, size, events, duration in (
        ("single_arm_orr", 47, 46, 48, 48, 0.8123, 0.0181, None, 15.72),
        ("single_arm_pfs", 62, 61, 64, 64, 0.8046, 0.02574, 55.13, 21.46),
        ("randomised_pfs", 164, 160, 169, 169, 0.80312, 0.02581, 123.0, 22.8517),
    ):
        rows += size_rows(cell, n, low, high, safe)
        rows += [oc_row(cell, "power", power), oc_row(cell, "type_i_error", size)]
        rows += [oc_row(cell, "expected_n", n, 0.0), oc_row(cell, "expected_duration", duration, 0.0173)]
        if events is not None:
            rows.append(
                oc_row(
                    cell, "expected_events", events, 0.026 if cell == "single_arm_pfs" else 0.0, failed=2 if cell == "single_arm_pfs" else 0
                )
            )
    return pd.DataFrame(rows)


def power_curve():
    """Return a smooth rise of power with n for two designs."""
    rows = []
    for cell, scale, needed, low, high in (("single_arm_pfs", 62.0, 62, 61, 64), ("randomised_pfs", 164.0, 164, 160, 169)):
        for n in np.arange(0.5 * scale, 1.5 * scale, scale / 16).astype(int):
            power = 1 - 0.2 ** ((n / scale) ** 1.15)
            mcse = np.sqrt(power * (1 - power) / REPLICATES)
            rows.append((cell, n, power, mcse, power - 1.96 * mcse, power + 1.96 * mcse, REPLICATES, 0.8, needed, low, high))
    return pd.DataFrame(
        rows, columns=["cell", "n", "power", "mcse", "ci_low", "ci_high", "n_analysed", "target_power", "n_required", "n_low", "n_high"]
    )


def calibration():
    """Return targets with every verdict and with differences on, beside and far off the band."""
    rows = [
        ("os_overall_median", "headline", "progressed (invented)", "median_months", 5.5, 4.6, 6.6, 5.496, -0.01, "met", ""),
        ("os_refractory_median", "headline", "refractory (invented)", "median_months", 2.9, 2.2, 3.7, 2.905, 0.02, "met", ""),
        ("os_others_median", "headline", "others (invented)", "median_months", 8.0, 6.2, 10.0, 8.41, 0.41, "within interval", ""),
        ("pfs_treated_median", "headline", "treated (invented)", "median_months", 2.8, 2.2, 3.4, 2.81, 0.03, "met", ""),
        ("treated_share", "headline", "failures (invented)", "proportion", 0.59, 0.53, 0.65, 0.588, -0.07, "met", ""),
        ("regimen_median", "calibrate", "one regimen (invented)", "median_months", 5.5, 2.3, 10.5, 4.1, -0.78, "within interval", ""),
        (
            "sex_share",
            "calibrate",
            "all (invented)",
            "proportion",
            0.59,
            0.55,
            0.64,
            0.53,
            -2.6,
            "outside interval",
            "an invented misfit <b>to look at</b>",
        ),
        (
            "multivariable_hr",
            "check",
            "treated (invented)",
            "hazard_ratio",
            0.097,
            0.02,
            0.4,
            0.55,
            9.4,
            "known contradiction",
            "cannot be reconciled with the medians",
        ),
        (
            "enrolment_range",
            "context",
            "all (invented)",
            "range",
            2015.0,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            "not modelled",
            "a range, not a sampling interval",
        ),
    ]
    # only the sex share was used by the invented fit
    return pd.DataFrame([(*row, "fitted" if row[0] == "sex_share" else "predicted") for row in rows], columns=CALIBRATION_COLUMNS)


def cohort(n=260, seed=20):
    """Return exponential survival of three groups with uniform censoring."""
    generator = np.random.default_rng(seed)
    frames = []
    for endpoint, group, median in (
        ("OS from progression", "all failures", 5.5),
        ("OS from progression", "refractory at day 30", 2.9),
        ("OS from progression", "others", 8.0),
        ("PFS from progression", "treated", 2.8),
    ):
        event, censor = generator.exponential(median / np.log(2), n), generator.uniform(4, 40, n)
        frames.append(
            pd.DataFrame({"group": group, "time": np.minimum(event, censor), "event": (event <= censor).astype(int), "endpoint": endpoint})
        )
    return pd.concat(frames, ignore_index=True)


def published_medians():
    """Return the invented medians that stand on the curves of `cohort`."""
    rows = [
        ("OS from progression", "all failures", 5.5, 4.6, 6.6, "os_overall_median"),
        ("OS from progression", "refractory at day 30", 2.9, 2.2, 3.7, "os_refractory_median"),
        ("OS from progression", "others", 8.0, 6.2, 10.0, "os_others_median"),
        ("PFS from progression", "treated", 2.8, 2.2, 3.4, "pfs_treated_median"),
    ]
    return pd.DataFrame(rows, columns=["endpoint", "group", "median", "ci_low", "ci_high", "id"])


def occupancy():
    """Return two states and an event from one time zero, in one group."""
    months = np.arange(0.0, 25.0)
    waiting = np.exp(-0.2 * months)
    parts = (
        ("state", "waiting", "Waiting (invented)", waiting),
        ("state", "dead", "Dead (invented)", 1 - waiting),
        ("event", "death", "Death (invented)", 1 - waiting),
    )
    rows = [("progression", "all", *part[:3], t, p) for part in parts for t, p in zip(months, part[3], strict=True)]
    return pd.DataFrame(rows, columns=OCCUPANCY_COLUMNS)


def landmarks():
    """Return survival at landmarks of one endpoint, one further median of which is never reached."""
    rows = [("progression", "all", "os", t, float(np.exp(-0.2 * t)), 3.466 if t < 24 else np.inf) for t in (0.0, 6.0, 12.0, 24.0)]
    return pd.DataFrame(rows, columns=LANDMARK_COLUMNS)


def cells():
    """Return three designs that share their population."""
    shared = [
        Assumption("population", "patients who start therapy after CAR-T failure", "calibration to an invented benchmark"),
        Assumption("accrual", "uniform, 3.9 patients a month", "configuration"),
        Assumption("dropout", "2 % a month, exponential", "configuration"),
    ]
    return [
        CellStory(
            "single_arm_orr",
            [
                Assumption("endpoint", "objective response, not evaluable counts as no response", "Lugano 2014"),
                Assumption("test", "exact binomial; at least 21 responses of 47 needed", "configuration"),
            ],
            [*shared, Assumption("effect", "response rate +20 percentage points", "configuration")],
            facts=DesignFacts("single arm", 1, "ORR", 47, 0.025, 1, smallest_rejecting=SMALLEST),
        ),
        CellStory(
            "single_arm_pfs",
            [
                Assumption("endpoint", "progression-free survival from first dose", "configuration"),
                Assumption("test", "one-sample log-rank, variance (O + E)/2, one-sided 0.025", "Wu 2014"),
            ],
            [*shared, Assumption("effect", "hazard ratio 0.6", "configuration")],
            facts=DesignFacts("single arm", 1, "PFS", 62, 0.025, 1),
        ),
        CellStory(
            "randomised_pfs",
            [
                Assumption("arms", "randomised 1:1 in permuted blocks of 4, stratified by day-30 status", "configuration"),
                Assumption("endpoint", "progression-free survival from randomisation", "configuration"),
                Assumption(
                    "test",
                    "stratified log-rank at 123 events, one-sided 0.025; smallest significant hazard ratio about 0.70",
                    "configuration",
                ),
            ],
            [*shared, Assumption("effect", "hazard ratio 0.6", "configuration")],
            facts=DesignFacts(
                "randomised 1:1", 2, "PFS", 164, 0.025, 1, stratified_randomisation=True, stratified_test=True, smallest_rejecting=SMALLEST
            ),
        ),
    ]


def example():
    """Return the whole story."""
    return Story(
        title="Phase 2 after CAR-T failure: three designs side by side (invented numbers)",
        question="How many patients do a single-arm and a randomised phase 2 need to show a hazard ratio of 0.6, or 20 percentage points more responses, with 80 % power at one-sided 0.025?",
        answer_lines=[
            "47 patients for response in a single arm (exact), 62 (61 to 64) for progression-free survival in a single arm, 164 (160 to 169) for a randomised comparison.",
            "The randomised trial has power 0.803 ± 0.004 and rejects in 0.0258 ± 0.0005 of trials without an effect; it reads out after 22.852 ± 0.017 months.",
            "The numbers of this example are invented.",
        ],
        cells=cells(),
        operating_characteristics=operating_characteristics(),
        power_curve=power_curve(),
        calibration=calibration(),
        cohort=cohort(),
        published_medians=published_medians(),
        occupancy=occupancy(),
        landmarks=landmarks(),
        limitations=[
            "The benchmark is one retrospective series; its medians carry intervals of about ±20 % that this run does not propagate.",
            "Progression is dated exactly; scans every 6 to 12 weeks move the observed median.",
        ],
        citations=["Invented A, Invented B. A benchmark that does not exist. Journal of Examples 2026;1:1. doi 10.0000/example"],
        provenance={
            "created": "2026-01-31T12:00:00+00:00",
            "seed": 20260131,
            "command": "postcart task=size 'design.n=60, 80' run.seed=20260131",
            "versions": {"python": "3.12.3", "postcart": "0.1.0", "numpy": "2.4.6", "scipy": "1.17.1"},
            "platform": {"system": "Linux-6.1-x86_64", "machine": "x86_64", "processor": "Example processor", "cores": 2},
            "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "modified": True},
            "config": {"run": {"seed": 20260131, "n_sim": 10000}, "design": {"n": 164}},
            "source": {"oc.py": "ab" * 32},
            "files": {"operating_characteristics.parquet": "cd" * 32},
        },
    )
