"""No number of a configuration, however extreme, ends in a library's warning: one line refuses it, or the trial runs and its numbers are finite."""

import pytest

from sim.app.schema import TRIAL_GROUPS
from tests.contract.extremes import cases, changed, outcome

GROUPS = (*TRIAL_GROUPS, "statistic")


def held(group, every=1):
    found = list(cases(group))
    assert found
    for option_of, option, path, value in found[::every]:
        answer = outcome(changed(option_of, option, path, value))
        if isinstance(answer, str):
            assert "allowed" in answer, (option, path, value, answer)
            assert "\n" not in answer


@pytest.mark.parametrize("group", GROUPS)
def test_an_extreme_number_is_refused_in_a_line_or_runs(group):
    # 22 and the nine extremes have no common divisor: of many keys in turn every extreme
    held(group, every=22 if group == "design" else 4)


@pytest.mark.verify
@pytest.mark.parametrize("group", GROUPS)
def test_every_extreme_number_is_refused_in_a_line_or_runs(group):
    held(group)


@pytest.mark.verify
def test_the_keys_are_found_by_looking():
    keys = {".".join(path) for group in GROUPS for _, _, path, _ in cases(group)}
    assert {"design.alpha", "design.futility.beta", "effect.delay", "population.medians", "design.statistic.horizon"} <= keys
    assert len(keys) > 60
