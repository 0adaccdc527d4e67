"""An effect on how many responses last."""

from __future__ import annotations

from dataclasses import dataclass

from sim.effect.checks import check_probability
from sim.effect.effect import Effect, Patients
from sim.effect.mechanism import Mechanism
from sim.effect.none import NO_EFFECT
from sim.effect.solve import turn
from sim.types import Assumption, InputError

EXACT = 1e-6  # the odds ratio is kept to six digits


@dataclass(frozen=True)
class DurableShare(Effect):
    """Change the probability that a response which can be durable is.

    Parameters
    ----------
    share : of the experimental arm, between 0 and 1

    Examples
    --------
    >>> DurableShare(0.6).describe()[0].value
    'durable share of responses 60%'
    """

    share: float

    def __post_init__(self) -> None:
        check_probability("share", self.share)

    def mechanism(self, patients: Patients, given: Mechanism | None = None) -> Mechanism:
        if "durable" not in patients.levers:
            raise InputError("effect: this population has no durable responses; allowed: a population that is calibrated")
        control = patients.durable_share(NO_EFFECT)
        if not 0 < control < 1:
            raise InputError(f"effect.share: the durable share is {control:g} in this population; allowed: between 0 and 1, both excluded")
        own = Mechanism(durable_odds_ratio=float(f"{self.share / (1 - self.share) * (1 - control) / control:.6g}"))
        if abs(patients.durable_share(own) - self.share) < EXACT:
            return own if given is None else given.together(own)
        # responses of several kinds, each with a share of its own: one odds ratio for all, under which their mix has the share stated
        return turn(
            given or Mechanism(),
            "durable",
            lambda m: patients.durable_share(m) - self.share,
            lambda m: f"{patients.durable_share(m):.3f}",
            f"effect.share {self.share:g}",
        )

    def changes(self, patients: Patients) -> frozenset[str]:
        return frozenset({"durable"})

    def describe(self) -> list[Assumption]:
        return [Assumption("effect", f"durable share of responses {self.share:.0%}", "configuration")]
