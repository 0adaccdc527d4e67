"""What the experimental treatment changes: one file a way of stating it, all of them resolved to a `Mechanism`."""

from sim.effect.by_stratum import ByStratum
from sim.effect.combined import Combined
from sim.effect.death_after_progression import DeathAfterProgression
from sim.effect.durable_share import DurableShare
from sim.effect.effect import Effect, Patients
from sim.effect.facts import EffectFacts
from sim.effect.hazard_ratio import HazardRatio
from sim.effect.mechanism import HazardProfile, Mechanism
from sim.effect.median import Median
from sim.effect.milestone import Milestone
from sim.effect.none import NO_EFFECT, NoEffect
from sim.effect.own_curve import OwnCurve
from sim.effect.patient_hazard_ratio import PatientHazardRatio
from sim.effect.piecewise import Piecewise
from sim.effect.response import Response, ResponseRateChange

__all__ = [
    "NO_EFFECT",
    "ByStratum",
    "Combined",
    "DeathAfterProgression",
    "DurableShare",
    "Effect",
    "EffectFacts",
    "HazardProfile",
    "HazardRatio",
    "Mechanism",
    "Median",
    "Milestone",
    "NoEffect",
    "OwnCurve",
    "PatientHazardRatio",
    "Patients",
    "Piecewise",
    "Response",
    "ResponseRateChange",
]
