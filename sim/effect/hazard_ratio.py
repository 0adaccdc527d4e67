"""A hazard ratio as a protocol states it: the one that Cox's estimator tends to in a large trial."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_choice, check_positive_months, check_ratio
from sim.effect.effect import Effect, Patients
from sim.effect.facts import EffectFacts
from sim.effect.mechanism import HazardProfile, Mechanism
from sim.effect.solve import LEVER_CHANGES, check_levers, endpoint_of, lever_of, solve_limit
from sim.types import Assumption

ENDPOINTS = ("pfs", "os")
HORIZONS = {"pfs": 12.0, "os": 24.0}
WORDS = {
    "hazard": "by each patient's hazard alone",
    "response": "by the response rate alone",
    "durable": "by how many responses last",
    "both": "by each patient's hazard and the response rate",
}


@dataclass(frozen=True)
class HazardRatio(Effect):
    """Change what makes the trial report the hazard ratio `hr`.

    Parameters
    ----------
    hr : float > 0, experimental / control: the limit of Cox's estimator, stratified by the population's strata, in a 1:1 trial
        whose patients are all followed for `horizon` months, without dropout
    endpoint : "pfs" or "os"; None: the population's first, PFS where it models it
    horizon : months; None: 12 for PFS, 24 for OS
    through : what is solved for; None: the population's default.
        `hazard`: one ratio of each patient's hazard of leaving the progression-free state. `response`: one odds ratio on complete and on
        any response; what follows a response stays as it is. `durable`: the probability that a response lasts.
        `both`: each patient's ratio is `hr`, and the odds ratio of response is solved for
    solve_on : "configured": the patients as configured, before a trial's mix selects among them, so that a drug stays the same drug in
        another mix; "enrolled": the mix of the trial
    draws_keep : under draws of the population's parameters, "ratio": the hazard ratio is kept and solved anew in each draw;
        "mechanism": what was solved on the fitted parameters is kept

    Notes
    -----
    Where all patients of a stratum are alike (textbook populations), hazards within strata are proportional and the limit is the
    patients' own ratio, whatever the horizon.

    References
    ----------
    Struthers & Kalbfleisch, Biometrika 1986;73:363.

    Examples
    --------
    >>> HazardRatio(0.5).describe()[0].value
    'hazard ratio 0.5'
    """

    hr: float
    endpoint: str | None = None
    horizon: float | None = None
    through: str | None = None
    solve_on: str = "configured"
    draws_keep: str = "ratio"

    def __post_init__(self) -> None:
        check_ratio("hr", self.hr)
        if self.endpoint is not None:
            check_choice("endpoint", self.endpoint, ENDPOINTS)
        if self.horizon is not None:
            check_positive_months("horizon", self.horizon)
        check_levers(self.through, self.solve_on, self.draws_keep)

    @property
    def solved(self) -> bool:
        return True

    def horizon_of(self, endpoint: str) -> float:
        """Return the months over which the ratio is stated."""
        return HORIZONS[endpoint] if self.horizon is None else float(self.horizon)

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        lever, endpoint = lever_of(patients, self.through), endpoint_of(patients, self.endpoint)
        hr, before = float(self.hr), given or Mechanism()
        if before.is_null and (hr == 1 or (lever in ("hazard", "both") and patients.proportional(endpoint))):
            return Mechanism((HazardProfile((0.0,), (hr,)),))
        on = patients if self.solve_on == "enrolled" else patients.reference()
        horizon = self.horizon_of(endpoint)
        return on.once((self, before), lambda: solve_limit(on, before, hr, endpoint, horizon, lever))

    def on_draw(self, planned: Patients) -> Effect:
        return planned.mechanism(self) if self.draws_keep == "mechanism" else self

    def stated(self, patients: Patients) -> tuple[float, str] | None:
        return float(self.hr), endpoint_of(patients, self.endpoint)

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset(LEVER_CHANGES[lever_of(patients, self.through)])

    @property
    def facts(self) -> EffectFacts:
        return EffectFacts(float(self.hr), reported=True) if self.endpoint != "os" else super().facts

    def describe(self) -> list[Assumption]:
        endpoint = "" if self.endpoint is None else f" of {self.endpoint.upper()}"
        lines = [Assumption("effect", f"hazard ratio {self.hr:g}{endpoint}", "configuration")]
        months = "12 (PFS) or 24 (OS)" if self.horizon is None else f"{self.horizon:g}"
        what = f"limit of Cox's estimator, stratified, 1:1, everybody followed for {months} months"
        lines.append(Assumption("what the hazard ratio is", what, "Struthers & Kalbfleisch 1986"))
        if self.through is not None:
            lines.append(Assumption("the treatment acts", WORDS[self.through], "configuration"))
        return lines
