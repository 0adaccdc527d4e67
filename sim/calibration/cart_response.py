"""Best response to CAR-T and status at day 30: marks of a patient's fate, solved from the printed counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.benchmark import Figure
from sim.types import InputError

# Not published: response in those who die without progression, and how often a response of the cured is complete.
NO_RESPONSE_BEFORE_DEATH = 0.75
COMPLETE_IN_CURED = 0.88
COMPLETE_BEFORE_DEATH = 0.60
LATER_CONVERSIONS = 14 / 251  # partial responses at day 30 that became complete after day 90: 148 - 34 - 100


@dataclass(frozen=True)
class CartResponse:
    """P(response | fate) and P(complete | response, fate); fates: refractory, late, death without progression, cured.

    Day 30: `stable_refractory` = P(stable | refractory), `stable_cured` = P(stable, later complete | cured);
    `partial_to_complete` = P(partial at day 30, complete by day 90 | complete as best response).
    """

    response: tuple[float, float, float, float]
    complete: tuple[float, float, float, float]
    stable_refractory: float
    stable_cured: float
    partial_to_complete: float

    def overall(self, fates: tuple[float, float, float, float]) -> tuple[float, float]:
        """Return (response, complete response) in a group with these shares of fates."""
        r = sum(w * a for w, a in zip(fates, self.response, strict=True))
        c = sum(w * a * b for w, a, b in zip(fates, self.response, self.complete, strict=True))
        return r, c


def solve(figures: Mapping[str, Figure], fates: tuple[float, float, float, float]) -> CartResponse:
    """Solve the marks from the printed response rates: refractory never respond, late relapse and cure share one rate."""
    orr, cr, n = figures["cart_orr"].target / 100, figures["cart_cr"].target / 100, figures["n_all"].value
    cured = fates[3]
    rate, complete = rates(figures, fates)
    if not (0 <= rate <= 1 and 0 <= complete <= 1):
        raise InputError(
            f"benchmark: cart_orr {orr:.3f} and cart_cr {cr:.3f} cannot hold with a refractory share of {fates[0]:.3f} among the infused"
        )
    stable = figures["d30_sd_n"].value
    recovered = stable * figures["d30_sd_to_cr"].target / 100
    refractory_observed = figures["d30ref_share"].target / 100 * figures["failure_n"].target / 100 * n
    converted = figures["d30_pr_to_cr"].numerator / (n * cr)
    return CartResponse(
        (0.0, rate, 1 - NO_RESPONSE_BEFORE_DEATH, rate),
        (0.0, complete, COMPLETE_BEFORE_DEATH, COMPLETE_IN_CURED),
        min((stable - recovered) / refractory_observed, 1.0),
        min(recovered / (n * cured), 1.0),
        converted,
    )


def rates(figures: Mapping[str, Figure], fates: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the response rate that late relapse and cure share, and the complete share of the responses before late relapse."""
    orr, cr = figures["cart_orr"].target / 100, figures["cart_cr"].target / 100
    _, late, death, cured = fates
    rate = (orr - death * (1 - NO_RESPONSE_BEFORE_DEATH)) / (late + cured)
    complete = (cr - death * (1 - NO_RESPONSE_BEFORE_DEATH) * COMPLETE_BEFORE_DEATH - cured * rate * COMPLETE_IN_CURED) / (late * rate)
    return rate, complete


def from_marks(marks: Mapping[str, Any]) -> CartResponse:
    """Return the marks of response to CAR-T from a parameter file's `marks`."""
    row = marks["cart_response"]
    r, c = (tuple(float(x) for x in row[k]) for k in ("response", "complete"))
    return CartResponse(
        (r[0], r[1], r[2], r[3]), (c[0], c[1], c[2], c[3]), row["stable_refractory"], row["stable_cured"], row["partial_to_complete"]
    )
