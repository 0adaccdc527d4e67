"""Long verification: the interval for n holds the true n in at least 93 % of 500 repeated sizings (definitions 29)."""

import pytest

from tests.test_sizing_independent import coverage

pytestmark = pytest.mark.verify


@pytest.mark.parametrize(("target", "effect"), [(0.8, 0.225), (0.9, 0.35), (0.8, 0.12)])
def test_coverage(target, effect):
    share, _, truth = coverage(500, seed=29, target=target, effect=effect)
    assert share >= 0.93, (share, truth)
