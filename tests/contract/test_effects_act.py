"""Every effect on every design and population either moves what the design tests, or is refused; a new YAML is tested by being there."""

import numpy as np
import pytest

from sim.effect import OwnCurve
from sim.types import InputError
from tests.contract.building import POPULATIONS, options, trial

ENDPOINT = {"PFS": "pfs", "OS": "os", "ORR": "response"}
# what an effect moves hangs on the endpoint: the plainest effects meet every design, the others one design of each endpoint
PLAINEST, ONE_OF_EACH = ("none", "hazard_ratio", "response_rate"), ("randomised_pfs", "randomised_os", "single_arm_orr")
PAIRS = [(d, e, p) for d in options("design") for e in options("effect") for p in POPULATIONS if e in PLAINEST or d in ONE_OF_EACH]


# an effect that goes with one population alone: what holds its curve
ALONE = {"own_curve": OwnCurve()}


def moves(made, effect):
    """Whether the exact curve or rate of what is tested differs under the effect; not where these patients have nothing it could act on."""
    endpoint, population = ENDPOINT[made.plan.hypothesis], made.population
    try:
        if endpoint == "response":
            return population.response_rate(effect) != population.response_rate()
        return not np.array_equal(population.curve(endpoint, effect).survival, population.curve(endpoint).survival)
    except InputError:
        return False


@pytest.mark.parametrize(("design", "effect", "population"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_an_effect_acts_or_is_refused(design, effect, population):
    plain = trial(f"design={design}", f"population={population}", "effect=none")
    other = ALONE.get(effect) or trial(f"effect={effect}", "design=randomised_os", "population=post_cart_failure").effect
    if not other.is_null and not moves(plain, other):
        with pytest.raises(InputError, match=r"effect.*(cannot move what the design tests|allowed: )"):
            trial(f"design={design}", f"population={population}", f"effect={effect}")
    else:
        made = trial(f"design={design}", f"population={population}", f"effect={effect}")
        assert moves(made, made.effect) == (effect != "none")


@pytest.mark.parametrize("design", options("design"))
def test_the_default_effect_follows_the_design(design):
    made = trial(f"design={design}")
    assert moves(made, made.effect)
