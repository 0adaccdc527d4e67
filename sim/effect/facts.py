"""What an effect changes, as data: what a title or a question is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EffectFacts:
    """What an effect changes, as data.

    hazard_ratio : of leaving the progression-free state, from `delay` months on; 1 where it stays as it is
    after_progression : hazard ratio of death after a progression
    response_difference : experimental minus control response rate
    stated : the report's words where the other facts do not say it all
    reported : the hazard ratio is the one that a trial reports, not each patient's
    """

    hazard_ratio: float = 1.0
    delay: float = 0.0
    after_progression: float = 1.0
    response_difference: float = 0.0
    stated: str = ""
    reported: bool = False
