"""Sentences made from facts: titles, questions and what an effect does, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sim.design.facts import DesignFacts
from sim.effect import EffectFacts

MOST_LISTED = 6  # cells that a question still lists one by one


@dataclass(frozen=True)
class Told:
    """The facts of one trial: its design and its effect."""

    design: DesignFacts
    effect: EffectFacts


def either(values: Iterable[str]) -> str:
    """Join different values as alternatives, each once.

    Examples
    --------
    >>> either(["60", "80", "60", "100"]), either(["60"])
    ('60, 80 or 100', '60')
    """
    *first, last = dict.fromkeys(values)
    return f"{', '.join(first)} or {last}" if first else last


def effect_clause(x: EffectFacts) -> str:
    """Say what the treatment does, as the predicate of a sentence.

    Examples
    --------
    >>> effect_clause(EffectFacts(0.5))
    "halves each patient's hazard of progression or death"
    >>> effect_clause(EffectFacts(0.5, reported=True))
    'brings the hazard ratio of progression or death to 0.5'
    >>> effect_clause(EffectFacts(0.45, delay=1.5))
    "multiplies each patient's hazard of progression or death by 0.45 from month 1.5 on"
    >>> effect_clause(EffectFacts(response_difference=0.2)), effect_clause(EffectFacts())
    ('raises the response rate by 20 percentage points', 'changes nothing')
    """
    parts = []
    if x.hazard_ratio != 1:
        late = f" from month {x.delay:g} on" if x.delay else ""
        own = _multiplies(x.hazard_ratio, "each patient's hazard of progression or death") + late
        parts.append(f"brings the hazard ratio of progression or death to {x.hazard_ratio:g}" if x.reported else own)
    if x.after_progression != 1:
        parts.append(_multiplies(x.after_progression, "the hazard of death after a progression"))
    if x.response_difference:
        verb = "raises" if x.response_difference > 0 else "lowers"
        parts.append(f"{verb} the response rate by {100 * abs(x.response_difference):g} percentage points")
    if x.stated:
        parts.append(f"acts as stated ({x.stated})")
    return " and ".join(parts) or "changes nothing"


def _multiplies(ratio: float, what: str) -> str:
    known = {0.5: f"halves {what}", 2.0: f"doubles {what}"}
    return known.get(ratio, f"multiplies {what} by {ratio:g}")


def title(trials: Sequence[Told], sizing: bool) -> str:
    """Return a title for these trials.

    Examples
    --------
    >>> title([Told(DesignFacts("randomised 1:1", 2, "PFS", 200, 0.1, 1), EffectFacts(0.6))], sizing=False)
    'Randomised 1:1, progression-free survival: 200 patients'
    """
    kinds = list(dict.fromkeys(_kind(x.design) for x in trials))
    what = kinds[0][:1].upper() + kinds[0][1:] if len(kinds) == 1 else f"{len(trials)} designs side by side"
    if sizing:
        return f"Sample size: {what[:1].lower()}{what[1:]}"
    return what if len(kinds) > 1 else f"{what}: {_patients(trials)}"


def question(trials: Sequence[Told], target_power: float | None) -> str:
    """Return the question that a run of these trials answers: power and cost, or with a target the number of patients.

    Examples
    --------
    >>> one = [Told(DesignFacts("randomised 1:1", 2, "PFS", 200, 0.1, 1), EffectFacts(0.6))]
    >>> question(one, None)
    "What are the power, the type I error and the duration of a trial of 200 patients (randomised 1:1, progression-free survival, one-sided level 0.1) when the treatment multiplies each patient's hazard of progression or death by 0.6?"
    >>> question(one, 0.9)
    "How many patients does a trial (randomised 1:1, progression-free survival, one-sided level 0.1) need for a power of 90 % when the treatment multiplies each patient's hazard of progression or death by 0.6?"
    """
    places = target_power is None
    kinds = list(dict.fromkeys((_kind(x.design), x.design.alpha) for x in trials))
    if len(kinds) == 1:
        which = f"a trial{f' of {_patients(trials)}' if places else ''} ({kinds[0][0]}, one-sided level {kinds[0][1]:g})"
    elif len(trials) <= MOST_LISTED:
        each = "; ".join(f"{_kind(x.design)}{f', {x.design.n} patients' if places else ''}, {x.design.alpha:g}" for x in trials)
        which = f"each of {len(trials)} trials (with their one-sided levels: {each})"
    else:
        which = f"each of {len(trials)} trials"
    effects = list(dict.fromkeys(effect_clause(x.effect) for x in trials))
    when = f"when the treatment {effects[0]}" if len(effects) == 1 else "under each stated effect"
    if len(effects) == 2 and len(kinds) == 1:
        when = f"when the treatment {effects[0]}, or {effects[1]}"
    if len(effects) > 1 and len(kinds) > 1:
        when = "under its stated effect"
    if target_power is None:
        return f"What are the power, the type I error and the duration of {which} {when}?"
    return f"How many patients does {which} need for a power of {100 * target_power:g} % {when}?"


def _kind(design: DesignFacts) -> str:
    return f"{design.kind}, {design.endpoint_in_words}"


def _patients(trials: Sequence[Told]) -> str:
    return f"{either(str(x.design.n) for x in trials)} patients"
