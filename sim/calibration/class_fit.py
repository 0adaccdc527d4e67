"""Fit the model with classes at failure to a benchmark's figures and stated evidence, deterministically.

One least-squares problem on the logarithms of the parameters, against quadrature. What follows from counts (cuts, intent,
response at score 0) is solved inside, so it is met exactly. Soft priors hold what the figures leave open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from sim.benchmark import Benchmark, Figure
from sim.calibration import covariates, fit_transplant, marks, study
from sim.calibration.class_fit_spec import Specification
from sim.calibration.class_quantities import quantities
from sim.calibration.class_study import View, solved
from sim.calibration.fit import FitReport, fit_death_time
from sim.calibration.fitted import Noted
from sim.later import later
from sim.population.authors_regression import followup_survival
from sim.population.failure_classes import background, times
from sim.population.failure_classes.curves import averages, convolve
from sim.population.failure_classes.parameters import ClassParameters, Regimen
from sim.population.multi_state import grid
from sim.types import Array, InputError

optimize = later("scipy.optimize")

STEP, END = 0.05, 110.0
REACH = 2.0  # on the log scale: how far a parameter without a range may move from its start
HOPELESS = 100.0  # a fit that works ends near 5


@dataclass(frozen=True)
class Problem:
    """A least-squares problem: the parameters before the free ones are set, and what they are to meet.

    goals : (name, quantity, value, weight); free : name -> start, prior, weight, range; figures : published, noting which are read
    """

    base: ClassParameters
    counts: study.Counts
    free: Mapping[str, Mapping[str, Any]]
    goals: tuple[tuple[str, str, float, float], ...]
    follow: Array
    t: Array
    figures: Noted[Figure]

    @property
    def held(self) -> list[str]:
        """Free parameters with a soft prior."""
        return [n for n, row in self.free.items() if "prior" in row]

    def view(self, x: Array) -> View:
        """Return the solved view at logarithms x of the free parameters."""
        p = with_values(self.base, {n: float(v) for n, v in zip(self.free, np.exp(x), strict=True)})
        return solved(View(p, self.counts, self.t, self.follow))

    def residuals(self, x: Array) -> Array:
        """Return weighted log ratios of achieved to wanted, then those of the priors."""
        names = list(self.free)
        priors = [self.free[n]["weight"] * (x[names.index(n)] - math.log(self.free[n]["prior"])) for n in self.held]
        try:
            got = quantities(self.view(x))
        except (InputError, ValueError):
            return np.array([5.0 * w for *_, w in self.goals] + priors)
        return np.array([w * math.log(max(got[q], 1e-6) / v) for _, q, v, w in self.goals] + priors)

    def bounds(self) -> tuple[Array, Array]:
        """Return the lowest and highest logarithms."""
        ends = [
            np.log(row["range"]) if "range" in row else (math.log(row["start"]) - REACH, math.log(row["start"]) + REACH)
            for row in self.free.values()
        ]
        low, high = np.array(ends).T
        return low, high


def fit(
    benchmark: Benchmark, specification: Specification, start: Mapping[str, float] | None = None, rough: bool = False
) -> tuple[ClassParameters, FitReport]:
    """Fit the model; nothing random, so the same figures give the same parameters.

    Parameters
    ----------
    benchmark : the published figures, overrides applied, and the denominator to read them under
    specification : what is fixed, free, declared and weighed
    start : values to start from instead of the specification's, by parameter name
    rough : stop early (a first look, or many perturbed starts)

    Raises
    ------
    InputError : when a figure that the fit needs is missing, or no parameters come near the figures
    """
    problem = pose(benchmark, specification)
    low, high = problem.bounds()
    x, evaluations = np.clip(_begin(problem, start or {}), low + 1e-6, high - 1e-6), 0
    for jac, tolerance in (("2-point", 1e-6), ("3-point", 1e-10), ("3-point", 1e-12)):
        solution = optimize.least_squares(
            problem.residuals, x, jac=jac, bounds=(low, high), x_scale="jac", xtol=tolerance, ftol=tolerance, gtol=1e-10,
            diff_step=1e-4 if jac == "2-point" else 1e-3, max_nfev=40,
        )  # fmt: skip
        moved = float(np.max(np.abs(solution.x - x)))
        x, evaluations = solution.x, evaluations + int(solution.nfev)
        if rough or solution.cost > HOPELESS or (jac == "3-point" and moved < 1e-5):
            break
    if solution.cost > HOPELESS:
        raise InputError("fit: no parameters come near the figures; they contradict each other under this model")
    view = problem.view(x)
    got, names = quantities(view), list(problem.free)
    p = finished(problem.figures, view)
    residuals = {name: (v, got[q], w) for name, q, v, w in problem.goals}
    priors = {n: (problem.free[n]["prior"], float(np.exp(x[names.index(n)])), problem.free[n]["weight"]) for n in problem.held}
    assumed = {n: float(row["value"]) for n, row in specification.keys.items()}
    return p, FitReport(float(solution.cost), residuals, priors, assumed, evaluations, frozenset(problem.figures.read))


def _begin(problem: Problem, start: Mapping[str, float]) -> Array:
    """Return logarithms to start from: where no model has the values of `start`, half way to the specification's, and again.

    Raises the model's InputError where the specification's own start cannot be.
    """
    own = np.log([row["start"] for row in problem.free.values()])
    x = np.log([start.get(n, row["start"]) for n, row in problem.free.items()])
    for _ in range(8):
        try:
            problem.view(x)
            return x
        except InputError:
            x = 0.5 * (x + own)
    problem.view(own)
    return own


def pose(benchmark: Benchmark, specification: Specification) -> Problem:
    """Return the problem that a benchmark and a specification pose."""
    figures = Noted(benchmark.read())
    counts = study.counts(figures, benchmark.denominator)
    base = _base(figures, counts, benchmark.denominator, specification)
    t = grid(STEP, END)
    own = study_counts(counts)
    goals = [(name, row["quantity"], figures[name].target, row["weight"]) for name, row in specification.targets.items() if name in figures]
    goals += [(name, row["quantity"], own[name], row["weight"]) for name, row in specification.counts.items()]
    goals += [(name, row["quantity"], row["value"], row["weight"]) for name, row in specification.evidence.items() if "weight" in row]
    return Problem(base, counts, specification.free, tuple(goals), followup_survival(benchmark.followup, t), t, figures)


def study_counts(c: study.Counts) -> dict[str, float]:
    """Return the counts of a study that a fit may read, by name."""
    return {
        "refractory": c.refractory,
        "progressed_later": c.progressed - c.refractory,
        "died": c.died,
        # bridged patients known in the table of outcomes: shares of failures are taken there
        "failed_bridged": c.bridged_failed / c.bridged_known,
        "failed_not": (c.failures - c.bridged_failed) / (c.infused - c.bridged_known),
        "late": c.late,
        "allo_from_response": c.allo_from_response,
        "allo_after_progression": c.allo_after_progression,
    }


def with_values(p: ClassParameters, values: Mapping[str, float]) -> ClassParameters:
    """Return parameters with named values; `multiplier_<regimen>` sets a regimen's multiplier."""
    plain: dict[str, Any] = {k: v for k, v in values.items() if not k.startswith("multiplier_")}
    regimens = tuple(replace(k, multiplier=values.get(f"multiplier_{k.name}", k.multiplier)) for k in p.regimens)
    return replace(p, **plain, regimens=regimens)


def value_of(p: ClassParameters, name: str) -> float:
    """Return a parameter by name; `multiplier_<regimen>` is that regimen's multiplier."""
    if name.startswith("multiplier_"):
        return next(k.multiplier for k in p.regimens if k.name == name.removeprefix("multiplier_"))
    return float(getattr(p, name))


def _base(figures: Noted[Figure], c: study.Counts, denominator: str, s: Specification) -> ClassParameters:
    allo = fit_transplant.of_paper(figures)
    keys: dict[str, Any] = {name: float(row["value"]) for name, row in s.keys.items()}
    total = c.allo_from_response + c.allo_after_progression
    after = (allo["allo_cured"] * total - keys["allo_cured_in_response"] * c.allo_from_response) / max(c.allo_after_progression, 1e-9)
    if not 0 <= after <= 1:
        raise InputError(f"fit: allo_cured_in_response {keys['allo_cured_in_response']:.3f} leaves {after:.3f} cured of those transplanted after progression; allowed: within [0, 1]")  # fmt: skip
    start: dict[str, Any] = {n: row["start"] for n, row in s.free.items() if not n.startswith("multiplier_")}
    return ClassParameters(
        denominator=denominator, class_shares=s.class_shares, cuts=tuple(ndtri(np.cumsum(s.class_shares)[:-1]).tolist()),
        intent_refractory=0.0, intent_other=0.0, bridged=c.bridged / c.infused, second_line_share=0.5,
        allo_cured_after_progression=after, allo_relapse_rate=allo["allo_relapse_rate"], allo_death_rate=allo["allo_death_rate"],
        **fit_death_time(figures), **keys, **start, regimens=_regimens(figures, s),
        at_failure={name: dict(row) for name, row in s.at_failure.items()}, marks={},
    )  # fmt: skip


def _regimens(figures: Mapping[str, Figure], s: Specification) -> tuple[Regimen, ...]:
    out = []
    for k in study.regimens(figures):
        row = s.declared.get(k.name, {})
        ranges = {name: tuple(row[name]) if name in row else None for name in ("response_range", "complete_range")}
        response, complete = row.get("response", k.response), row.get("complete_response", k.complete_response)
        multiplier = s.free.get(f"multiplier_{k.name}", {}).get("start", 1.0)
        out.append(Regimen(k.name, k.patients, response, min(complete, response), 0.0, multiplier, **ranges))
    return tuple(out)


def finished(figures: Mapping[str, Figure], view: View) -> ClassParameters:
    """Return the parameters with what hangs on the course without steering it: second line, response to CAR-T, covariates."""
    p, c = view.parameters, view.counts
    seen = marks.Seen(figures, c, outcome(view), fates_of_all(p))
    second = c.second_line / c.treated / progressed_by_cut(view)
    return replace(p, second_line_share=min(second, 1.0), marks=marks.solve(seen))


def fates_of_all(p: ClassParameters) -> tuple[float, float, float, float]:
    """Return shares of fates among the infused: refractory, late, death without progression, cured."""
    r, o, d, c = p.bridged * times.fates(p)[0] + (1 - p.bridged) * times.fates(p)[1]
    return float(r), float(o), float(d), float(c)


def outcome(view: View) -> covariates.Outcome:
    """Return the shares of the study at its cut."""
    p, n, cut = view.parameters, view.counts.infused, averages(view.follow)
    _, _, dies, cures = fates_of_all(p)
    aged = float(np.sum(-np.diff(background.survival(p, view.t)) * cut))
    died = n * (dies * float(np.sum(np.diff(times.death(p, view.t)) * cut)) + cures * aged)
    failed = float(view.progressed.sum()) + died
    return covariates.Outcome(failed / n, min(n * cures * (1 - aged) / (n - failed), 1.0))


def progressed_by_cut(view: View) -> float:
    """Return P(progressed on first line, alive, by the cut | start of first line seen by the cut)."""
    p, cut, x = view.parameters, averages(view.follow), view.mix
    wait = np.diff(1 - x.waiting, axis=1)
    both = np.zeros(2)
    for g in (0, 1):
        mass = view.cells.mass[g] * view.cells.class_ * (view.counts.weights[g] / np.sum(view.seen[g])) * p.treated[g][:, None]
        started = np.diff(convolve(mass, averages(np.cumsum(np.pad(wait, ((0, 0), (1, 0))), axis=1))), axis=1)
        progressed = np.diff(convolve(started, averages(x.first.progressed)), axis=1)
        both += [float(np.sum(progressed * cut)), float(np.sum(started * cut))]
    return float(both[0] / both[1])


def notes(benchmark: Benchmark, s: Specification, report: FitReport, p: ClassParameters) -> dict[str, Any]:
    """Return what a parameter file says above its parameters: source, objective, residuals, priors, keys with ranges, predictions."""
    problem = pose(benchmark, s)
    got = quantities(solved(View(p, problem.counts, problem.t, problem.follow)))
    predicted = {k: row for k, row in s.evidence.items() if "weight" not in row}
    return {
        "source": benchmark.citation,
        "made_by": "python -m sim task=fit",
        "model": s.model,
        "objective": report.objective,
        "fitted_figures": {k: {"published": a, "achieved": b, "weight": w} for k, (a, b, w) in report.residuals.items()},
        "predicted": {
            k: {"published": row["value"], "achieved": got[row["quantity"]], "source": row["source"]} for k, row in predicted.items()
        },
        "figures_used": sorted(report.used),
        "soft_priors": {k: {"prior": a, "fitted": b, "weight": w} for k, (a, b, w) in report.priors.items()},
        "assumed": report.assumed,
        "plausible_ranges": {k: list(row["range"]) for k, row in s.keys.items()}
        | {k: list(row["range"]) for k, row in s.free.items() if "range" in row},
    }
