"""The cells of the study as the model itself expects them: what a copy of the study would count, on average."""

from __future__ import annotations

from dataclasses import replace

from sim.calibration import study
from sim.population.parameters import Parameters
from sim.types import Array


def own_counts(p: Parameters, read: study.Counts, t: Array, follow: Array) -> study.Counts:
    """Return the expected cells under p, for as many infused as in `read`; regimens and transplants stay as there.

    Parameters
    ----------
    read : the study's cells as printed
    t : float64[k], months; follow : float64[k], P(administrative cut later than t)

    Notes
    -----
    The printed cells belong to one study. Another set of parameters, fitted to a copy of it, belongs to a study with other
    cells: at the printed ones its medians would lack the part of their scatter that comes from the mix of patients.
    """
    before = study.expected_before(p, read, t, follow)
    refractory, late, died = before["d30ref_n"], before["d30oth_n"], before["nrm_n"]
    other = late if p.denominator == "progressed" else late + died
    seen = study.started_by_cut(p, t, follow)
    return replace(
        read, bridged=read.infused * p.bridged, bridged_known=read.infused * p.bridged, bridged_failed=read.infused * p.bridged * before["bt_failed"],
        failures=refractory + late + died, progressed=refractory + late, died=died, refractory=refractory, other=other,
        treated_refractory=refractory * p.treated_refractory * seen[0], treated_other=other * p.treated_other * seen[1],
        late=before["late_relapse_n"],
    )  # fmt: skip
