"""Which published figures the parameters were fitted to, and which the model predicts: agreement with the first is no evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from sim.population.parameters import read_notes

V = TypeVar("V")

FITTED, PREDICTED, NOT_SAID = "fitted", "predicted", ""

# Figures that follow by arithmetic from others of the same table: where all of those were used, so were these.
FOLLOWS_FROM: dict[str, tuple[str, ...]] = {
    "ongoing_n": ("failure_n",),
    "late_relapse_responders": ("late_relapse_all", "cart_orr"),
    "late_relapse_progressed": ("late_relapse_all", "progressed_n"),
    "treated_share_of_progressed": ("treated_share", "failure_n", "progressed_n"),
    "first_line_on_trial": ("d30ref_trial", "d30oth_trial", "d30ref_treated", "d30oth_treated"),
    "use_named5": ("use_rt", "use_len", "use_polabr", "use_cpi", "use_chemo"),
    "allo_of_treated": ("allo_of_failure", "treated_share"),
    "cd19_no_loss": ("cd19_loss",),
    "cart_not_on_trial": ("cart_on_trial",),
    "no_prior_auto": ("prior_auto",),
    "ecog_0_1_known": ("ecog_0_1", "ecog_2", "ecog_3_4"),
    "lines_unknown": ("lines_1", "lines_2", "lines_3_4", "lines_5_6"),
    "lines_ge2": ("lines_2", "lines_3_4", "lines_5_6"),
    "ipi_unknown": ("ipi_0_1", "ipi_2", "ipi_3", "ipi_4_5"),
    "ipi_ge3_known": ("ipi_0_1", "ipi_2", "ipi_3", "ipi_4_5"),
    "ldh_elev_known": ("ldh_elev", "ldh_normal"),
    "t2_dhde_unknown_ongoing": ("t2_dh_ongoing", "t2_de_ongoing", "t2_dhde_none_ongoing"),
    "t2_dhde_unknown_fail": ("t2_dh_fail", "t2_de_fail", "t2_dhde_none_fail"),
}

# Figures whose printed values stand in the model's code as odds or hazard ratios (`covariates.py`, `population/prognostic.py`).
WRITTEN_INTO_THE_MODEL = frozenset(
    {
        "t2_female_ongoing", "t2_female_fail", "t2_gcb_ongoing", "t2_gcb_fail", "t2_nongcb_ongoing", "t2_nongcb_fail",
        "hr_pfs_all_lines", "hr_pfs_fail_gt2_lines", "hr_pfs_fail_dhde",
    }
)  # fmt: skip


class Noted(dict[str, V]):
    """A table that notes which of its rows are read."""

    def __init__(self, rows: Mapping[str, V]) -> None:
        super().__init__(rows)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> V:
        self.read.add(key)
        return super().__getitem__(key)


def figures_used(path: Path) -> frozenset[str] | None:
    """Return the figures that the fit behind a parameter file read, as targets or inputs; None where the file does not say."""
    used = read_notes(path).get("figures_used")
    return None if used is None else frozenset(map(str, used))


def basis(id: str, used: frozenset[str] | None) -> str:
    """Return whether a figure is "fitted" (used by the fit, or following from figures that were) or "predicted".

    Examples
    --------
    >>> basis("cd19_no_loss", frozenset({"cd19_loss"})), basis("axi_orr", frozenset({"cd19_loss"}))
    ('fitted', 'predicted')
    """
    if used is None:
        return NOT_SAID
    follows = id in FOLLOWS_FROM and set(FOLLOWS_FROM[id]) <= used
    return FITTED if id in used or follows or id in WRITTEN_INTO_THE_MODEL else PREDICTED
