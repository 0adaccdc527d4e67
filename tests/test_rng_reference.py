"""Level: reference. Philox 4x32-10 against the known-answer vectors of Random123 (Salmon et al. 2011), fast and plain."""

import pytest

from sim.validation import random_numbers
from tests import naive


@pytest.mark.parametrize("vector", random_numbers.VECTORS, ids=lambda v: v.id)
def test_known_answers(vector):
    assert naive.philox(vector.counter, vector.key) == vector.answer
    assert random_numbers.words(vector) == vector.answer
