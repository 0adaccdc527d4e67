"""What the authors of a retrospective series would have measured on this model: its counts, and expectations by quadrature.

Medians after progression are naive curves from progression among patients ever treated, immortal time included, as
published; counts and times to progression are those observed by the study's cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim.benchmark import Figure
from sim.population.multi_state import (
    Progression,
    averages,
    convolve,
    from_infusion,
    from_progression,
    os_from_progression_average,
    time_distributions,
    treated_pfs,
)
from sim.population.parameters import Parameters, Regimen, mix_weights
from sim.types import Array, InputError

DAYS = 30.4375


@dataclass(frozen=True)
class Counts:
    """The cells of the study: patients by bridging, day-30 group and treatment after progression."""

    infused: float
    bridged: float
    bridged_failed: float
    bridged_known: float
    failures: float
    progressed: float
    died: float
    refractory: float
    other: float
    treated_refractory: float
    treated_other: float
    late: float
    second_line: float
    evaluable: float
    allo_from_response: float = 7.0
    allo_after_progression: float = 9.0

    @property
    def treated(self) -> float:
        return self.treated_refractory + self.treated_other

    @property
    def treated_weights(self) -> Array:
        """float64[2], day-30 groups among the treated."""
        return np.array([self.treated_refractory, self.treated_other]) / self.treated

    @property
    def weights(self) -> Array:
        """float64[2], day-30 groups among those with a course after progression, under the denominator."""
        return np.array([self.refractory, self.other]) / (self.refractory + self.other)


def _share(figures: Mapping[str, Figure], name: str) -> float:
    """Return a share: the printed ratio, or the value when it was altered."""
    return figures[name].target / 100


def counts(figures: Mapping[str, Figure], denominator: str) -> Counts:
    """Read the study's cells from its figures; `progressed` takes the deaths without progression out of the others."""
    try:
        n, refractory_all = figures["n_all"].value, _share(figures, "d30ref_share")
        failures = n * _share(figures, "failure_n")
        progressed = figures["progressed_n"].value
        refractory = failures * refractory_all
        others = failures - refractory
        bt_failed = failures * _share(figures, "t2_bt_fail")
        allo = figures["allo_of_failure"]
        transplants = failures * _share(figures, "allo_of_failure") if allo.altered else allo.numerator
        in_cr = _share(figures, "allo_in_cr") * transplants
        return Counts(
            infused=n, bridged=n * _share(figures, "bt_any"), bridged_failed=bt_failed,
            bridged_known=bt_failed + (n - failures) * _share(figures, "t2_bt_ongoing"), failures=failures, progressed=progressed,
            died=n * _share(figures, "nrm_n"), refractory=refractory, other=progressed - refractory if denominator == "progressed" else others,
            treated_refractory=refractory * _share(figures, "d30ref_treated"), treated_other=others * _share(figures, "d30oth_treated"),
            late=n * _share(figures, "late_relapse_all"), second_line=figures["second_line_n"].target / 100 * failures * _share(figures, "treated_share"),
            evaluable=figures["evaluable_n"].value, allo_from_response=in_cr, allo_after_progression=transplants - in_cr,
        )  # fmt: skip
    except KeyError as error:
        raise InputError(f"benchmark: the figure {error.args[0]} is missing; the model needs it") from error


# name: (figure of its patients, of its response, of its complete response, assumed patients, assumed response and complete response)
_REGIMENS: dict[str, tuple[str | None, str | None, str | None, float, float, float]] = {
    "polabr": ("use_polabr", "orr1_polabr", "cr1_polabr", 0, 0, 0),
    "len": ("use_len", "orr1_len", "cr1_len", 0, 0, 0),
    "bispecific": (None, "orr1_bispecific", "cr1_bispecific", 10, 0, 0),
    "cpi": ("use_cpi", None, None, 0, 6 / 17, 0.15),
    "chemo": ("use_chemo", "orr1_chemo", None, 0, 0, 0.15),
    "rt": ("use_rt", None, None, 0, 0.40, 0.20),
    "ibrutinib": (None, "orr1_ibrutinib", "cr1_ibrutinib", 8, 0, 0),
}
OTHER_RESPONSE, OTHER_COMPLETE = 0.40, 0.20


def regimens(figures: Mapping[str, Figure]) -> tuple[Regimen, ...]:
    """Return the first-line regimens with patients and response rates as printed, multipliers 1; what is left is `other`."""
    out, total = [], figures["evaluable_n"].value
    for name, (use, orr, cr, patients, response, complete) in _REGIMENS.items():
        n = total * _share(figures, use) if use else patients
        r = _share(figures, orr) if orr else response
        c = _share(figures, cr) if cr else complete
        out.append(Regimen(name, n, r, min(c, r), 1.0))
    rest = total - sum(k.patients for k in out)
    if rest <= 0:
        raise InputError(f"benchmark: the first-line regimens add to {total - rest:.1f} patients, evaluable_n is {total:g}")
    return (*out, Regimen("other", rest, OTHER_RESPONSE, OTHER_COMPLETE, 1.0))


def median(survival: Array, t: Array) -> float:
    """Return the median by linear interpolation; infinity when it is not reached."""
    if survival[-1] > 0.5:
        return math.inf
    i = int(np.argmax(survival <= 0.5))
    return float(t[i - 1] + (survival[i - 1] - 0.5) / (survival[i - 1] - survival[i]) * (t[i] - t[i - 1]))


def observed(distribution: Array, follow: Array) -> Array:
    """Return the probability of an event by t that falls before the patient's cut."""
    out: Array = np.concatenate([[0.0], np.cumsum(np.diff(distribution) * averages(follow))])
    return out


def started_by_cut(p: Parameters, t: Array, follow: Array) -> tuple[float, float]:
    """Return P(start of first line by the cut | progressed by the cut, and starts sooner or later), by day-30 group."""
    out = []
    for theta, progression in zip(p.hazard_ratios, time_distributions(p, t)[:2], strict=True):
        waiting = np.exp(-(p.start_rate + p.waiting_death_rate * theta) * t)
        started = convolve(progression, averages(1 - waiting))
        out.append(float(observed(started, follow)[-1] / observed(progression, follow)[-1]))
    return out[0], out[1]


def expected_before(p: Parameters, c: Counts, t: Array, follow: Array) -> dict[str, float]:
    """Return what the authors measured between infusion and progression (keys as in the fit)."""
    refractory, late, death = time_distributions(p, t)
    background = np.exp(-p.background_death_rate * t)
    cells = ((p.refractory_bridged, p.late_bridged), (p.refractory_not, p.late_not))
    w = (p.bridged, 1 - p.bridged)
    pn = p.death_without_progression
    pfs = [r * (1 - refractory) + o * (1 - late) + pn * (1 - death) + (1 - r - o - pn) * background for r, o in cells]
    seen_r, seen_o, seen_d, seen_b = (observed(f, follow) for f in (refractory, late, death, 1 - background))
    r, o = (sum(w[b] * cells[b][j] for b in (0, 1)) for j in (0, 1))
    cured = 1 - r - o - pn
    failed = [a * seen_r[-1] + b * seen_o[-1] + pn * seen_d[-1] + (1 - a - b - pn) * seen_b[-1] for a, b in cells]
    n_r, n_o = c.infused * r * seen_r[-1], c.infused * o * seen_o[-1]
    given_r, given_o, given_d = seen_r / seen_r[-1], seen_o / seen_o[-1], _died(pn, seen_d, cured, seen_b)
    day180 = 180 / DAYS
    treated = c.treated_weights[0] * given_r + c.treated_weights[1] * given_o
    untreated = _untreated(c, given_r, given_o, given_d)
    return {
        "cart_pfs_median": median(w[0] * pfs[0] + w[1] * pfs[1], t),
        "bt_pfs_median": median(pfs[0], t),
        "nobt_pfs_median": median(pfs[1], t) if pfs[1][-1] < 0.5 else 200.0,
        "ttp_treated_median_days": median(1 - treated, t) * DAYS,
        "ttp_untreated_median_days": median(1 - untreated, t) * DAYS,
        "d30ref_n": n_r,
        "d30oth_n": n_o,
        "nrm_n": c.infused * (pn * seen_d[-1] + cured * seen_b[-1]),
        "bt_failed": failed[0],
        "nobt_failed": failed[1],
        "late_relapse_n": n_r * (1 - float(np.interp(day180, t, given_r))) + n_o * (1 - float(np.interp(day180, t, given_o))),
    }


def _died(share: float, seen_d: Array, cured: float, seen_b: Array) -> Array:
    """Distribution of the time to an observed death without progression, early or of the background."""
    total = share * seen_d + cured * seen_b
    return total / total[-1]


def _untreated(c: Counts, given_r: Array, given_o: Array, given_d: Array) -> Array:
    """Distribution of the time from infusion to failure among the untreated failures, deaths without progression included."""
    n_r = c.refractory - c.treated_refractory
    n_o = c.progressed - c.refractory - c.treated_other
    n_d = c.failures - c.progressed
    return (n_r * given_r + n_o * given_o + n_d * given_d) / (n_r + n_o + n_d)


def regimen_pfs(p: Parameters, c: Counts, name: str, t: Array) -> Array:
    """Return PFS from progression of those treated with one regimen."""
    weights = np.array([1.0 if k.name == name else 0.0 for k in p.regimens])
    both = [treated_pfs(p, g, weights, mix_weights(p)[1], t) for g in (0, 1)]
    return c.treated_weights[0] * both[0] + c.treated_weights[1] * both[1]


def groups(p: Parameters, t: Array) -> tuple[Progression, Progression]:
    """Return the curves from progression of both day-30 groups under the published mix of regimens."""
    weights, response = mix_weights(p)
    return from_progression(p, 0, weights, response, t), from_progression(p, 1, weights, response, t)


def expected_after(p: Parameters, c: Counts, t: Array) -> dict[str, float]:
    """Return what the authors measured from progression on (keys as in the fit)."""
    r, o = groups(p, t)
    wt, w = c.treated_weights, c.weights
    averaged = [os_from_progression_average(p, g, x) for g, x in ((0, r), (1, o))]
    infusion = from_infusion(p, (r.os, averaged[0]), (o.os, averaged[1]), t)
    out = {
        "failure_os_median": median(w[0] * r.os + w[1] * o.os, t),
        "d30ref_os_median": median(r.os, t),
        "d30oth_os_median": median(o.os, t),
        "treated_os_median": median(wt[0] * r.os_treated + wt[1] * o.os_treated, t),
        "treated_pfs_median": median(wt[0] * r.pfs_treated + wt[1] * o.pfs_treated, t),
        "cart_os_median": min(median(p.bridged * infusion.os[0] + (1 - p.bridged) * infusion.os[1], t), 200.0),
        "bt_os_median": min(median(infusion.os[0], t), 200.0),
        "allo_from_response_n": c.treated * float(wt @ [r.first_line.allo[-1], o.first_line.allo[-1]]),
        "allo_after_progression_n": c.treated * float(wt @ [r.first_line.allo_after[-1], o.first_line.allo_after[-1]]),
    }
    for name in ("polabr", "bispecific", "cpi", "chemo"):
        out[f"pfs1_{name}_median"] = median(regimen_pfs(p, c, name, t), t)
    return out
