"""What the fit starts from, holds softly and weighs: every number of it that is not a published figure."""

from __future__ import annotations

from typing import Any

# Fixed by assumption: no published figure pins them down (ranges in `STATED_RANGES`).
FIXED = {
    "start_rate": 1 / 0.70,
    "waiting_death_rate": 0.08,
    "durable_exit_rate": 0.003,
    "exit_death_share": 0.10,
    "late_progression_shift": 30 / 30.4375,
}
SUPPORTIVE_SHAPE = {"progressed": 0.39, "failures": 0.40}
STATED_RANGES = {
    "supportive_shape": (0.28, 0.75),
    "waiting_death_rate": (0.02, 0.20),
    "start_rate": (1 / 1.0, 1 / 0.4),
    "exit_death_share": (0.05, 0.20),
    "durable_exit_rate": (0.001, 0.006),
}

# name: (start, prior, weight of the prior on the log scale)
BEFORE: dict[str, Any] = {
    "refractory_bridged": (0.33, None, 0.0),
    "refractory_not": (0.18, None, 0.0),
    "late_bridged": (0.38, None, 0.0),
    "late_not": (0.30, None, 0.0),
    "death_without_progression": (0.055, None, 0.0),
    "refractory_progression_median": (45 / 30.4375, None, 0.0),
    "refractory_progression_sigma": (0.40, 0.40, 2.0),
    "late_progression_median": (150 / 30.4375, None, 0.0),
    "late_progression_sigma": (1.05, 1.05, 1.0),
    "background_death_rate": (0.002, 0.002, 0.5),
}
AFTER: dict[str, Any] = {
    "theta": {"progressed": (1.3, 1.9, 0.3), "failures": (1.8, 1.9, 0.3)},
    "supportive_median": {"progressed": (0.7, 2.2, 0.3), "failures": (1.9, 2.2, 0.3)},
    "exit_rate": (0.70, 0.55, 0.3),
    "responder_ratio": (0.32, 0.35, 0.3),
    "durable_share": (0.48, 0.25, 0.3),
    "post_rate": (0.16, 0.13, 0.3),
    "post_shape": {"progressed": (1.25, 1.0, 0.3), "failures": (1.5, 1.0, 0.3)},
    "allo_from_response_rate": (0.05, None, 0.0),
    "allo_after_progression_rate": (0.015, None, 0.0),
}
# Regimens without a published median have multiplier 1: they share one rate, which the treated median then fixes.
MULTIPLIERS: dict[str, Any] = {
    "polabr": (0.85, 1.0, 0.67),
    "bispecific": (0.63, None, 0.0),
    "cpi": (0.57, 1.0, 0.67),
    "chemo": (1.0, None, 0.0),
}

WEIGHTS_BEFORE = {
    "cart_pfs_median": 30.0, "bt_pfs_median": 20.0, "nobt_pfs_median": 5.0, "ttp_treated_median_days": 20.0,
    "ttp_untreated_median_days": 20.0, "d30ref_n": 10.0, "d30oth_n": 10.0, "nrm_n": 10.0, "bt_failed": 10.0, "nobt_failed": 10.0,
    "late_relapse_n": 8.0,
}  # fmt: skip
WEIGHTS_AFTER = {
    "failure_os_median": 200.0, "d30ref_os_median": 200.0, "d30oth_os_median": 200.0, "treated_os_median": 200.0, "treated_pfs_median": 2000.0,
    "pfs1_polabr_median": 2000.0, "pfs1_bispecific_median": 2000.0, "pfs1_cpi_median": 2000.0, "pfs1_chemo_median": 2000.0,
    "allo_from_response_n": 200.0, "allo_after_progression_n": 200.0, "cart_os_median": 60.0, "bt_os_median": 4.0,
}  # fmt: skip
