"""When sampled patients pass from state to state: the same courses as the trials', with every transition dated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.later import later
from sim.population import courses
from sim.population.occupancy import STATES
from sim.population.parameters import Parameters
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.types import Array, Flags

log = later("sim.kernels.vectors", "log")

Bits = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Transitions:
    """Months from time zero to each event of `occupancy.EVENTS` that can come after it (second line aside, a mark), infinity when it never comes.

    Parameters
    ----------
    stratum : uint8[n], index into the population's strata
    cured : bool[n], cured by CAR-T
    intended : bool[n], treatment intended after progression
    response : bool[n], response to first line (in those who ever start it)
    events : name -> float64[n]
    """

    stratum: Flags
    cured: Bits
    intended: Bits
    response: Bits
    events: dict[str, Array]

    def state_at(self, t: float) -> Flags:
        """Return the state of each patient at t (months), uint8[n], index into the names of `occupancy.STATES`."""
        names = list(STATES)
        at = np.full(len(self.stratum), names.index("at_risk"), dtype=np.uint8)
        at[self.cured] = names.index("cured")
        for event, afterwards in (
            ("progression", np.where(self.intended, names.index("waiting"), names.index("supportive_care"))),
            ("first_line", np.where(self.response, names.index("first_line_response"), names.index("first_line_no_response"))),
            ("second_progression", names.index("second_progression")),
            ("allo_from_response", names.index("allo")),
            ("allo_after_progression", names.index("allo")),
            ("allo_relapse", names.index("allo_relapse")),
            ("death", names.index("dead")),
        ):
            # an event that is not listed lies at time zero or before it
            at = np.where(self.events.get(event, -1.0) <= t, afterwards, at).astype(np.uint8)
        return at


def when(happens: Bits, months: Array) -> Array:
    """Return the months where it happens and infinity elsewhere."""
    out: Array = np.where(happens, months, np.inf)
    return out


def transplant(p: Parameters, draws: Draws, x: courses.Trajectories) -> dict[str, Array]:
    """Return the months from the start of first line to each kind of transplant and to relapse after it.

    Notes
    -----
    The kernel adds clocks up without keeping them; here the clocks of transplant and relapse are read again from the same words.
    """
    marks = dict(zip(courses.MARKS, x.marks == 1, strict=True))

    def clock(stream: str, rate: float) -> Array:
        never = np.full(x.os.size, np.inf)
        return -log((draws.word(stream).reshape(-1) + 0.5) * 2.0**-32) / rate if rate > 0 else never

    later = x.pfs + clock("allo_after_progression", p.allo_after_progression_rate)
    relapse = when(np.isfinite(x.os), later + clock("allo_relapse", p.allo_relapse_rate))
    from_response, after = marks["allo_from_response"], marks["allo_after_progression"]
    return {
        "allo_from_response": when(from_response, clock("allo_from_response", p.allo_from_response_rate)),
        "allo_after_progression": when(after, later),
        "allo_relapse": np.where(from_response, x.pfs, when(after, relapse)),
    }


def since_first_line(p: Parameters, draws: Draws, x: courses.Trajectories) -> dict[str, Array]:
    """Return the months from the start of first line to each later event."""
    marks = dict(zip(courses.MARKS, x.marks == 1, strict=True))
    left, dies = ~marks["allo_from_response"], marks["died_at_exit"]
    return {
        "second_progression": when(left & ~dies, x.pfs),
        "death_on_first_line": when(dies, x.pfs),
        **transplant(p, draws, x),
        "death": x.os,
    }


def since_progression(p: Parameters, draws: Draws, x: courses.AfterProgression) -> dict[str, Array]:
    """Return the months from progression after CAR-T to each later event."""
    treated = x.path == 2
    later = {name: when(treated, x.wait + months) for name, months in since_first_line(p, draws, x.first_line).items()}
    return {"first_line": when(treated, x.wait), "death_untreated": when(~treated, x.wait), **later, "death": x.os}


def transitions(population: PostCartFailure, draws: Draws) -> Transitions:
    """Sample the addressed patients (all replicates in a row) from the population's time zero, without a treatment effect.

    Examples
    --------
    >>> x = transitions(PostCartFailure(), Draws(seed=1, first=0, m=1, n=1000))
    >>> sum(len(x.events[name][np.isfinite(x.events[name])]) for name in ("second_progression", "death_on_first_line")) < 1000
    True
    """
    p, group = population.values, population.sample_strata(draws)
    therapy, control = population.therapy(), np.zeros_like(group)
    nobody, everybody = np.zeros(group.size, dtype=bool), np.ones(group.size, dtype=bool)
    if population.time_zero == "first_line_start":
        x = courses.trajectories(p, therapy, draws, group, control, marks=True)
        return Transitions(group.reshape(-1), nobody, everybody, x.marks[1] == 1, since_first_line(p, draws, x))
    if population.time_zero == "progression":
        y = courses.after_progression(p, therapy, draws, group, control, marks=True)
        return Transitions(group.reshape(-1), nobody, y.path > 0, y.first_line.marks[1] == 1, since_progression(p, draws, y))
    z = courses.after_infusion(p, therapy, draws, group, control, marks=True)
    progressed = z.fate < 2
    after = {name: when(progressed, z.time + months) for name, months in since_progression(p, draws, z.progression).items()}
    events = {"progression": when(progressed, z.time), "death_without_progression": when(~progressed, z.time), **after, "death": z.os}
    y = z.progression
    return Transitions(group.reshape(-1), z.fate == 3, y.path > 0, y.first_line.marks[1] == 1, events)
