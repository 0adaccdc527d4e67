"""State occupancy and cumulative incidence of the multi-state model after CAR-T, by quadrature: no Monte Carlo, errors below 1e-4.

The stages are in `state_courses`, their grid and its convolution in `multi_state`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.effect import Effect, NoEffect
from sim.population.multi_state import END, STEP, grid
from sim.population.post_cart_failure import PostCartFailure
from sim.population.state_courses import Course, mixture
from sim.types import Array, InputError

# name -> what the patients in it are; every patient is in exactly one at any time
STATES = {
    "at_risk": "Progression-free after CAR-T, not cured",
    "cured": "Cured by CAR-T",
    "waiting": "Progressed, treatment intended and not yet started",
    "supportive_care": "Best supportive care",
    "first_line_no_response": "First line, no response",
    "first_line_response": "First line, in response",
    "second_progression": "Progressed on first line, no transplant",
    "allo": "In remission after allogeneic transplant",
    "allo_relapse": "Relapsed after allogeneic transplant",
    "dead": "Dead",
}
# name -> what has happened; the events out of one state compete
EVENTS = {
    "progression": "Progression after CAR-T",
    "death_without_progression": "Death without progression after CAR-T",
    "first_line": "First-line therapy started",
    "death_untreated": "Death after progression, first line never started",
    "second_progression": "Progression on first line",
    "death_on_first_line": "Death on first line without progression",
    "second_line": "Second line started",
    "allo_from_response": "Allogeneic transplant from response to first line",
    "allo_after_progression": "Allogeneic transplant after progression on first line",
    "allo_relapse": "Relapse after allogeneic transplant",
    "death": "Death",
}
NO_EFFECT = NoEffect()


@dataclass(frozen=True, eq=False)
class Occupancy:
    """Hold the probability of being in each state, and of each event having happened since time zero, at 0, step, 2 step, … months.

    Parameters
    ----------
    step : float, months
    states : name in `STATES` -> float64[k], those that can be reached from time zero; they add to 1 at every time
    events : name in `EVENTS` -> float64[k], cumulative incidence
    """

    step: float
    states: dict[str, Array]
    events: dict[str, Array]

    def state(self, name: str, t: Array | float) -> Array:
        """Return the probability of being in a state at t (months), linear between grid points."""
        return self._at(self.states, name, t)

    def event(self, name: str, t: Array | float) -> Array:
        """Return the cumulative incidence of an event by t (months), linear between grid points."""
        return self._at(self.events, name, t)

    def _at(self, curves: dict[str, Array], name: str, t: Array | float) -> Array:
        if name not in curves:
            raise InputError(f"occupancy: no {name!r}; allowed: {', '.join(curves)}")
        y = curves[name]
        return np.asarray(np.interp(t, np.arange(len(y)) * self.step, y))


def occupancy(population: PostCartFailure, effect: Effect = NO_EFFECT, stratum: int | None = None) -> Occupancy:
    """Compute state occupancies and cumulative incidences from the population's time zero.

    Parameters
    ----------
    population : who the patients are, and time zero
    effect : of the treatment, from the start of first line; at earlier time zeros only no effect
    stratum : index into the population's strata (day-30 group); None = all

    Returns
    -------
    Occupancy, to 120 months

    Notes
    -----
    P(in s at t) = ∫ P(in s, t - u after the transition) dF(u) over the distribution F of each transition's time, from the
    last clock back to time zero. Death is what is left. The second line is a mark of the second progression: it starts there
    with a fixed probability. PFS from first line ends at `second_progression`, `death_on_first_line` or a relapse after a
    transplant from response, so it is the sum of the first-line states and of remission after such a transplant.

    References
    ----------
    Andersen & Keiding, Statistical Methods in Medical Research 2002;11:91, section 3. Putter, Fiocco & Geskus, Statistics in
    Medicine 2007;26:2389, sections 3.2 and 4.

    Examples
    --------
    >>> x = occupancy(PostCartFailure(time_zero="progression"))
    >>> [name for name, p in x.states.items() if p[0] > 0]
    ['waiting', 'supportive_care']
    >>> round(float(x.event("first_line", 6.0)), 2), round(float(x.event("death_untreated", 6.0)), 2)
    (0.7, 0.27)
    """
    t, groups = grid(STEP, END), (0, 1) if stratum is None else (stratum,)
    weights = population.strata_shares if stratum is None else np.ones(1)
    whole = mixture([(float(w), course_of_group(population, effect, g, t)) for w, g in zip(weights, groups, strict=True)])
    states = {name: whole.states[name].at for name in STATES if name in whole.states}
    events = {name: whole.events[name].at for name in EVENTS if name in whole.events}
    dead = 1 - np.sum(list(states.values()), axis=0)
    return Occupancy(STEP, states | {"dead": dead}, events | {"death": dead})


def course_of_group(population: PostCartFailure, effect: Effect, group: int, t: Array) -> Course:
    """Return the course of a stratum on a grid, from the population's time zero."""
    return population.course.states(population.mechanism(effect), group, t)
